"""`dataset.csv`: the images of each subset of a run, with the digests of their bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..csv_files import reading_csv, write_csv
from ..errors import DatasetError
from ..spec import SPLIT
from .samples import DIGEST, DIGEST_BYTES, UNREAD, Samples

REQUIRED_COLUMNS, DIGEST_COLUMN, GROUP_COLUMN = ("subset", "class", "path"), "digest", "group"
_HEX = re.compile(rf"(?:[0-9a-f]{{{2 * DIGEST_BYTES}}})?")
SPLIT_LOST = ": the split of this run is lost; start a new version"


def write(path: Path, samples: Samples) -> None:
    """Record the images of each subset; several labels of one image are separated by `|`.

    If images are grouped, a last column has their groups; empty: the image is a group of its own.
    """
    columns = (*REQUIRED_COLUMNS, DIGEST_COLUMN)
    if (samples.groups != "").any():
        rows = ((*line, group) for line, group in zip(_lines(samples), _groups(samples), strict=True))
        write_csv(path, (*columns, GROUP_COLUMN), rows)
    else:
        write_csv(path, columns, _lines(samples))


def _groups(samples: Samples) -> Iterator[str]:
    """The groups in the order of the lines."""
    for subset in SPLIT:
        yield from samples.groups[samples.rows_of(subset)]


def _lines(samples: Samples) -> Iterator[tuple[str, str, str, str]]:
    text = samples.task.text
    for subset in SPLIT:
        images = samples.take(samples.rows_of(subset))
        for path, label, digest in zip(images.paths, images.labels, images.digests, strict=True):
            yield subset, text(label), path, digest.ljust(DIGEST_BYTES, b"\0").hex()


def read(path: Path) -> dict[str, set[str]]:
    """The paths of each subset.

    Raises:
        DamagedFile: the file is not as `write` writes it.
    """
    subsets: dict[str, set[str]] = {}
    for row in _rows(path):
        subsets.setdefault(row["subset"], set()).add(row["path"])
    return subsets


def read_digests(path: Path, subsets: Sequence[str] = SPLIT) -> np.ndarray:
    """The digests of the recorded images of some subsets, S16; empty for older records, which have none. Raises as `read`."""
    rows = (row for row in _rows(path) if row["subset"] in subsets and row.get(DIGEST_COLUMN))
    return np.array([bytes.fromhex(row[DIGEST_COLUMN]) for row in rows], DIGEST)


def changed(path: Path, samples: Samples) -> list[str]:
    """The paths of the images whose bytes differ from the recorded ones. Raises as `read`."""
    current = {
        (subset, samples.paths[row]): bytes(samples.digests[row]) for subset in SPLIT for row in samples.rows_of(subset)
    }
    paths = []
    for row in _rows(path):
        # without NULs at the end, as in NumPy's arrays
        recorded = bytes.fromhex(row.get(DIGEST_COLUMN) or "").rstrip(b"\0")
        digest = current.get((row["subset"], row["path"]), UNREAD)
        if recorded != UNREAD and digest not in (recorded, UNREAD):
            paths.append(row["path"])
    return paths


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with reading_csv(path, REQUIRED_COLUMNS, SPLIT_LOST) as rows:
        for row in rows:
            if row["subset"] not in SPLIT or not row["path"] or not _HEX.fullmatch(row.get(DIGEST_COLUMN) or ""):
                raise KeyError(f"line {rows.line_num}")
            yield row


def rows_as_recorded(samples: Samples, rows: Sequence[int], recorded: set[str], subset: str) -> np.ndarray:
    """The rows, among `rows`, whose paths are recorded for `subset`.

    Raises:
        DatasetError: a recorded image is missing or no longer readable.
    """
    present = np.array([row for row in rows if samples.paths[row] in recorded], dtype=np.int64)
    if len(present) != len(recorded):
        missing = sorted(recorded - {samples.paths[row] for row in rows})
        raise DatasetError(
            f"{len(missing)} {subset} images of this run are no longer (readable) in {samples.roots[-1]}, "
            f"the first: {missing[0]}. Put them back, or start a new version"
        )
    return present
