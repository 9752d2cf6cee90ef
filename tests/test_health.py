"""Odd files: how many unreadable ones are tolerated, which images are the same, and the list of all."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from monklite.data import health
from monklite.data.decode import REASONS, Oddity
from monklite.data.samples import DIGEST, Samples, as_column
from monklite.errors import DatasetError


def table(*counts: int, broken: Sequence[int] = ()) -> Samples:
    names = tuple("abc"[: len(counts)])
    paths = [f"{name}/{i}.png" for name, n in zip(names, counts, strict=True) for i in range(n)]
    problems = as_column(["the file is empty" if row in broken else "" for row in range(len(paths))])
    samples = Samples.from_files(Path("images"), names, paths, np.repeat(np.arange(len(counts)), counts))
    return dataclasses.replace(samples, problems=problems)


def test_nothing_is_refused_where_nothing_is_wrong() -> None:
    health.check_readable(table(3, 2))


def test_unreadable_rows_are_left_out() -> None:
    samples = table(5, 5, broken=(1, 7))
    health.check_readable(samples)
    assert samples.readable().tolist() == [0, 2, 3, 4, 5, 6, 8, 9]
    assert health.unreadable(samples) == {
        "a/1.png": "images/a/1.png cannot be read: the file is empty",
        "b/2.png": "images/b/2.png cannot be read: the file is empty",
    }


@pytest.mark.parametrize("n_broken", [3, 5])
def test_more_than_a_fifth_unreadable_is_refused_with_the_first_reasons(n_broken: int) -> None:
    message = (
        rf"{n_broken} of 10 images cannot be read, more than 20%; the first: images/a/0.png cannot be read: the file is empty; "
        r"images/a/1.png cannot be read: the file is empty; images/a/2.png .*\. Repair or remove"
    )
    with pytest.raises(DatasetError, match=message):
        health.check_readable(table(6, 4, broken=range(n_broken)))


def test_a_fifth_unreadable_is_tolerated() -> None:
    health.check_readable(table(6, 4, broken=(0, 1)))


def test_a_class_without_a_readable_image_is_named_with_its_own_problem() -> None:
    with pytest.raises(
        DatasetError,
        match="none of the 2 images of class 'b' can be read; the first: images/b/0.png cannot be read: the file is empty; "
        "images/b/1.png",
    ):
        health.check_readable(table(20, 2, broken=(3, 20, 21)))


def test_a_class_that_had_no_images_is_no_problem() -> None:
    health.check_readable(table(3, 0, 3))


def digests(text: str) -> np.ndarray:
    """One letter an image: the same letter is the same content; a space could not be read."""
    return np.array([letter.strip().encode() for letter in text], DIGEST)


def report(train: str, val: str = "", labels: str = "", oddities: dict[int, Oddity] | None = None) -> Samples:
    """Training images 0.png, 1.png, ..., validation images v0.png, ..., each with a content and a class, a letter each."""
    paths = [f"{i}.png" for i in range(len(train))] + [f"v{i}.png" for i in range(len(val))]
    classes = np.array(["abc".index(label) for label in labels or "a" * len(paths)], np.int64)
    marks = np.zeros(len(paths), np.uint16)
    for row, oddity in (oddities or {}).items():
        marks[row] = oddity
    return dataclasses.replace(
        Samples.from_files(Path("images"), ("A", "B", "C"), paths, classes),
        digests=digests(train + val),
        oddities=marks,
        subsets=np.repeat(np.array([0, 1], np.int8), [len(train), len(val)]),
    )


NONE = dict.fromkeys(("unreadable", "converted", "enlarged", "copies", "leaked", "conflicting"), 0)


def counted(made: Samples) -> dict[str, int]:
    """The counts that are not 0."""
    assert health.counts(made).keys() == NONE.keys()
    return {kind: n for kind, n in health.counts(made).items() if n}


def test_nothing_is_odd_about_different_images() -> None:
    assert counted(report("abcd", "xyz")) == {}
    assert list(health.findings(report("abcd", "xyz"))) == []
    assert counted(report("")) == {}


def test_copies_in_one_subset_are_told_with_the_first() -> None:
    made = report("abaacb", "xyy")
    assert counted(made) == {"copies": 4}
    assert sorted(health.findings(made)) == [
        ("train", "2.png", "note", "the same image as 0.png"),
        ("train", "3.png", "note", "the same image as 0.png"),
        ("train", "5.png", "note", "the same image as 1.png"),
        ("val", "v2.png", "note", "the same image as v1.png"),
    ]


def test_images_of_validation_that_are_trained_on_are_told() -> None:
    made = report("abc", "xbcc")
    assert counted(made) == {"leaked": 3, "copies": 1}
    assert ("val", "v1.png", "note", "the same image is trained on as 1.png") in list(health.findings(made))


def test_images_under_two_classes_are_told_on_both_sides() -> None:
    made = report("pqp", "p", labels="abba")
    assert counted(made) == {"leaked": 1, "conflicting": 3}
    told = [f for f in health.findings(made) if "in class" in f.reason]
    assert told == [
        ("train", "0.png", "note", "the same image is in class 'B' too (train: 2.png)"),
        ("train", "2.png", "note", "the same image is in class 'A' too (train: 0.png)"),
        ("val", "v0.png", "note", "the same image is in class 'B' too (train: 2.png)"),
    ]


def test_files_without_a_digest_are_not_taken_as_the_same() -> None:
    assert counted(report("a  b", " ")) == {}


def test_what_was_converted_is_told_with_each_reason() -> None:
    made = report("abcd", oddities={1: Oddity.CMYK | Oddity.TURNED, 2: Oddity.SMALL, 3: Oddity.DEEP | Oddity.SMALL})
    assert counted(made) == {"converted": 2, "enlarged": 2}
    assert list(health.findings(made)) == [
        ("train", "1.png", "converted", "colours for printing (CMYK): turned into RGB"),
        ("train", "1.png", "converted", "its EXIF data say that it lies on its side or is mirrored: set upright"),
        ("train", "2.png", "note", "smaller than the input of the network: enlarged"),
        ("train", "3.png", "converted", "more than 8 bits per channel: scaled to 8"),
        ("train", "3.png", "note", "smaller than the input of the network: enlarged"),
    ]


def test_every_note_has_a_reason() -> None:
    assert set(REASONS) == set(Oddity)


def test_very_many_copies_of_one_image_are_counted() -> None:
    assert counted(report("a" * 20_000)) == {"copies": 19_999}  # each with each would take minutes


def lines(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_list_is_a_table(tmp_path: Path) -> None:
    made = report("aab", "c")
    paths = as_column(["0.png", "1.png", 'odd, "quoted".png', "é.png"])
    made = dataclasses.replace(
        made, paths=paths, problems=as_column(["", "", "empty", "truncated"]), sources=np.array([0, 0, 0, 1], np.int8),
        roots=(Path("a"), Path("b")),
    )  # fmt: skip
    made = dataclasses.replace(made, subsets=np.array([0, 0, -1, -1], np.int8))
    assert health.counts(made)["unreadable"] == 2
    health.write(tmp_path / "health.csv", made)
    assert lines(tmp_path / "health.csv") == [
        ["subset", "path", "done", "reason"],
        ["train", 'odd, "quoted".png', "left out", 'a/odd, "quoted".png cannot be read: empty'],
        ["val", "é.png", "left out", "b/é.png cannot be read: truncated"],
        ["train", "1.png", "note", "the same image as 0.png"],
    ]


def test_a_list_is_begun_only_for_odd_files_and_emptied_when_they_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "health.csv"
    health.write(path, report("ab"))
    assert not path.exists()
    health.write(path, report("aa"))
    health.write(path, report("ab"))
    assert lines(path) == [["subset", "path", "done", "reason"]]
