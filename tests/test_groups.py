"""Images of a group, such as a patient, stay on one side of the split: how groups are found, split, told and recorded."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_group_split import grouped
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.data import dataset_csv, group_patterns, group_told, groups, split
from monklite.data.samples import Samples, as_column
from monklite.errors import DatasetError, InvalidType, InvalidValue, NotReady
from monklite.group_rule import GroupText
from monklite.reports import comparison
from monklite.rules import AUTO
from monklite.runs.file_names import SAMPLES
from monklite.runs.workspace import Workspace
from monklite.spec import SUBSETS, Folders, Spec, Table

FOLDERS, TABLE = Folders(path="images"), Table(path="images", csv="t.csv", reading=2)


def in_folders(*paths: str) -> Samples:
    """Images in class folders; the first part of a path is the class."""
    names = sorted({path.split("/")[0] for path in paths})
    labels = np.array([names.index(path.split("/")[0]) for path in sorted(paths)], np.int64)
    return Samples.from_files(Path("images"), names, sorted(paths), labels)


def assigned(samples: Samples, group: str = AUTO, source: Folders | Table = FOLDERS) -> dict[str, str] | None:
    """The group of each image by its path; None if they are not grouped."""
    grouped, grouping = groups.assign([samples], [source], group)
    assert (grouping is None) == (not (grouped.groups != "").any())
    return dict(zip(grouped.paths, grouped.groups, strict=True)) if grouping else None


def by_file(samples: Samples, group: str = AUTO) -> dict[str, str]:
    found = assigned(samples, group)
    assert found is not None
    return {path.rpartition("/")[2]: name for path, name in found.items()}


# What is found by itself


KERMANY = in_folders(
    "NORMAL/IM-0115-0001.jpeg",
    "NORMAL/IM-0117-0001.jpeg",
    "NORMAL/IM-0491-0001.jpeg",
    "NORMAL/IM-0491-0001-0002.jpeg",
    "NORMAL/NORMAL2-IM-0285-0001.jpeg",
    "PNEUMONIA/person1_virus_6.jpeg",
    "PNEUMONIA/person1_virus_7.jpeg",
    "PNEUMONIA/person10_virus_35.jpeg",
    "PNEUMONIA/person1000_bacteria_2931.jpeg",
)


def test_the_patients_of_kermanys_xrays_are_found() -> None:
    assert by_file(KERMANY) == {
        "IM-0115-0001.jpeg": "IM-0115",
        "IM-0117-0001.jpeg": "IM-0117",
        "IM-0491-0001.jpeg": "IM-0491",
        "IM-0491-0001-0002.jpeg": "IM-0491",
        "NORMAL2-IM-0285-0001.jpeg": "NORMAL2-IM-0285",
        "person1_virus_6.jpeg": "person1",
        "person1_virus_7.jpeg": "person1",
        "person10_virus_35.jpeg": "person10",
        "person1000_bacteria_2931.jpeg": "person1000",
    }


def test_the_patients_of_chestxray14_are_found() -> None:
    names = ["00000013_005.png", "00000013_006.png", "00000014_000.png", "00030805_000.png"]
    samples = Samples.from_files(Path("d"), ["a", "b"], names, np.array([0, 1, 1, 0]))
    found = assigned(samples, source=TABLE)
    assert found == dict(zip(names, ["00000013", "00000013", "00000014", "00030805"], strict=True))


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("person1_virus_6", "person1"),
        ("Patient-07_left", "patient-07"),
        ("x_subject 3 b", "subject 3"),
        ("participant_12.1", "participant_12"),
        ("sub-01_task", "sub-01"),
        ("subj4", "subj4"),
        ("PID0042-3", "pid0042"),
        ("pat9", "pat9"),
        ("case12a", "case12"),
        ("scan (case 5)", "case 5"),
        ("case7/left/1", "case7"),
        ("series3/IM-0001-0002", "series3/IM-0001"),
        ("im-1-2", "im-1"),
        ("20230101_001", ""),
        ("00000013_05", ""),
        ("bypass1", ""),
        ("staircase3", ""),
        ("2case3", ""),
        ("éperson1", ""),
        ("patients", ""),
        ("person_a1", ""),
        ("DIM-0001-0002", ""),
        ("IM-0001", ""),
        ("cat.1", ""),
        ("img_0001", ""),
    ],
)
def test_words_and_numbers_that_name_a_group(name: str, group: str) -> None:
    assert next((found for p in group_patterns.PLAIN_PATTERNS if (found := p(f"{name}.png"))), "") == group


@pytest.mark.parametrize(
    "paths",
    [
        ["a/1.png", "a/2.png", "b/1.png"],
        # no two images share one
        ["a/person1.png", "a/person2.png", "b/person3.png"],
        # the class folder is a class
        ["case1/1.png", "case1/2.png", "case2/1.png", "case2/2.png"],
        # all of them
        ["a/person1_1.png", "a/person1_2.png", "b/person1_3.png"],
        # groups that are the classes
        ["a/person1_1.png", "a/person1_2.png", "b/person2_3.png", "b/person2_4.png"],
        # most images of each class are named otherwise
        ["a/person1_1.png", "a/person1_2.png", "a/x.png", "b/person2_3.png", "b/person2_4.png", "b/x.png"],
    ],
)
def test_what_is_not_plain_is_not_taken(paths: list[str]) -> None:
    assert assigned(in_folders(*paths)) is None


def test_one_class_whose_names_fit_is_enough() -> None:
    names = ["a/person1_1.png", "a/person1_2.png", "a/person2_1.png", "b/x.png", "b/y.png", "b/person3.png"]
    assert by_file(in_folders(*names))["person3.png"] == "person3"
    assert by_file(in_folders(*names))["x.png"] == ""


def test_folders_that_all_images_of_a_table_are_in_tell_no_group() -> None:
    names = [f"/data/case12/person{i // 2}_{i}.png" for i in range(6)]
    samples = Samples.from_files(Path("d"), ["a", "b"], names, np.array([0, 1] * 3))
    found = assigned(samples, source=TABLE)
    assert found is not None and sorted(set(found.values())) == ["person0", "person1", "person2"]


def test_off_is_off() -> None:
    assert assigned(KERMANY, "") is None


# Patterns that are given


def test_a_pattern_is_matched_below_the_class_folder_and_its_first_parentheses_count() -> None:
    samples = in_folders("case1/x-1-a.png", "case1/x-1-b.png", "case2/x-2-a.png", "case2/y.png")
    assert by_file(samples, r"x-(\d+)-([ab])") == {"x-1-a.png": "1", "x-1-b.png": "1", "x-2-a.png": "2", "y.png": ""}
    with pytest.raises(
        InvalidValue, match=r"group='\(case\[0-9\]\)' matches none of the 4 file names, such as 'x-1-a\.png'"
    ):
        assigned(samples, "(case[0-9])")


def test_of_alternatives_the_parentheses_count_that_matched() -> None:
    samples = in_folders("a/person1_1.png", "a/person1_2.png", "b/subj7_1.png", "b/subj7_2.png", "b/x.png")
    assert by_file(samples, r"(person\d+)|(subj\d+)") == {
        "person1_1.png": "person1",
        "person1_2.png": "person1",
        "subj7_1.png": "subj7",
        "subj7_2.png": "subj7",
        "x.png": "",
    }


def test_a_pattern_is_matched_with_the_whole_path_of_a_table() -> None:
    samples = Samples.from_files(Path("d"), ["a", "b"], ["k1/1.png", "k1/2.png", "k2/1.png"], np.array([0, 1, 1]))
    assert assigned(samples, r"^(k\d)/", TABLE) == {"k1/1.png": "k1", "k1/2.png": "k1", "k2/1.png": "k2"}


def test_parentheses_that_match_nothing_leave_an_image_by_itself() -> None:
    assert by_file(in_folders("a/x1.png", "a/x.png", "b/y.png"), r"x(\d)?") == {"x1.png": "1", "x.png": "", "y.png": ""}


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("(person", InvalidValue, r"group must be a column of the table, a regular .*, not '\(person': it is no regular expr"),
        (3, InvalidType, r"group must be a column of the table, .*, not 3 \(int\)"),
        (True, InvalidType, "not True"),
        ("  ", InvalidValue, "not '  '"),
    ],
)  # fmt: skip
def test_the_rule_of_the_argument(value: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        GroupText()("group", value)
    assert len(str(caught.value)) < 300


def test_false_is_off() -> None:
    assert Spec().replace({"data.group": False}).data.group == ""


@pytest.mark.parametrize("value", ["patient", "[", "(?:person)", r"person\d"])
def test_class_folders_need_a_pattern_with_parentheses(value: str) -> None:
    spec = Spec().replace({"data.sources": (FOLDERS,), "data.group": value})
    with pytest.raises(InvalidValue, match=r"has no parentheses: for images in class folders .* such as '\(person"):
        groups.check_setting(spec.data)
    groups.check_setting(spec.replace({"data.sources": (TABLE,)}).data)


# What is told


def told(samples: Samples, subsets: list[str], group: str = AUTO, sources=(FOLDERS,), tables=None) -> str:
    made, grouping = groups.assign(tables or [samples], sources, group)
    assert grouping is not None
    return group_told.describe(replace(made, subsets=np.array([SUBSETS.index(s) for s in subsets], np.int8)), grouping)


def test_groups_are_told_with_an_example() -> None:
    subsets = ["train"] * 6 + ["val"] * 3
    assert told(KERMANY, subsets) == (
        "9 images of 7 groups by file name (such as 'IM-0491' from IM-0491-0001-0002.jpeg): images of a group stay on one side "
        "of the split (group='' splits image by image)"
    )
    assert told(KERMANY, subsets, r"^(person\d+)_") == (
        "9 images of 8 groups by file name (such as 'person1' from person1_virus_6.jpeg), 5 images that it does not match "
        "counted as a group each: images of a group stay on one side of the split"
    )


def test_a_pattern_that_groups_nothing_is_told() -> None:
    samples = in_folders(*(f"{'ab'[i % 2]}/{i}.png" for i in range(24)))
    said = told(samples, ["train", "val"] * 12, r"(\d+)")
    assert said == (
        "24 images of 24 groups by file name: no two images share a group, so nothing is kept together; group= must give what "
        "the images of a patient have in common"
    )


def test_groups_in_both_of_two_folders_are_told() -> None:
    train = in_folders("a/person1_1.png", "a/person2_1.png", "b/person3_1.png", "b/person3_2.png")
    val = in_folders("a/person1_2.png", "a/person7_1.png", "b/person3_3.png", "b/person4_4.png", "b/person4_5.png")
    subsets = ["train"] * 4 + ["val"] * 5
    assert told(train, subsets, sources=(FOLDERS, FOLDERS), tables=[train, val]) == (
        "9 images of 5 groups by file name (such as 'person1' from person1_1.png): 2 of the 5 validation images are of 2 groups "
        "that are in training too, such as 'person1', so validation looks better than it is"
    )
    apart = in_folders("a/person8_1.png", "a/person8_2.png", "b/person9_1.png", "b/person9_2.png")
    said = told(train, ["train"] * 4 + ["val"] * 4, sources=(FOLDERS, FOLDERS), tables=[train, apart])
    assert said.endswith("no group is in training and in validation")


# From folders and tables to runs


def draw(folder: Path, *names: str) -> Path:
    """An image for each name, each unlike the others."""
    for i, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(i).integers(0, 255, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def prepared(folder: Path, experiment: str = "e", verbose: int = 1, **arguments: object) -> Prototype:
    ptf = Prototype("p", experiment, verbose=verbose)
    ptf.Dataset_Params(folder, **{"input_size": 32, "batch_size": 4, "split": 0.7, **arguments})
    ptf.Dataset()
    return ptf


def rows_of(experiment: str) -> list[dict[str, str]]:
    with (Workspace().find("p", experiment).folder / SAMPLES).open(newline="") as file:
        return list(csv.DictReader(file))


def sides(experiment: str, column: str = "group") -> dict[str, set[str]]:
    """The subsets that each group is in."""
    found: dict[str, set[str]] = {}
    for row in rows_of(experiment):
        found.setdefault(row[column], set()).add(row["subset"])
    return found


XRAYS = [f"sick/person{i // 3}_virus_{i}.png" for i in range(18)] + [f"well/IM-{i:04d}-0001.png" for i in range(12)]


@pytest.fixture
def xrays(tmp_path: Path) -> Path:
    return draw(tmp_path / "xrays", *XRAYS)


def test_patients_of_a_folder_from_names_to_the_record(workspace: Path, xrays: Path, capsys) -> None:
    prepared(xrays)
    said = capsys.readouterr().out
    assert (
        "Note: 30 images of 18 groups by file name (such as 'person0' from person0_virus_0.png): images of a group stay on one "
        "side of the split (group='' splits image by image)"
    ) in said
    assert "Group:" not in said
    assert all(len(found) == 1 for found in sides("e").values())
    assert Workspace().find("p", "e").state().dataset.groups == 18
    assert {row["path"]: row["group"] for row in rows_of("e")}["sick/person1_virus_4.png"] == "person1"


def test_image_by_image_gives_the_split_and_the_record_of_before(workspace: Path, xrays: Path, capsys) -> None:
    ptf = prepared(xrays, group=False)
    said = capsys.readouterr().out
    assert "groups" not in said
    assert "Group:" in said and "each image on its own" in said
    samples = ptf._experiment.data.samples
    plain = split.stratified(samples, 0.7, 0, samples.digests)
    assert [samples.rows_of(name).tolist() for name in ("train", "val")] == [part.tolist() for part in plain]
    assert list(rows_of("e")[0]) == ["subset", "class", "path", "digest"]
    assert Workspace().find("p", "e").state().dataset.groups is None
    assert Workspace().find("p", "e").state().asked.data.group == ""


def test_names_that_tell_nothing_give_the_split_of_before(workspace: Path, patterns: Path) -> None:
    ptf = prepared(patterns, verbose=0)
    samples = ptf._experiment.data.samples
    plain = split.stratified(samples, 0.7, 0, samples.digests)
    assert [samples.rows_of(name).tolist() for name in ("train", "val")] == [part.tolist() for part in plain]


def test_a_pattern_that_groups_nothing_together_gives_the_split_of_before(workspace: Path, patterns: Path) -> None:
    prepared(patterns, "plain", verbose=0)
    prepared(patterns, "each", verbose=0, group=r"(\w+-\d+)")
    recorded = [dataset_csv.read(Workspace().find("p", name).folder / SAMPLES) for name in ("plain", "each")]
    assert recorded[0] == recorded[1]
    assert Workspace().find("p", "each").state().dataset.groups == 36


def test_a_copy_and_a_resumed_run_keep_the_split(workspace: Path, xrays: Path) -> None:
    ptf = prepared(xrays, verbose=0)
    ptf.Model_Params("squeezenet1_1", freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.Training_Params(num_epochs=1, display_progress=False)
    ptf.Train()
    first = rows_of("e")
    resumed = Prototype("p", "e", resume_train=True, verbose=0)
    with pytest.raises(NotReady, match=r"a resumed run keeps its data\.group"):
        resumed.update_group("")
    resumed.update_num_epochs(2)
    resumed.Train()
    assert Workspace().find("p", "e").state().results.epochs_completed == 2
    assert rows_of("e") == first
    copied = Prototype("p", "copy", copy_from=["p", "e"], verbose=0)
    copied.Reload()
    assert rows_of("copy") == first
    copied.update_group("")
    copied.Reload()
    assert "group" not in rows_of("copy")[0]
    assert {row["path"]: row["subset"] for row in rows_of("copy")} != {row["path"]: row["subset"] for row in first}


def test_update_group_and_quick_mode_take_a_pattern(workspace: Path, xrays: Path, capsys) -> None:
    ptf = Prototype("p", "e")
    ptf.Default(xrays, model_name="squeezenet1_1", use_pretrained=False, group=r"(person\d+)_")
    said = capsys.readouterr().out
    assert r"(person\d+)_" in said.partition("Dataset Params")[2].partition("Dataset Numbers")[0]
    assert "12 images that it does not match counted as a group each" in said
    ptf.update_group(r"(IM-\d\d\d)")
    ptf.Reload()
    assert {row["group"] for row in rows_of("e")} == {"", "IM-000", "IM-001"}
    ptf.update_dataset(xrays, split=0.5)
    ptf.Reload()
    assert "person1" in sides("e")


TABLE_ROWS = [(f"{i:02d}.png", "ab"[i % 2], f"P {i // 4}") for i in range(32)]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    return draw(tmp_path / "listed", *(name for name, _, _ in TABLE_ROWS))


def write(path: Path, *columns: str, rows=TABLE_ROWS) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


@pytest.mark.parametrize("name", ["patient", "PatientID", "Patient ID", "subject_id", "person", "Case-ID", "groups"])
def test_the_column_of_patients_is_found_by_its_name(
    workspace: Path, listed: Path, tmp_path: Path, name: str, capsys
) -> None:
    table = write(tmp_path / "t.csv", "image", "label", name)
    prepared(listed, path_to_csv=table)
    assert (
        f"Note: 32 images of 8 groups by column {name!r} (such as 'P 0' from 00.png): images of a group stay on one side of the "
        "split (group='' splits image by image)"
    ) in capsys.readouterr().out
    assert all(len(found) == 1 for found in sides("e").values())
    assert sorted(sides("e")) == [f"P {i}" for i in range(8)]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("doctor", lambda i: f"P{i // 4}"),
        # no value repeats
        ("patient", str),
        # arms of a study
        ("group", lambda i: ("treated", "control", "placebo")[i % 3]),
        # all images
        ("patient", lambda i: "one"),
        # the classes
        ("patient", lambda i: "AB"[i % 2]),
        ("patient", lambda i: "NA"),
    ],
)
def test_other_columns_are_not_taken(workspace: Path, listed: Path, tmp_path: Path, name: str, cell, capsys) -> None:
    rows = [(file, label, cell(i)) for i, (file, label, _) in enumerate(TABLE_ROWS)]
    prepared(listed, path_to_csv=write(tmp_path / "t.csv", "image", "label", name, rows=rows))
    assert "groups by" not in capsys.readouterr().out
    assert "group" not in rows_of("e")[0]


def test_a_column_is_given_by_name_whatever_its_case(workspace: Path, listed: Path, tmp_path: Path, capsys) -> None:
    rows = [
        (file, label, "1.0" if i < 4 else "" if i == 4 else str(i // 4))
        for i, (file, label, _) in enumerate(TABLE_ROWS)
    ]
    prepared(
        listed,
        path_to_csv=write(tmp_path / "t.csv", "image", "label", "Doctor in charge", rows=rows),
        group="doctor in CHARGE",
    )
    said = capsys.readouterr().out
    # the first four are of the same doctor, 1, as the next three
    assert (
        "32 images of 8 groups by column 'Doctor in charge' (such as '1' from 00.png), 1 image without a value in it"
        in said
    )
    assert "Group:" in said
    assert sides("e")["1"] in ({"train"}, {"val"})


def test_a_data_frame_with_patients(workspace: Path, listed: Path) -> None:
    frame = pd.DataFrame(TABLE_ROWS, columns=["image", "label", "patient"])
    prepared(listed, path_to_csv=frame, verbose=0)
    assert all(len(found) == 1 for found in sides("e").values())
    assert Workspace().find("p", "e").state().dataset.groups == 8


def test_several_labels_with_patients(workspace: Path, listed: Path, tmp_path: Path) -> None:
    rows = [(file, ("a", "a|b", "b", "")[i % 4], patient) for i, (file, _, patient) in enumerate(TABLE_ROWS)]
    table = write(tmp_path / "t.csv", "image", "labels", "patient", rows=rows)
    prepared(listed, path_to_csv=table, label_delimiter="|", verbose=0)
    assert all(len(found) == 1 for found in sides("e").values())


def test_two_tables_are_not_split_and_shared_patients_are_told(
    workspace: Path, listed: Path, tmp_path: Path, capsys
) -> None:
    parts = {"t.csv": TABLE_ROWS[:18], "v.csv": TABLE_ROWS[18:]}
    tables = [write(tmp_path / name, "image", "label", "patient", rows=rows) for name, rows in parts.items()]
    ptf = Prototype("p", "e")
    ptf.Dataset_Params([listed, listed], tables, input_size=32, batch_size=4)
    ptf.Dataset()
    assert (
        "32 images of 8 groups by column 'patient' (such as 'P 0' from 00.png): 2 of the 14 validation images are of a group "
        "that is in training too, such as 'P 4', so validation looks better than it is"
    ) in capsys.readouterr().out
    assert sides("e")["P 4"] == {"train", "val"}


@pytest.mark.parametrize(
    ("group", "error", "message"),
    [
        (
            "patients",
            InvalidValue,
            r"group='patients': .*t\.csv has no such column, and a pattern .* Did you mean 'patient'\?",
        ),
        ("label", InvalidValue, r"group='label' is the column of the classes in .*t\.csv"),
        ("image", InvalidValue, r"group='image' is the column of the paths in .*t\.csv"),
        (r"(x\d+)", InvalidValue, r"matches none of the 32 file names, such as '00\.png'"),
        (r"(\.png)", DatasetError, r"all 32 images are of one group by file name, '\.png'"),
        ("empty", InvalidValue, "group='empty': no image has a value in this column"),
        ("label2", DatasetError, r"all 16 images of class 'a' are of one group by column 'label2', 'a'"),
    ],
)
def test_wrong_groups_of_a_table_are_refused(
    workspace: Path, listed: Path, tmp_path: Path, group: str, error, message: str
) -> None:
    rows = [(*row, "", row[1]) for row in TABLE_ROWS]
    table = write(tmp_path / "t.csv", "image", "label", "patient", "empty", "label2", rows=rows)
    with pytest.raises(error, match=message) as caught:
        prepared(listed, path_to_csv=table, group=group, verbose=0)
    assert len(str(caught.value)) < 500


def test_a_column_that_one_of_two_tables_lacks_is_refused(workspace: Path, listed: Path, tmp_path: Path) -> None:
    both = write(tmp_path / "t.csv", "image", "label", "a(b)"), write(tmp_path / "v.csv", "image", "label", "other")
    with pytest.raises(InvalidValue, match=r"group='a\(b\)': only one of the two tables has such a column"):
        prepared([listed, listed], path_to_csv=list(both), group="a(b)", verbose=0)


@pytest.mark.parametrize("call", ["Dataset_Params", "Default", "update_dataset"])
def test_a_group_without_parentheses_is_refused_before_any_file_is_read(workspace: Path, call: str) -> None:
    ptf = Prototype("p", "e", verbose=0)
    with pytest.raises(InvalidValue, match="group='patient' has no parentheses: for images in class folders"):
        getattr(ptf, call)("nowhere", group="patient")
    with pytest.raises(InvalidValue, match=r"group must be .*, not '\(': it is no regular expression"):
        getattr(ptf, call)("nowhere", group="(")


def test_found_patients_that_leave_a_class_on_one_side_are_refused_with_the_remedy(
    workspace: Path, tmp_path: Path
) -> None:
    names = [f"sick/person{i // 3}_{i}.png" for i in range(9)] + [f"well/person9_{i}.png" for i in range(4)]
    folder = draw(tmp_path / "d", *names)
    with pytest.raises(
        DatasetError, match=r"all 4 images of class 'well' are of one group by file name, 'person9', .*group=''"
    ):
        prepared(folder, verbose=0)
    prepared(folder, verbose=0, group="")
    assert len(rows_of("e")) == 13


def test_a_run_without_groups_in_its_table_is_read(tmp_path: Path) -> None:
    samples = replace(grouped([0, 0], ["p", ""]), subsets=np.zeros(2, np.int8))
    dataset_csv.write(tmp_path / "new.csv", samples)
    assert (tmp_path / "new.csv").read_text().splitlines()[0] == "subset,class,path,digest,group"
    dataset_csv.write(tmp_path / "old.csv", replace(samples, groups=as_column(["", ""])))
    assert (tmp_path / "old.csv").read_text().splitlines()[0] == "subset,class,path,digest"
    assert dataset_csv.read(tmp_path / "new.csv") == dataset_csv.read(tmp_path / "old.csv")
    assert dataset_csv.changed(tmp_path / "new.csv", samples) == []


def test_patients_of_training_in_the_test_images_are_told(
    workspace: Path, xrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build_tiny(monkeypatch, "pytorch")
    ptf = prepared(xrays, verbose=0)
    ptf.Model_Params("squeezenet1_1", use_pretrained=False)
    ptf.Training_Params(1, display_progress=False)
    ptf.Train()
    trained = next(
        group for group, subsets in sides("e").items() if subsets == {"train"} and group.startswith("person")
    )
    # what the best epoch predicts is kept with the patients, by whom comparisons judge it
    (entry,) = comparison.collect([Workspace(workspace).find("p", "e")])
    assert entry.validated and entry.validated.groups
    assert {group for group in entry.validated.groups if group} <= {
        g for g, own in sides("e").items() if own == {"val"}
    }
    # more images of a patient, and others of other patients
    names = [f"sick/{trained}_virus_{i}.png" for i in (90, 91)]
    names += [f"sick/person{i // 3}_virus_{i}.png" for i in range(300, 330)] + [
        f"well/IM-{i}-0001.png" for i in range(990, 999)
    ]
    draw(tmp_path / "test", *[f"elsewhere/{i}.png" for i in range(30)], *names)
    shutil.rmtree(tmp_path / "test" / "elsewhere")
    ptf.Switch_Mode(eval_infer=True)
    ptf.Dataset_Params(tmp_path / "test")
    capsys.readouterr()
    ptf._console.verbose = 1
    ptf.Dataset()
    told = capsys.readouterr().out
    assert (
        f"2 of 41 test images have the group of training images, such as {trained!r}: if these are the same patients"
        in told
    )
    # one image of each patient
    lone = [f"sick/person{i}_virus_{i}.png" for i in range(300, 310)] + [f"well/IM-{i}-0001.png" for i in range(5)]
    draw(tmp_path / "lone", f"sick/{trained}_virus_90.png", *lone)
    ptf.Dataset_Params(tmp_path / "lone")
    ptf.Dataset()
    told = capsys.readouterr().out
    assert f"1 of 16 test images have the group of training images, such as {trained!r}" in told
    assert "take into account that images of a group are alike" not in told
