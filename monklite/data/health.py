"""What is wrong with a dataset: odd files are left out, converted or told, and all of them listed.

Nothing is removed but what cannot be read. Files with the same bytes count as the same image.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import DatasetError
from ..files import write_text
from .decode import REASONS, Note
from .digests import UNREAD
from .discover import Samples

MOST_UNREADABLE = 0.2  # a larger share means that something else is wrong, such as a broken download
SHOWN = 3  # reasons in an error
COLUMNS = ("subset", "path", "done", "reason")
LEFT_OUT, CONVERTED, TOLD = "left out", "converted", "note"
TRAINED_ON = "train"  # the subset that no other may share images with


def readable(samples: Samples, problems: Mapping[int, str]) -> np.ndarray:
    """Rows of the images that can be used.

    Raises:
        DatasetError: too many are unreadable, or all of one class.
    """
    keep = np.ones(len(samples), dtype=bool)
    keep[list(problems)] = False
    counts = np.bincount(samples.labels[keep], minlength=len(samples.classes))
    for label, (name, count, before) in enumerate(zip(samples.classes, counts, samples.counts(), strict=True)):
        if before and not count:
            mine = [text for row, text in problems.items() if samples.labels[row] == label]
            raise DatasetError(
                f"none of the {before} images of class {name!r} can be read; {_first(mine)}. Repair or remove them"
            )
    if len(problems) > MOST_UNREADABLE * len(samples):
        raise DatasetError(
            f"{len(problems)} of {len(samples)} images cannot be read, more than {MOST_UNREADABLE:.0%}; "
            f"{_first(list(problems.values()))}. Repair or remove them"
        )
    return np.flatnonzero(keep)


def _first(reasons: list[str]) -> str:
    shown = "; ".join(reasons[:SHOWN])
    return f"the first: {shown}" if len(reasons) > 1 else shown


class Finding(NamedTuple):
    """One line of the list. `done`: left out, converted, or note where nothing was done."""

    subset: str
    path: str
    done: str
    reason: str


@dataclass(frozen=True)
class Report:
    """What is odd in the subsets of a dataset.

    `unreadable`: subset -> path -> why it is left out. Of the others, by subset: `samples`, `notes` uint16 as `decode.Note`,
    `digests` S16.
    """

    unreadable: Mapping[str, Mapping[str, str]]
    samples: Mapping[str, Samples]
    notes: Mapping[str, np.ndarray]
    digests: Mapping[str, np.ndarray]

    def counts(self) -> dict[str, int]:
        """How many images are odd in which way.

        `unreadable`; `converted`; `enlarged`; `copies` of an earlier image of their subset and class; `leaked`: images of
        other subsets that are trained on too; `conflicting`: images that are under another class too.
        """
        notes = np.concatenate([*self.notes.values(), np.zeros(0, np.uint16)])
        kinds = Counter(same.kind for same in self._same())
        return {
            "unreadable": sum(map(len, self.unreadable.values())),
            "converted": int(np.count_nonzero(notes & ~np.uint16(Note.SMALL))),
            "enlarged": int(np.count_nonzero(notes & np.uint16(Note.SMALL))),
            **{kind: kinds[kind] for kind in _SAME},
        }

    def findings(self) -> Iterator[Finding]:
        """Every odd file with each thing that is odd about it; made on the way, since every file may be odd."""
        for subset, problems in self.unreadable.items():
            for path, problem in problems.items():
                yield Finding(subset, path, LEFT_OUT, problem)
        for subset, notes in self.notes.items():
            for row in np.flatnonzero(notes):
                for note in Note:
                    if note & int(notes[row]):
                        done = TOLD if note == Note.SMALL else CONVERTED
                        yield Finding(subset, self.samples[subset].paths[row], done, REASONS[note])
        for same in self._same():
            one, other = self._place(same.row), self._place(same.other)
            reason = _SAME[same.kind].format(where=f"{other[0]}: {other[1]}", path=other[1], label=other[2])
            yield Finding(one[0], one[1], TOLD, reason)

    def _place(self, row: int) -> tuple[str, str, str]:
        """Subset, path and class of a row counted through all subsets."""
        for subset, samples in self.samples.items():
            if row < len(samples):
                return subset, samples.paths[row], samples.classes[samples.labels[row]]
            row -= len(samples)
        raise IndexError(row)

    def _same(self) -> Iterator[_Same]:
        """Images with the same bytes, each with the first other one that it is odd because of."""
        digests = np.concatenate([self.digests[name] for name in self.samples])
        labels = np.concatenate([samples.labels for samples in self.samples.values()])
        subsets = np.repeat(np.array(list(self.samples)), [len(samples) for samples in self.samples.values()])
        for rows in _groups(digests):
            trained = rows[subsets[rows] == TRAINED_ON]
            differing = rows[labels[rows] != labels[rows[0]]]
            first: dict[tuple[str, int], int] = {}
            for row in rows:
                before = first.setdefault((subsets[row], labels[row]), row)
                if before != row:
                    yield _Same("copies", row, before)
                if len(trained) and subsets[row] != TRAINED_ON:
                    yield _Same("leaked", row, trained[0])
                if len(differing):
                    yield _Same("conflicting", row, rows[0] if labels[row] != labels[rows[0]] else differing[0])


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


def write(path: Path, report: Report) -> None:
    """List the odd files as CSV; where there are none, an older list is emptied, and none is begun."""
    if not any(report.counts().values()) and not path.exists():
        return
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows(report.findings())
    write_text(path, text.getvalue())
