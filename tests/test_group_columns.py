"""Columns of patients: which are used, over one table or two, and what is told about those that are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_groups import TABLE, draw, in_folders, prepared, rows_of, sides, write

from monklite import Prototype
from monklite.data import groups
from monklite.data.samples import GroupColumn, Samples, as_column
from monklite.errors import DatasetError, InvalidValue
from monklite.rules import AUTO
from monklite.runs.workspace import Workspace


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return draw(tmp_path / "images", *(f"{i:02d}.png" for i in range(24)))


def rows(*patients: str, labels: str = "ab", start: int = 0) -> list[tuple[str, ...]]:
    return [(f"{start + i:02d}.png", labels[i % len(labels)], patient) for i, patient in enumerate(patients)]


# Two tables


def table_of(*patients: str, name: str = "patient", start: int = 0) -> Samples:
    """Images of a table with a column of patients; `start`: the number of the first one."""
    paths = [f"{start + i:02d}.png" for i in range(len(patients))]
    samples = Samples.from_files(Path("d"), ["a", "b"], paths, np.arange(len(paths)) % 2)
    columns = (GroupColumn(name, as_column(patients)),) if name else ()
    return replace(samples, group_columns=columns)


@pytest.mark.parametrize("group", [None, "patient_id"])
def test_patients_with_one_image_in_each_of_two_tables_are_told(
    workspace: Path, images: Path, tmp_path: Path, capsys, group: str | None
) -> None:
    names = [f"P{i}" for i in range(6)]
    train = write(tmp_path / "tr.csv", "image", "label", "patient_id", rows=rows(*names * 3))
    val = write(tmp_path / "va.csv", "image", "label", "patient_id", rows=rows(*names, start=18))
    ptf = Prototype("p", "e")
    ptf.Dataset_Params([images, images], [train, val], input_size=32, batch_size=4, group=group)
    ptf.Dataset()
    said = capsys.readouterr().out
    assert "6 of the 6 validation images are of 6 groups that are in training too, such as 'P0', so validation" in said


def test_a_value_that_repeats_over_both_tables_only_is_a_group() -> None:
    train, val = table_of("P1", "P2", "P3", "P4"), table_of("P1", "p-2", "P5", "P6", start=4)
    made, grouping = groups.assign([train, val], [TABLE, TABLE], AUTO)
    assert grouping is not None and grouping.by == "column 'patient'"
    assert made.groups.tolist() == ["P1", "P2", "P3", "P4", "P1", "P2", "P5", "P6"]
    assert grouping.spellings == (("P2", "p-2"),)


@pytest.mark.parametrize("name", ["Patient", "subject_id"])
def test_the_columns_of_two_tables_may_have_different_names(name: str) -> None:
    train, val = table_of("P1", "P2", "P3", "P4"), table_of("P1", "P2", "P5", "P6", name=name)
    assert groups.assign([train, val], [TABLE, TABLE], AUTO)[1] is not None


def test_columns_of_the_same_name_in_both_tables_go_together() -> None:
    train, val = table_of("P1", "P2", "P3", "P4"), table_of("P1", "P2", "P5", "P6", start=4)
    other = GroupColumn("person", as_column(["x"] * 4))
    train = replace(train, group_columns=(*train.group_columns, other))
    val = replace(val, group_columns=(other, *val.group_columns))
    made, grouping = groups.assign([train, val], [TABLE, TABLE], AUTO)
    assert grouping is not None and made.group_column == "patient"
    assert "P5" in made.groups


@pytest.mark.parametrize("reverse", [False, True])
def test_a_column_in_one_of_two_tables_is_told(reverse: bool) -> None:
    tables = [table_of("P1", "P1", "P2", "P2"), table_of("", "", name="")]
    made, grouping = groups.assign(tables[::-1] if reverse else tables, [TABLE, TABLE], AUTO)
    assert grouping is None
    assert made.remarks == (
        "column 'patient' is not used as groups, because training and validation do not both have one; patients may be on "
        "both sides, in training and in validation",
    )


def test_taking_some_images_takes_their_cells() -> None:
    assert table_of("P1", "P2", "P3").take(np.array([2, 0])).group_columns[0].cells.tolist() == ["P3", "P1"]


# A column that is not used


@pytest.mark.parametrize(
    ("patients", "labels", "reason"),
    [
        (
            ["P1"] * 8 + ["P2"] * 8 + ["P3"] * 4 + ["P4"] * 4,
            "a" * 8 + "b" * 8 + "c" * 8,
            "2 of 3 classes have images of one group only, such as class 'a' of 'P1'",
        ),
        (["P1"] * 24, "ab", "all images are of one group, 'P1'"),
        (["P1", "p1", "P01"] * 8, "ab", "all images are of one group, 'P01'"),
        (["NA"] * 24, "ab", "no image has a value in it"),
    ],
)
def test_why_a_column_of_patients_is_not_used_is_told(
    workspace: Path, images: Path, tmp_path: Path, capsys, patients: list[str], labels: str, reason: str
) -> None:
    table = write(tmp_path / "t.csv", "image", "label", "patient_id", rows=rows(*patients, labels=labels))
    prepared(images, path_to_csv=table, split=0.5)
    assert (
        f"Note: column 'patient_id' is not used as groups, because {reason}; patients may be on both sides, in training and in "
        "validation"
    ) in capsys.readouterr().out
    assert "group" not in rows_of("e")[0]


@pytest.mark.parametrize(
    ("name", "patients"), [("patient", [f"P{i}" for i in range(24)]), ("group", ["treated", "control"] * 12)]
)
def test_a_column_that_separates_nobody_is_not_spoken_of(
    workspace: Path, images: Path, tmp_path: Path, capsys, name: str, patients: list[str]
) -> None:
    table = write(tmp_path / "t.csv", "image", "label", name, rows=rows(*patients))
    prepared(images, path_to_csv=table)
    assert "not used as groups" not in capsys.readouterr().out


def test_another_column_that_is_plain_is_used_without_a_word_about_the_first() -> None:
    train = table_of(*["P1"] * 8)
    other = GroupColumn("subject", as_column(["s1", "s2", "s3", "s4"] * 2))
    made, grouping = groups.assign([replace(train, group_columns=(*train.group_columns, other))], [TABLE], AUTO)
    assert grouping is not None and made.group_column == "subject"
    assert made.remarks == ()


def test_why_file_names_that_tell_patients_are_not_used_is_told() -> None:
    names = ["a/person1_1.png", "a/person1_2.png", "b/person2_1.png", "b/person2_2.png"]
    made, grouping = groups.assign([in_folders(*names)], [groups.Folders(path="images")], AUTO)
    assert grouping is None
    assert made.remarks == (
        "the groups by file name (such as 'person1' from person1_1.png) are not used, because 2 of 2 classes have images of one "
        "group only, such as class 'a' of 'person1'; patients may be on both sides, in training and in validation",
    )


# A file that is listed several times

PATIENTS = [f"P{i // 4}" for i in range(24)]


def listed_again(tmp_path: Path, *again: tuple[str, str, str], column: str = "patient_id") -> Path:
    return write(tmp_path / "t.csv", "image", "label", column, rows=[*rows(*PATIENTS), *again])


@pytest.mark.parametrize("group", [None, "patient_id"])
def test_a_file_of_two_patients_is_refused(workspace: Path, images: Path, tmp_path: Path, group: str | None) -> None:
    table = listed_again(tmp_path, ("00.png", "a", "P5"), ("09.png", "b", "P0"))
    with pytest.raises(DatasetError) as caught:
        prepared(images, path_to_csv=table, group=group, verbose=0)
    assert str(caught.value) == (
        f"{table} names 2 files more than once, with different values of 'patient_id', the first: 00.png ('P0' and 'P5'). Keep "
        "one row of each, or name another column with group=; group='' splits image by image"
    )
    prepared(images, path_to_csv=table, group="", verbose=0)


@pytest.mark.parametrize("again", ["P0", "p-00", "", "NA"])
def test_a_file_that_is_listed_again_with_the_same_patient_is_used_once(
    workspace: Path, images: Path, tmp_path: Path, again: str
) -> None:
    for order in (1, -1):
        table = listed_again(tmp_path, ("00.png", "a", again))
        lines = table.read_text().splitlines()
        table.write_text("\n".join([lines[0], *lines[1:][::order]]) + "\n")
        prepared(images, f"e{order + 2}", path_to_csv=table, verbose=0)
        found = {row["path"]: row["group"] for row in rows_of(f"e{order + 2}")}
        assert len(found) == 24
        assert found["00.png"] == found["01.png"]


def test_arms_of_a_study_that_a_file_is_in_twice_are_no_patients(workspace: Path, images: Path, tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", "image", "label", "group", rows=[*rows(*["x", "y"] * 12), ("00.png", "a", "y")])
    prepared(images, path_to_csv=table, verbose=0)
    assert len(rows_of("e")) == 24


# The column of the classes


def listed(tmp_path: Path, *header: str) -> Path:
    lines = [(f"{i:02d}.png", f"P{i // 3}", ("benign", "malignant")[i % 2]) for i in range(24)]
    return write(tmp_path / "t.csv", *header, rows=lines)


@pytest.mark.parametrize("group", [None, "patient_id", ""])
@pytest.mark.parametrize("name", ["patient_id", "Subject", "group"])
def test_a_column_of_patients_is_not_guessed_to_be_the_classes(
    workspace: Path, images: Path, tmp_path: Path, name: str, group: str | None
) -> None:
    prepared(
        images, path_to_csv=listed(tmp_path, "image", name, "tumor_type"), group=name if group else group, verbose=0
    )
    assert {row["class"] for row in rows_of("e")} == {"benign", "malignant"}
    if group is None or group:
        assert all(len(found) == 1 for found in sides("e").values())


def test_the_column_given_as_groups_is_not_guessed_to_be_the_classes(
    workspace: Path, images: Path, tmp_path: Path
) -> None:
    prepared(images, path_to_csv=listed(tmp_path, "image", "doctor", "tumor_type"), group="Doctor", verbose=0)
    assert {row["class"] for row in rows_of("e")} == {"benign", "malignant"}
    prepared(images, "f", path_to_csv=listed(tmp_path, "image", "label", "species"), group="label", verbose=0)
    assert {row["class"] for row in rows_of("f")} == {"benign", "malignant"}


@pytest.mark.parametrize("name", ["patient", "doctor"])
def test_a_table_without_classes_beside_the_patients_is_refused_with_the_remedy(
    workspace: Path, images: Path, tmp_path: Path, name: str
) -> None:
    lines = [(f"{i:02d}.png", f"P{i // 3}") for i in range(24)]
    table = write(tmp_path / "t.csv", "image", name, rows=lines)
    with pytest.raises(DatasetError) as caught:
        prepared(images, path_to_csv=table, group=name, verbose=0)
    assert str(caught.value) == (
        f"{table} has no column of classes beside {name!r}, which by name or by group= holds patients or other groups: add one, "
        f"or name it with label_column=. Columns: 'image', {name!r}"
    )
    prepared(images, path_to_csv=table, label_column=name, verbose=0)
    assert len(Workspace().find("p", "e").state().dataset.classes) == 8


def test_the_column_of_the_classes_that_the_user_named_is_no_group(
    workspace: Path, images: Path, tmp_path: Path
) -> None:
    table = listed(tmp_path, "image", "patient_id", "tumor_type")
    with pytest.raises(
        InvalidValue, match="group='patient_id' is the column of the classes in .*label_column= says which"
    ):
        prepared(images, path_to_csv=table, group="patient_id", label_column="patient_id", verbose=0)


def test_the_column_given_as_groups_is_not_that_of_the_classes_in_a_test_set_either(
    workspace: Path, images: Path, tmp_path: Path
) -> None:
    table = listed(tmp_path, "image", "doctor", "tumor_type")
    ptf = prepared(images, path_to_csv=table, group="doctor", verbose=0)
    ptf.Model_Params("squeezenet1_1", freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.Training_Params(num_epochs=1, display_progress=False)
    ptf.Train()
    judge = Prototype("p", "e", eval_infer=True, verbose=0)
    judge.Dataset_Params(images, path_to_csv=table)
    judge.Dataset()
    assert 0 <= judge.Evaluate()[0] <= 100
