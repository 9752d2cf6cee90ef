"""Seeded, stratified split into training and validation images, and its record in the run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..errors import DamagedFile, DatasetError
from ..files import write_text
from ..spec import SPLIT
from .digests import DTYPE, SIZE, UNREAD
from .discover import Samples

COLUMNS, DIGEST = ("subset", "class", "path"), "digest"
_HEX = re.compile(rf"(?:[0-9a-f]{{{2 * SIZE}}})?")


def stratified(
    samples: Samples, share: float, seed: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the training and of the validation images: each class is split by the same share.

    Args:
        samples: the images; the split depends on their sorted names, not on the order of the file system.
        share: part used for training, 0 to 1.
        seed: the same seed gives the same split.
        groups: (N,), of any type; images of a class with the same value stay together, such as copies of one image. The
            shares are then met as nearly as that allows; without such images the split is the same as without `groups`.

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
        if groups is not None:
            shuffled, n_train = _together(shuffled, groups[shuffled], n_train)
        train.append(shuffled[:n_train])
        val.append(shuffled[n_train:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(val))


def _together(rows: np.ndarray, groups: np.ndarray, n_train: int) -> tuple[np.ndarray, int]:
    """The rows with each group where its first one is, and the place nearest to `n_train` that cuts none."""
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(first[group], kind="stable")
    cuts = np.flatnonzero(np.diff(group[order])) + 1
    if not len(cuts):  # one group: it has to be cut
        return rows, n_train
    return rows[order], int(cuts[np.abs(cuts - n_train).argmin()])


def write(path: Path, subsets: Mapping[str, Samples], digests: Mapping[str, np.ndarray] | None = None) -> None:
    """Record which image is in which subset, as CSV. `digests`: of the files' bytes, S16 (N,) for each subset."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS if digests is None else (*COLUMNS, DIGEST))
    for subset, samples in subsets.items():
        more = ((),) * len(samples) if digests is None else (((d.ljust(SIZE, b"\0")).hex(),) for d in digests[subset])
        for place, label, digest in zip(samples.paths, samples.labels, more, strict=True):
            rows.writerow((subset, samples.classes[label], place, *digest))
    write_text(path, text.getvalue())


def read(path: Path) -> dict[str, set[str]]:
    """The paths of each subset as `write` recorded them."""
    subsets: dict[str, set[str]] = {}
    for row in _rows(path):
        subsets.setdefault(row["subset"], set()).add(row["path"])
    return subsets


def read_digests(path: Path) -> np.ndarray:
    """The digests of all images that `write` recorded, S16; none where it recorded none.

    Raises:
        DamagedFile: it cannot be read as what `write` wrote.
    """
    return np.array([bytes.fromhex(row[DIGEST]) for row in _rows(path) if row.get(DIGEST)], DTYPE)


def changed(path: Path, subsets: Mapping[str, Samples], digests: Mapping[str, np.ndarray]) -> list[str]:
    """Paths of the images whose bytes are others than those that `write` recorded in `path`."""
    now = {(s, p): d for s, samples in subsets.items() for p, d in zip(samples.paths, digests[s], strict=True)}
    found = []
    for row in _rows(path):
        before = bytes.fromhex(row.get(DIGEST) or "").rstrip(b"\0")  # as NumPy has it
        is_now = bytes(now.get((row["subset"], row["path"]), UNREAD))
        if before != UNREAD and is_now not in (before, UNREAD):
            found.append(row["path"])
    return found


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = csv.DictReader(file)
            if tuple(rows.fieldnames or ()) not in (COLUMNS, (*COLUMNS, DIGEST)):
                raise KeyError("no header")
            for row in rows:
                if row["subset"] not in SPLIT or not row["path"] or not _HEX.fullmatch(row.get(DIGEST, "") or ""):
                    raise KeyError(f"line {rows.line_num}")
                yield row
    except (KeyError, csv.Error) as error:
        raise DamagedFile(f"{path} is damaged ({error}): the split of this run is lost; start a new version") from None


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
