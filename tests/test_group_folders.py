"""Folders of patients are found by themselves where they are many and small, and other sub-folders are not taken for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_groups import FOLDERS, TABLE, draw, in_folders, prepared, sides

from monklite.data import group_told, groups
from monklite.data.samples import Samples
from monklite.rules import AUTO
from monklite.spec import SUBSETS


def found(*paths: str, source=FOLDERS, labels: list[int] | None = None) -> tuple[dict[str, str] | None, str]:
    """The group of each image, None if they are not grouped; and the remarks."""
    samples = in_folders(*paths)
    if labels is not None:
        samples = Samples.from_files(Path("d"), ["a", "b"], list(paths), np.array(labels))
    grouped, grouping = groups.assign([samples], [source], AUTO)
    remarks = " ".join(grouped.remarks)
    return dict(zip(grouped.paths, grouped.groups, strict=True)) if grouping else None, remarks


def below(folders: list[str], n_images: int = 4, name: str = "slice{i}.png") -> list[str]:
    """Images of two classes, half of the folders in each."""
    return [f"{'ab'[k % 2]}/{f}/{name.format(i=i)}" for k, f in enumerate(folders) for i in range(n_images)]


PATIENTS = ["Ja83", "Ke12", "Li07", "Mo55", "Ne31", "Os90", "Pa14", "Qu62"]
SERIES = [f"IM-{s:04d}-{i:04d}.png" for s in range(2) for i in range(2)]


def folder_of(path: str, depth: int = 1) -> str:
    return path.split("/")[depth]


@pytest.mark.parametrize("names", [SERIES, [f"slice{i}.png" for i in range(4)]])
def test_a_folder_for_each_patient_is_a_group(names: list[str]) -> None:
    paths = [f"{'ab'[k % 2]}/{folder}/{name}" for k, folder in enumerate(PATIENTS) for name in names]
    assert found(*paths) == ({path: folder_of(path) for path in paths}, "")


def test_patients_with_images_of_both_classes_are_one_group() -> None:
    paths = [f"{c}/{folder}/{i}.png" for c in "ab" for folder in PATIENTS for i in range(3)]
    grouped, _ = found(*paths)
    assert grouped == {path: folder_of(path) for path in paths}


def test_series_of_one_patient_that_lie_in_folders_below_are_one_group() -> None:
    paths = [
        f"{'ab'[k % 2]}/{f}/series{s}/IM-0001-{i:04d}.png"
        for k, f in enumerate(PATIENTS)
        for s in (1, 2)
        for i in (1, 2)
    ]
    assert found(*paths)[0] == {path: folder_of(path) for path in paths}


@pytest.mark.parametrize("above", ["all", "site{}", "batch {}", "2019", "{}x"])
def test_patients_below_folders_that_mean_something_else(above: str) -> None:
    paths = [f"{'ab'[k % 2]}/{above.format(k // 4)}/{f}/{i}.png" for k, f in enumerate(PATIENTS) for i in range(4)]
    assert found(*paths)[0] == {path: folder_of(path, 2) for path in paths}


def test_patients_in_the_paths_of_a_table_below_folders_of_classes() -> None:
    paths = [f"/data/{c}/{folder}/{i}.png" for c in "ab" for folder in PATIENTS for i in range(3)]
    grouped, _ = found(*paths, source=TABLE, labels=[0] * 24 + [1] * 24)
    assert grouped == {path: folder_of(path, 3) for path in paths}


def test_dicom_exports_need_no_digits_in_the_names_of_folders() -> None:
    folders = ["smith", "jones", "brown", "green", "white", "black", "young", "king"]
    paths = [f"{'ab'[k % 2]}/{folder}/{name}" for k, folder in enumerate(folders) for name in SERIES]
    assert found(*paths)[0] == {path: folder_of(path) for path in paths}


@pytest.mark.parametrize(
    ("folders", "n_images", "hint"),
    [
        (["site1", "site2", "site3", "site4", "site5", "site6", "site7", "site8"], 4, False),
        ([f"fold{i}" for i in range(10)], 4, False),
        ([f"Center_{i}" for i in range(10)], 4, False),
        (["40X", "100X", "200X", "400X", "41X", "101X", "201X", "401X"], 4, False),
        (["x1", "x2"], 20, False),
        # few
        (["x1", "x2", "x3", "x4", "x5", "x6"], 4, True),
        # large
        (PATIENTS, 9, True),
        # kinds within the classes
        (["cat", "dog", "cow", "ant", "bee", "elk", "fox", "hen"], 4, True),
        # days
        ([f"2021-05-{i:02d}" for i in range(1, 13)], 4, True),
        # one image each
        ([f"x{i}" for i in range(12)], 1, False),
    ],
)
def test_sub_folders_that_mean_something_else_are_no_groups(folders: list[str], n_images: int, hint: bool) -> None:
    grouped, remarks = found(*below(folders, n_images))
    assert grouped is None
    if hint:
        assert remarks == (
            f"the images lie in {len(folders)} sub-folders, such as {min(folders)!r}, which are not used as groups: images of "
            "one may be on both sides, in training and in validation. If each holds one patient, give group=r'^([^/]+)/'"
        )
    else:
        assert remarks == ""


@pytest.mark.parametrize(
    "paths",
    [
        # an image outside
        [*below(PATIENTS), "a/x.png"],
        # a class with one folder
        [*below(PATIENTS[:7:2] * 2), *(f"c/Zz1/{i}.png" for i in range(4))],
        # a class with large folders
        [f"a/{p}/{i}.png" for p in PATIENTS for i in range(3)]
        + [f"b/x{k}/{i}.png" for k in range(3) for i in range(20)],
        # visits below folders of patients that are few
        [f"{c}/{p}/visit{v}/{i}.png" for c in "ab" for p in ("xy", "zw") for v in range(4) for i in range(3)],
    ],
)
def test_what_is_not_plain_is_not_taken(paths: list[str]) -> None:
    assert found(*dict.fromkeys(paths))[0] is None


@pytest.mark.parametrize("above", ["", "all/", "all/of/them/"])
def test_the_pattern_of_the_hint_groups_by_these_folders(above: str) -> None:
    paths = below([f"{above}x{i}" for i in range(6)], 5)
    grouped, remarks = found(*paths)
    assert grouped is None
    pattern = remarks.partition("give group=r'")[2][:-1]
    made, _ = groups.assign([in_folders(*paths)], [FOLDERS], pattern)
    assert sorted(set(made.groups)) == [f"x{i}" for i in range(6)]


@pytest.mark.parametrize(
    ("above", "pattern"), [("x/", r"r'^(?:[^/]*/){1}([^/]+)/'"), ("x/y/", "a pattern that matches it")]
)
def test_the_hint_about_two_sources(above: str, pattern: str) -> None:
    tables = [in_folders(*below([f"{start}p{i}" for i in range(6)])) for start in ("train/", above)]
    made, grouping = groups.assign(tables, [FOLDERS, FOLDERS], AUTO)
    assert grouping is None
    assert made.remarks[0].endswith(f"If each holds one patient, give group={pattern}")


def test_names_that_tell_patients_across_folders_are_used_with_a_hint_about_the_folders() -> None:
    paths = [f"{'ab'[k % 2]}/{f}/case{i}_.png" for k, f in enumerate(PATIENTS) for i in range(4)]
    grouped, remarks = found(*paths)
    assert grouped == {path: path.rpartition("/")[2][:5] for path in paths}
    assert "8 sub-folders, such as 'Ja83', which are not used as groups" in remarks


def test_series_in_few_folders_are_not_said_to_separate_patients() -> None:
    paths = [f"{c}/{p}{c}/{name}" for c in "ab" for p in ("smith", "jones") for name in SERIES]
    grouped, remarks = found(*paths)
    assert grouped == {path: path.partition("/")[2][:-9] for path in paths}
    assert remarks == (
        "numbers such as IM-0001 start anew in each folder, and each is a group of its own: if a folder holds several series of "
        "one patient, they may be on both sides, in training and in validation; group=r'([^/]+)/[^/]+$' groups by folder"
    )
    by_folder, _ = groups.assign([in_folders(*paths)], [FOLDERS], r"([^/]+)/[^/]+$")
    assert sorted(set(by_folder.groups)) == ["jonesa", "jonesb", "smitha", "smithb"]


@pytest.mark.parametrize("names", [SERIES, [f"{i}.png" for i in range(4)]])
def test_no_folder_of_a_patient_is_on_both_sides(workspace: Path, tmp_path: Path, names: list[str], capsys) -> None:
    folders = [f"{c}/pt{c}{p}x" for c in "ab" for p in range(4)]
    data = draw(tmp_path / "d", *(f"{folder}/{name}" for folder in folders for name in names))
    prepared(data)
    assert (
        f"Note: 32 images of 8 groups by folder (such as 'pta0x' from a/pta0x/{names[0]}): images of a group stay on one side"
    ) in capsys.readouterr().out
    assert sorted(sides("e")) == sorted(folder.partition("/")[2] for folder in folders)
    assert all(len(found) == 1 for found in sides("e").values())


def test_images_without_any_label_are_looked_at_too() -> None:
    samples = Samples.from_files(
        Path("d"), ["a", "b"], [f"P{i}/{k}.png" for i in range(9) for k in range(3)], np.zeros((27, 2), bool)
    )
    assert groups.assign([samples], [TABLE], AUTO)[1] is None


# Training and validation in two folders


def told(train: list[str], val: list[str], source=FOLDERS) -> str:
    tables = [in_folders(*train), in_folders(*val)]
    made, grouping = groups.assign(tables, [source, source], AUTO)
    assert grouping is not None
    subsets = np.repeat([SUBSETS.index("train"), SUBSETS.index("val")], [len(t) for t in tables]).astype(np.int8)
    return group_told.describe(replace(made, subsets=subsets), grouping)


def series(folder: str, numbers: range, image: int) -> list[str]:
    return [f"{c}/{folder}/IM-{s:04d}-{image:04d}.jpeg" for c in "ab" for s in numbers]


TWO_SITES = [path for site in ("site1", "site2") for image in (0, 1) for path in series(site, range(3), image)]


def test_a_folder_that_only_one_source_has_in_common_keeps_its_name() -> None:
    assert "6 of the 6 validation images are of 3 groups that are in training too, such as 'site1/IM-0000'" in told(
        TWO_SITES, series("site1", range(3), 7)
    )
    assert "6 of the 6 validation images are of 3 groups" in told(series("site1", range(3), 7) * 2, TWO_SITES[:6])
    assert "no group is in training and in validation" in told(TWO_SITES, series("site3", range(3), 7))


def test_folders_called_as_the_parts_are_passed_over() -> None:
    train, val = series("train", range(4), 0) + series("train", range(4), 1), series("val", range(3), 7)
    assert "6 of the 6 validation images are of 3 groups that are in training too, such as 'IM-0000'" in told(
        train, val
    )


def test_folders_of_patients_in_both_of_two_folders_are_told() -> None:
    val = [f"{'ab'[k % 2]}/{folder}/9.png" for k, folder in enumerate(PATIENTS[:6])]
    assert "6 of the 6 validation images are of 6 groups that are in training too" in told(below(PATIENTS), val)
