"""Odd files: how many unreadable ones are tolerated, which images are the same, and the list of all."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from monklite.data import health
from monklite.data.decode import REASONS, Note
from monklite.data.digests import DTYPE
from monklite.data.discover import Samples
from monklite.data.health import Report
from monklite.errors import DatasetError


def table(*counts: int) -> Samples:
    names = tuple("abc"[: len(counts)])
    paths = tuple(f"{name}/{i}.png" for name, n in zip(names, counts, strict=True) for i in range(n))
    return Samples(Path("images"), names, paths, np.repeat(np.arange(len(counts)), counts))


def broken(*rows: int) -> dict[int, str]:
    return {row: f"image {row} is empty" for row in rows}


def test_all_rows_are_kept_where_nothing_is_wrong() -> None:
    assert health.readable(table(3, 2), {}).tolist() == [0, 1, 2, 3, 4]


def test_unreadable_rows_are_left_out() -> None:
    assert health.readable(table(5, 5), broken(1, 7)).tolist() == [0, 2, 3, 4, 5, 6, 8, 9]


@pytest.mark.parametrize("n_broken", [3, 5])
def test_more_than_a_fifth_unreadable_is_refused_with_the_first_reasons(n_broken: int) -> None:
    message = (
        rf"{n_broken} of 10 images cannot be read, more than 20%; the first: image 0 is empty; image 1 is empty; "
        r"image 2 is empty\. Repair or remove"
    )
    with pytest.raises(DatasetError, match=message):
        health.readable(table(6, 4), broken(*range(n_broken)))


def test_a_fifth_unreadable_is_tolerated() -> None:
    assert len(health.readable(table(6, 4), broken(0, 1))) == 8


def test_a_class_without_a_readable_image_is_named_with_its_own_problem() -> None:
    with pytest.raises(
        DatasetError,
        match="none of the 2 images of class 'b' can be read; the first: image 20 is empty; image 21 is empty",
    ):
        health.readable(table(20, 2), broken(3, 20, 21))


def test_a_class_that_had_no_images_is_no_problem() -> None:
    assert health.readable(table(3, 0, 3), {}).tolist() == list(range(6))


def digests(text: str) -> np.ndarray:
    """One letter an image: the same letter is the same content; a space could not be read."""
    return np.array([letter.strip().encode() for letter in text], DTYPE)


def report(train: str, val: str = "", labels: str = "", notes: dict[int, Note] | None = None) -> Report:
    """Training images 0.png, 1.png, ..., validation images v0.png, ..., each with a content and a class, a letter each."""
    labels = labels or "a" * len(train + val)
    subsets = {"train": (train, labels[: len(train)], ""), "val": (val, labels[len(train) :], "v")}
    samples = {
        name: Samples(
            Path("images"),
            ("A", "B", "C"),
            tuple(f"{prefix}{i}.png" for i in range(len(content))),
            np.array(["abc".index(label) for label in given], np.int64),
        )
        for name, (content, given, prefix) in subsets.items()
    }
    marks = np.zeros(len(train), np.uint16)
    for row, note in (notes or {}).items():
        marks[row] = note
    return Report(
        {"train": {}},
        samples,
        {"train": marks, "val": np.zeros(len(val), np.uint16)},
        {"train": digests(train), "val": digests(val)},
    )


NONE = dict.fromkeys(("unreadable", "converted", "enlarged", "copies", "leaked", "conflicting"), 0)


def counted(made: Report) -> dict[str, int]:
    """The counts that are not 0."""
    assert made.counts().keys() == NONE.keys()
    return {kind: n for kind, n in made.counts().items() if n}


def test_nothing_is_odd_about_different_images() -> None:
    assert counted(report("abcd", "xyz")) == {}
    assert list(report("abcd", "xyz").findings()) == []
    assert counted(report("")) == {}


def test_copies_in_one_subset_are_told_with_the_first() -> None:
    made = report("abaacb", "xyy")
    assert counted(made) == {"copies": 4}
    assert sorted(made.findings()) == [
        ("train", "2.png", "note", "the same image as 0.png"),
        ("train", "3.png", "note", "the same image as 0.png"),
        ("train", "5.png", "note", "the same image as 1.png"),
        ("val", "v2.png", "note", "the same image as v1.png"),
    ]


def test_images_of_validation_that_are_trained_on_are_told() -> None:
    made = report("abc", "xbcc")
    assert counted(made) == {"leaked": 3, "copies": 1}
    assert ("val", "v1.png", "note", "the same image is trained on as 1.png") in list(made.findings())


def test_images_under_two_classes_are_told_on_both_sides() -> None:
    made = report("pqp", "p", labels="abba")
    assert counted(made) == {"leaked": 1, "conflicting": 3}
    told = [f for f in made.findings() if "in class" in f.reason]
    assert told == [
        ("train", "0.png", "note", "the same image is in class 'B' too (train: 2.png)"),
        ("train", "2.png", "note", "the same image is in class 'A' too (train: 0.png)"),
        ("val", "v0.png", "note", "the same image is in class 'B' too (train: 2.png)"),
    ]


def test_files_without_a_digest_are_not_taken_as_the_same() -> None:
    assert counted(report("a  b", " ")) == {}


def test_what_was_converted_is_told_with_each_reason() -> None:
    made = report("abcd", notes={1: Note.CMYK | Note.TURNED, 2: Note.SMALL, 3: Note.DEEP | Note.SMALL})
    assert counted(made) == {"converted": 2, "enlarged": 2}
    assert list(made.findings()) == [
        ("train", "1.png", "converted", "colours for printing (CMYK): turned into RGB"),
        ("train", "1.png", "converted", "its EXIF data say that it lies on its side or is mirrored: set upright"),
        ("train", "2.png", "note", "smaller than the input of the network: enlarged"),
        ("train", "3.png", "converted", "more than 8 bits a channel: scaled to 8"),
        ("train", "3.png", "note", "smaller than the input of the network: enlarged"),
    ]


def test_every_note_has_a_reason() -> None:
    assert set(REASONS) == set(Note)


def test_very_many_copies_of_one_image_are_counted() -> None:
    assert counted(report("a" * 20_000)) == {"copies": 19_999}  # each with each would take minutes


def lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_list_is_a_table(tmp_path: Path) -> None:
    unreadable = {"train": {"a/1.png": 'odd, "quoted"'}, "val": {"b/é.png": "empty"}}
    made = dataclasses.replace(report("aa"), unreadable=unreadable)
    assert made.counts()["unreadable"] == 2
    health.write(tmp_path / "health.csv", made)
    assert lines(tmp_path / "health.csv") == [
        ["subset", "path", "done", "reason"],
        ["train", "a/1.png", "left out", 'odd, "quoted"'],
        ["val", "b/é.png", "left out", "empty"],
        ["train", "1.png", "note", "the same image as 0.png"],
    ]


def test_a_list_is_begun_only_for_odd_files_and_emptied_when_they_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "health.csv"
    health.write(path, report("ab"))
    assert not path.exists()
    health.write(path, report("aa"))
    health.write(path, report("ab"))
    assert lines(path) == [["subset", "path", "done", "reason"]]
