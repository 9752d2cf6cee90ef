"""`dataset.csv`: the images of each subset of a run, with the digests of their bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..csv_files import reading_csv, write_csv
from ..errors import DamagedFile, DatasetError, cut
from ..records import DatasetRecord
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


def read(path: Path, record: DatasetRecord | None = None) -> dict[str, set[str]]:
    """The paths of each subset.

    Args:
        record: of the same images, whose numbers must be those of the table: one that was cut at the end of a line is as
            well-formed as a whole one.

    Raises:
        DamagedFile: the file is not as `write` writes it, or lists other numbers of images than the record.
    """
    subsets: dict[str, set[str]] = {}
    for row in _rows(path, record):
        subsets.setdefault(row["subset"], set()).add(row["path"])
    if record is not None:
        _check_counts(path, [len(subsets.get(name, ())) for name in SPLIT], record)
    return subsets


def read_digests(path: Path, record: DatasetRecord | None = None, subsets: Sequence[str] = SPLIT) -> np.ndarray:
    """The digests of the recorded images of some subsets, S16; empty for older records, which have none.

    Arguments and errors as of `read`.
    """
    rows = (row for row in _rows(path, record) if row["subset"] in subsets and row.get(DIGEST_COLUMN))
    return np.array([bytes.fromhex(row[DIGEST_COLUMN]) for row in rows], DIGEST)


class RecordedImage(NamedTuple):
    """One line. `labels`: the names of the classes of the image, joined by `|`. `digest`: b"" in older records."""

    path: str
    labels: str
    digest: bytes
    group: str


def read_images(path: Path, subset: str, record: DatasetRecord | None = None) -> list[RecordedImage]:
    """The recorded images of a subset in their order. Arguments and errors as of `read`."""
    return [
        RecordedImage(
            row["path"],
            row["class"],
            bytes.fromhex(row.get(DIGEST_COLUMN) or "").rstrip(b"\0"),
            row.get(GROUP_COLUMN) or "",
        )
        for row in _rows(path, record)
        if row["subset"] == subset
    ]


def read_groups(path: Path, subset: str, record: DatasetRecord | None = None) -> list[str] | None:
    """The group of each recorded image of a subset, `""`: it is one of its own; None if they are not grouped.

    Arguments and errors as of `read`.
    """
    groups = [row.get(GROUP_COLUMN) for row in _rows(path, record) if row["subset"] == subset]
    return None if None in groups else [group or "" for group in groups]


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


def _rows(path: Path, record: DatasetRecord | None = None) -> Iterator[dict[str, str]]:
    counts = dict.fromkeys(SPLIT, 0)
    with reading_csv(path, REQUIRED_COLUMNS, SPLIT_LOST) as rows:
        for row in rows:
            if row["subset"] not in SPLIT or not row["path"] or not _HEX.fullmatch(row.get(DIGEST_COLUMN) or ""):
                raise KeyError(f"line {rows.line_num}")
            counts[row["subset"]] += 1
            yield row
    if record is not None:
        _check_counts(path, list(counts.values()), record)


def _check_counts(path: Path, counts: Sequence[int], record: DatasetRecord) -> None:
    """Refuse a table that lists, line for line or without repeats, other numbers of images than the record of the run."""
    for name, count, recorded in zip(SPLIT, counts, (record.n_train, record.n_val), strict=True):
        if count != recorded:
            raise DamagedFile(f"{path} is damaged (it lists {count} {name} images of {recorded}){SPLIT_LOST}")


def check_apart(subsets: Mapping[str, set[str]], n_sources: int) -> None:
    """Refuse a split of one source that has an image on both sides. In two folders, images may have the same names.

    Raises:
        DatasetError: it has.
    """
    shared = subsets.get("train", set()) & subsets.get("val", set())
    if shared and n_sources == 1:
        raise DatasetError(
            f"the recorded split has {len(shared)} images on both sides, the first: {cut(min(shared))}{SPLIT_LOST}"
        )


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
            f"the first: {cut(missing[0])}. Put them back, or start a new version"
        )
    return present
