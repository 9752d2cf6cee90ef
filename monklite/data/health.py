"""What is wrong with a dataset: odd files are left out, converted or told, and all of them listed.

Nothing is removed but what cannot be read. Files with the same bytes count as the same image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..csv_files import write_csv
from ..errors import DatasetError
from ..spec import SUBSETS
from .decode import REASONS, Note, sentence
from .samples import NO_SUBSET, UNREAD, Samples

MOST_UNREADABLE = 0.2  # a larger share means that something else is wrong, such as a broken download
SHOWN = 3  # reasons in an error
FIXED = ("subset", "path", "done", "reason")
LEFT_OUT, CONVERTED, TOLD = "left out", "converted", "note"
TRAINED_ON = "train"  # the subset that no other may share images with


def check_readable(samples: Samples) -> None:
    """Refuse images of which too many cannot be read.

    Raises:
        DatasetError: more than a fifth, or all of one class.
    """
    readable = samples.readable()
    counts = samples.task.counts(samples.labels[readable])
    for label, (name, count, before) in enumerate(zip(samples.classes, counts, samples.counts(), strict=True)):
        if before and not count:
            has_label = samples.labels == label if samples.labels.ndim == 1 else samples.labels[:, label]
            reasons = _first(samples, np.flatnonzero(has_label))
            raise DatasetError(
                f"none of the {before} images of class {name!r} can be read; {reasons}. Repair or remove them"
            )
    broken = np.flatnonzero(samples.problems != "")
    if len(broken) > MOST_UNREADABLE * len(samples):
        raise DatasetError(
            f"{len(broken)} of {len(samples)} images cannot be read, more than {MOST_UNREADABLE:.0%}; "
            f"{_first(samples, broken)}. Repair or remove them"
        )


def _first(samples: Samples, rows: np.ndarray) -> str:
    shown = "; ".join(sentence(samples.place(row), samples.problems[row]) for row in rows[:SHOWN])
    return f"the first: {shown}" if len(rows) > 1 else shown


class Finding(NamedTuple):
    """One line of the list. `done`: left out, converted, or note where nothing was done."""

    subset: str
    path: str
    done: str
    reason: str


def counts(samples: Samples) -> dict[str, int]:
    """How many images are odd in which way.

    `unreadable`; `converted`; `enlarged`; `copies` of an earlier image of their subset and class; `leaked`: images of
    other subsets that are trained on too; `conflicting`: images that are under another class too.
    """
    notes = samples.notes[_used(samples)]
    kinds = Counter(same.kind for same in _same(samples))
    return {
        "unreadable": int(np.count_nonzero(samples.problems != "")),
        "converted": int(np.count_nonzero(notes & ~np.uint16(Note.SMALL))),
        "enlarged": int(np.count_nonzero(notes & np.uint16(Note.SMALL))),
        **{kind: kinds[kind] for kind in _SAME},
    }


def unreadable(samples: Samples) -> dict[str, str]:
    """Path of each file that is left out -> what is said of it."""
    rows = np.flatnonzero(samples.problems != "")
    return {samples.paths[row]: sentence(samples.place(row), samples.problems[row]) for row in rows}


def findings(samples: Samples) -> Iterator[Finding]:
    """Every odd file with each thing that is odd about it; made on the way, since every file may be odd."""
    for row in np.flatnonzero(samples.problems != ""):
        path = samples.paths[row]
        yield Finding(_subset(samples, row), path, LEFT_OUT, sentence(samples.place(row), samples.problems[row]))
    used = _used(samples)
    for row in used[samples.notes[used] > 0]:
        for note in Note:
            if note & int(samples.notes[row]):
                done = TOLD if note == Note.SMALL else CONVERTED
                yield Finding(_subset(samples, row), samples.paths[row], done, REASONS[note])
    for same in _same(samples):
        subset, path = _subset(samples, same.other), samples.paths[same.other]
        label = samples.task.text(samples.labels[same.other])
        reason = _SAME[same.kind].format(where=f"{subset}: {path}", path=path, label=label)
        yield Finding(_subset(samples, same.row), samples.paths[same.row], TOLD, reason)


def _subset(samples: Samples, row: int) -> str:
    """The subset of an image; of one that is left out, the one that its folder is for."""
    number = samples.subsets[row]
    return SUBSETS[number if number != NO_SUBSET else samples.sources[row]]


def _used(samples: Samples) -> np.ndarray:
    """The rows of the images of all subsets, subset by subset."""
    return np.concatenate([samples.rows_of(subset) for subset in SUBSETS])


def _same(samples: Samples) -> Iterator[_Same]:
    """Images with the same bytes, each with the first other one that it is odd because of."""
    used, strata = _used(samples), samples.task.strata(samples.labels)
    trained_on = SUBSETS.index(TRAINED_ON)
    for group in _groups(samples.digests[used]):
        rows = used[group]
        subsets, labels = samples.subsets[rows], strata[rows]
        trained, differing = rows[subsets == trained_on], rows[labels != labels[0]]
        first: dict[tuple[int, int], int] = {}
        for row, subset, label in zip(rows.tolist(), subsets.tolist(), labels.tolist(), strict=True):
            before = first.setdefault((subset, label), row)
            if before != row:
                yield _Same("copies", row, before)
            if len(trained) and subset != trained_on:
                yield _Same("leaked", row, int(trained[0]))
            if len(differing):
                yield _Same("conflicting", row, int(rows[0] if label != labels[0] else differing[0]))


class _Same(NamedTuple):
    kind: str
    row: int
    other: int


_SAME = {
    "copies": "the same image as {path}",
    "leaked": "the same image is trained on as {path}",
    "conflicting": "the same image is in class {label!r} too ({where})",
}


def _groups(digests: np.ndarray) -> list[np.ndarray]:
    """The rows of each digest that occurs more than once, in their order."""
    _, group, counts = np.unique(digests, return_inverse=True, return_counts=True)
    several = np.flatnonzero((counts[group] > 1) & (digests != UNREAD))
    several = several[np.argsort(group[several], kind="stable")]
    return np.split(several, np.flatnonzero(np.diff(group[several])) + 1) if len(several) else []


def write(path: Path, samples: Samples) -> None:
    """List the odd files as CSV; where there are none, an older list is emptied, and none is begun."""
    if any(counts(samples).values()) or path.exists():
        write_csv(path, FIXED, findings(samples))
