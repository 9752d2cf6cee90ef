"""Unreadable files: how many are tolerated, and their list."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from monklite.data import health
from monklite.data.discover import Samples
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
def test_more_than_a_fifth_unreadable_is_refused(n_broken: int) -> None:
    message = rf"{n_broken} of 10 images cannot be read, more than 20%; the first: image 0 is empty\. Repair or remove"
    with pytest.raises(DatasetError, match=message):
        health.readable(table(6, 4), broken(*range(n_broken)))


def test_a_class_without_a_readable_image_is_named_with_its_own_problem() -> None:
    with pytest.raises(
        DatasetError, match="none of the 2 images of class 'b' can be read; the first: image 20 is empty"
    ):
        health.readable(table(20, 2), broken(20, 21))


def test_a_class_that_had_no_images_is_no_problem() -> None:
    assert health.readable(table(3, 0, 3), {}).tolist() == list(range(6))


def test_the_list_is_a_table(tmp_path: Path) -> None:
    health.write(tmp_path / "health.csv", {"train": {"a/1.png": 'odd, "quoted"'}, "val": {"b/é.png": "empty"}})
    with (tmp_path / "health.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["subset", "path", "problem", "done"],
            ["train", "a/1.png", 'odd, "quoted"', "left out"],
            ["val", "b/é.png", "empty", "left out"],
        ]
