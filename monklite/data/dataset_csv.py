"""`dataset.csv`: which image a run has in which subset, with the digest of its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..csv_files import reading_csv, write_csv
from ..errors import DatasetError
from ..spec import SPLIT
from .samples import DIGEST, DIGEST_BYTES, UNREAD, Samples

FIXED, DIGEST_COLUMN = ("subset", "class", "path"), "digest"
_HEX = re.compile(rf"(?:[0-9a-f]{{{2 * DIGEST_BYTES}}})?")
LOST = ": the split of this run is lost; start a new version"


def write(path: Path, samples: Samples) -> None:
    """Record the images of each subset; several labels of one image are separated by `|`."""
    write_csv(path, (*FIXED, DIGEST_COLUMN), _lines(samples))


def _lines(samples: Samples) -> Iterator[tuple[str, str, str, str]]:
    text = samples.task.text
    for subset in SPLIT:
        part = samples.take(samples.rows_of(subset))
        for place, label, digest in zip(part.paths, part.labels, part.digests, strict=True):
            yield subset, text(label), place, digest.ljust(DIGEST_BYTES, b"\0").hex()


def read(path: Path) -> dict[str, set[str]]:
    """The paths of each subset.

    Raises:
        DamagedFile: it is not what `write` wrote.
    """
    subsets: dict[str, set[str]] = {}
    for row in _rows(path):
        subsets.setdefault(row["subset"], set()).add(row["path"])
    return subsets


def read_digests(path: Path) -> np.ndarray:
    """The digests of all recorded images, S16; none in a record from before there were any. Raises as `read`."""
    return np.array([bytes.fromhex(row[DIGEST_COLUMN]) for row in _rows(path) if row.get(DIGEST_COLUMN)], DIGEST)


def changed(path: Path, samples: Samples) -> list[str]:
    """Paths of the images whose bytes differ from those that are recorded. Raises as `read`."""
    current = {
        (subset, samples.paths[row]): bytes(samples.digests[row]) for subset in SPLIT for row in samples.rows_of(subset)
    }
    found = []
    for row in _rows(path):
        before = bytes.fromhex(row.get(DIGEST_COLUMN) or "").rstrip(b"\0")  # as NumPy has it
        after = current.get((row["subset"], row["path"]), UNREAD)
        if before != UNREAD and after not in (before, UNREAD):
            found.append(row["path"])
    return found


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with reading_csv(path, FIXED, LOST) as rows:
        for row in rows:
            if row["subset"] not in SPLIT or not row["path"] or not _HEX.fullmatch(row.get(DIGEST_COLUMN) or ""):
                raise KeyError(f"line {rows.line_num}")
            yield row


def rows_as_recorded(samples: Samples, rows: Sequence[int], wanted: set[str], subset: str) -> np.ndarray:
    """Those of the rows whose images a record has in `subset`.

    Raises:
        DatasetError: an image of the record is no longer there.
    """
    found = np.array([row for row in rows if samples.paths[row] in wanted], dtype=np.int64)
    if len(found) != len(wanted):
        gone = sorted(wanted - {samples.paths[row] for row in rows})
        raise DatasetError(
            f"{len(gone)} {subset} images of this run are no longer (readable) in {samples.roots[-1]}, the first: {gone[0]}. "
            f"Put them back, or start a new version"
        )
    return found
