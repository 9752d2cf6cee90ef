"""Seeded, stratified split into training and validation images, and its record in the run."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from ..errors import DamagedFile, DatasetError
from ..files import write_text
from .discover import Samples

SUBSETS = ("train", "val")
COLUMNS = ("subset", "class", "path")


def stratified(samples: Samples, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the training and of the validation images: each class is split by the same share.

    Args:
        samples: the images; the split depends on their sorted names, not on the order of the file system.
        share: part used for training, 0 to 1.
        seed: the same seed gives the same split.

    Raises:
        DatasetError: a class with fewer than two images cannot be in both parts.
    """
    train, val = [], []
    by_class = np.split(np.argsort(samples.labels, kind="stable"), np.cumsum(samples.counts())[:-1])
    for label, (name, rows) in enumerate(zip(samples.classes, by_class, strict=True)):
        if len(rows) < 2:
            raise DatasetError(
                f"class {name!r} has {len(rows)} readable image: a split needs at least 2 of each class, one to train and one "
                "to validate. Add images, or give a validation folder: dataset_path=[train, val]"
            )
        shuffled = np.random.default_rng([seed, label]).permutation(rows)
        n_train = min(max(round(len(rows) * share), 1), len(rows) - 1)
        train.append(shuffled[:n_train])
        val.append(shuffled[n_train:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(val))


def write(path: Path, subsets: dict[str, Samples]) -> None:
    """Record which image is in which subset, as CSV."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for subset, samples in subsets.items():
        rows.writerows((subset, samples.classes[k], p) for p, k in zip(samples.paths, samples.labels, strict=True))
    write_text(path, text.getvalue())


def read(path: Path) -> dict[str, set[str]]:
    """The paths of each subset as `write` recorded them."""
    subsets: dict[str, set[str]] = {}
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = csv.DictReader(file)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise KeyError("no header")
            for row in rows:
                if row["subset"] not in SUBSETS or not row["path"]:
                    raise KeyError(f"line {rows.line_num}")
                subsets.setdefault(row["subset"], set()).add(row["path"])
    except (KeyError, csv.Error) as error:
        raise DamagedFile(f"{path} is damaged ({error}): the split of this run is lost; start a new version") from None
    return subsets


def as_recorded(samples: Samples, wanted: set[str], subset: str) -> np.ndarray:
    """Rows of the images that a recorded split put into `subset`.

    Raises:
        DatasetError: an image of the record is no longer there.
    """
    rows = np.array([i for i, p in enumerate(samples.paths) if p in wanted], dtype=np.int64)
    if len(rows) != len(wanted):
        gone = sorted(wanted - set(samples.paths))
        raise DatasetError(
            f"{len(gone)} {subset} images of this run are no longer (readable) in {samples.root}, the first: {gone[0]}. "
            f"Put them back, or start a new version"
        )
    return rows
