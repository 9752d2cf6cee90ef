"""Checks of a dataset: odd files are left out, converted or reported, and all of them are listed.

Only unreadable files are left out. Files with the same bytes count as the same image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..csv_files import write_csv
from ..errors import DatasetError
from ..looking import exists
from ..spec import SUBSETS
from .decode import REASONS, Oddity, unreadable_message
from .samples import NO_SUBSET, UNREAD, Samples

# a larger share means that something else is wrong, such as a broken download
MAX_UNREADABLE_SHARE = 0.2
MAX_REASONS_SHOWN = 3  # in an error
FINDING_COLUMNS = ("subset", "path", "done", "reason")
LEFT_OUT, CONVERTED, REPORTED = "left out", "converted", "note"
TRAINED_ON = "train"  # the subset that should share no images with others


def check_readable(samples: Samples) -> None:
    """Check that enough images can be read.

    Raises:
        DatasetError: more than a fifth, or all of one class, cannot be read.
    """
    readable = samples.readable()
    counts = samples.task.counts(samples.labels[readable])
    for label, (name, count, total) in enumerate(zip(samples.classes, counts, samples.counts(), strict=True)):
        if total and not count:
            reasons = _first_problems(samples, np.flatnonzero(samples.task.membership(samples.labels)[:, label]))
            raise DatasetError(
                f"none of the {total} images of class {name!r} can be read; {reasons}. Repair or remove them"
            )
    unreadable_rows = np.flatnonzero(samples.problems != "")
    if len(unreadable_rows) > MAX_UNREADABLE_SHARE * len(samples):
        raise DatasetError(
            f"{len(unreadable_rows)} of {len(samples)} images cannot be read, more than {MAX_UNREADABLE_SHARE:.0%}; "
            f"{_first_problems(samples, unreadable_rows)}. Repair or remove them"
        )


def _first_problems(samples: Samples, rows: np.ndarray) -> str:
    shown = "; ".join(
        unreadable_message(samples.file_path(row), samples.problems[row]) for row in rows[:MAX_REASONS_SHOWN]
    )
    return f"the first: {shown}" if len(rows) > 1 else shown


class Finding(NamedTuple):
    """One line of the list. `done`: left out, converted, or note if nothing was done."""

    subset: str
    path: str
    done: str
    reason: str


def counts(samples: Samples) -> dict[str, int]:
    """The number of odd images of each kind.

    `unreadable`; `converted`; `enlarged`; `copies` of an earlier image of their subset and class; `leaked`: images of
    other subsets that are also in training; `conflicting`: images that are also in another class.
    """
    oddities = samples.oddities[_used(samples)]
    kinds = Counter(match.kind for match in _duplicates(samples))
    return {
        "unreadable": int(np.count_nonzero(samples.problems != "")),
        "converted": int(np.count_nonzero(oddities & ~np.uint16(Oddity.SMALL))),
        "enlarged": int(np.count_nonzero(oddities & np.uint16(Oddity.SMALL))),
        **{kind: kinds[kind] for kind in _DUPLICATE_REASONS},
    }


def copies(samples: Samples) -> tuple[tuple[str, ...], ...]:
    """The paths of the readable images that have the same bytes, group by group."""
    used = samples.readable()
    return tuple(tuple(samples.paths[used[group]]) for group in _groups(samples.digests[used]))


def unreadable(samples: Samples) -> dict[str, str]:
    """A map from the path of each unreadable file to the message about it."""
    rows = np.flatnonzero(samples.problems != "")
    return {samples.paths[row]: unreadable_message(samples.file_path(row), samples.problems[row]) for row in rows}


def findings(samples: Samples) -> Iterator[Finding]:
    """Yield every oddity of every file; lazily, since every file may be odd."""
    for row in np.flatnonzero(samples.problems != ""):
        path = samples.paths[row]
        yield Finding(
            _subset(samples, row), path, LEFT_OUT, unreadable_message(samples.file_path(row), samples.problems[row])
        )
    used = _used(samples)
    for row in used[samples.oddities[used] > 0]:
        for oddity in Oddity:
            if oddity & int(samples.oddities[row]):
                done = REPORTED if oddity == Oddity.SMALL else CONVERTED
                yield Finding(_subset(samples, row), samples.paths[row], done, REASONS[oddity])
    for duplicate in _duplicates(samples):
        subset, path = _subset(samples, duplicate.other), samples.paths[duplicate.other]
        label = samples.task.text(samples.labels[duplicate.other])
        reason = _DUPLICATE_REASONS[duplicate.kind].format(where=f"{subset}: {path}", path=path, label=label)
        yield Finding(_subset(samples, duplicate.row), samples.paths[duplicate.row], REPORTED, reason)


def _subset(samples: Samples, row: int) -> str:
    """The subset of an image; for an image that is left out, the subset that its source is for."""
    subset = samples.subsets[row]
    return SUBSETS[subset if subset != NO_SUBSET else samples.sources[row]]


def _used(samples: Samples) -> np.ndarray:
    """The rows of the images of all subsets, subset by subset."""
    return np.concatenate([samples.rows_of(subset) for subset in SUBSETS])


def _duplicates(samples: Samples) -> Iterator[_Duplicate]:
    """Yield images with the same bytes, each with the first other image that makes it odd."""
    used, strata = _used(samples), samples.task.strata(samples.labels)
    trained_on = SUBSETS.index(TRAINED_ON)
    for group in _groups(samples.digests[used]):
        rows = used[group]
        subsets, labels = samples.subsets[rows], strata[rows]
        trained, differing = rows[subsets == trained_on], rows[labels != labels[0]]
        first: dict[tuple[int, int], int] = {}
        for row, subset, label in zip(rows.tolist(), subsets.tolist(), labels.tolist(), strict=True):
            original = first.setdefault((subset, label), row)
            if original != row:
                yield _Duplicate("copies", row, original)
            if len(trained) and subset != trained_on:
                yield _Duplicate("leaked", row, int(trained[0]))
            if len(differing):
                yield _Duplicate("conflicting", row, int(rows[0] if label != labels[0] else differing[0]))


class _Duplicate(NamedTuple):
    kind: str
    row: int
    other: int


_DUPLICATE_REASONS = {
    "copies": "the same image as {path}",
    "leaked": "the same image is trained on as {path}",
    "conflicting": "the same image is in class {label!r} too ({where})",
}


def _groups(digests: np.ndarray) -> list[np.ndarray]:
    """The rows of each digest that occurs more than once, in order."""
    _, group, counts = np.unique(digests, return_inverse=True, return_counts=True)
    repeated = np.flatnonzero((counts[group] > 1) & (digests != UNREAD))
    repeated = repeated[np.argsort(group[repeated], kind="stable")]
    return np.split(repeated, np.flatnonzero(np.diff(group[repeated])) + 1) if len(repeated) else []


def write(path: Path, samples: Samples) -> None:
    """List the odd files as CSV; without any, no file is created, but an older one is emptied."""
    if any(counts(samples).values()) or exists(path):
        write_csv(path, FINDING_COLUMNS, findings(samples))
