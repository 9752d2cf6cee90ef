"""Runs that were tested on the same images, each pair of them compared image by image."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..runs.predictions import Predictions
from ..statistics import delong, paired
from ..tasks import SEPARATOR, TASKS
from .comparison import Entry, image_sets, manner

# an AUC varies only with at least so many images that have the label, and so many that do not
MIN_OF_EACH = 2
# rows of very many pairs take long; the best runs come first
MAX_WRITTEN = 5000


class Tested(NamedTuple):
    """A run, and its predictions of the test images."""

    entry: Entry
    answers: Predictions


@dataclass(frozen=True)
class AreaDifference:
    """The areas under the ROC curve (AUC) of a label of both runs of a pair, 0 to 1.

    `difference`: `best` - `other`, with its 95 % interval, `low` to `high`; NaN if there is none. `p_value`: of DeLong's test
    that both are equal, adjusted for the number of pairs and labels (Holm); NaN if they differ where that test says nothing.
    """

    label: str
    best: float
    other: float
    difference: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class Pair:
    """Two runs that were tested on the same images; `best` gets at least as many of them right as `other`.

    `only_best`, `only_other`: images that only one of them gets right. `p_value`: of the exact McNemar test that they are equally
    good, adjusted for the number of pairs of runs (Holm). `level`: of the test of this pair. `areas`: by label.
    """

    best: str
    other: str
    n_images: int
    best_correct: int
    only_best: int
    only_other: int
    p_value: float = 1.0
    level: float = paired.LEVEL
    areas: tuple[AreaDifference, ...] = ()

    @property
    def accuracies(self) -> tuple[float, float]:
        """Of `best` and `other`, 0 to 1."""
        other = self.best_correct - self.only_best + self.only_other
        return self.best_correct / self.n_images, other / self.n_images

    @property
    def difference(self) -> tuple[float, float, float]:
        """The difference of the accuracies, 0 to 1, and its 95 % interval."""
        return paired.difference(self.only_best, self.only_other, self.n_images)

    @property
    def is_significant(self) -> bool:
        return self.p_value < paired.LEVEL

    @property
    def images_needed(self) -> int | None:
        """How many images would tell them apart, if they differ as on these; None if they are told apart, or are equal."""
        if self.is_significant:
            return None
        needed = paired.images_needed(self.only_best, self.only_other, self.n_images, self.level)
        # the exact test needs somewhat more than its approximation says where images are few
        return None if needed is None else max(needed, self.n_images + 1)


def same_tests(entries: Sequence[Entry]) -> list[list[Tested]]:
    """The runs whose predictions are known, by what they were tested on and how; in each group the best first."""
    tested = [(e, e.state.testing, e.predictions) for e in entries if e.state.testing and e.predictions is not None]
    sets = image_sets([test for _, test, _ in tested])
    groups: dict[Any, list[Tested]] = {}
    for images, (entry, test, answers) in zip(sets, tested, strict=True):
        groups.setdefault((images, manner(test), answers.paths, answers.labels), []).append(Tested(entry, answers))
    return [sorted(group, key=lambda tested: -tested.answers.correct.sum()) for group in groups.values()]


def pairs(entries: Sequence[Entry]) -> list[Pair]:
    """Every pair of runs that were tested on the same images in the same way; of each group those with its best run first."""
    found = [pair for group in same_tests(entries) for pair in _pairs_of(group)]
    counts = np.array([(pair.only_best, pair.only_other) for pair in found], int).reshape(-1, 2)
    # which run is the best was found on the same images, so all pairs count
    adjusted, divisors = paired.holm(paired.mcnemar(*counts.T))
    areas = _adjusted([pair.areas for pair in found])
    return [
        replace(pair, p_value=float(p), level=paired.LEVEL / int(n), areas=own)
        for pair, p, n, own in zip(found, adjusted, divisors, areas, strict=True)
    ]


def _pairs_of(group: Sequence[Tested]) -> Iterator[Pair]:
    """The pairs of runs with the same test; their p-values are not known yet, and those of the areas are of one test alone."""
    correct = np.stack([tested.answers.correct for tested in group]).astype(np.float64)
    both, totals = (correct @ correct.T).astype(int), correct.sum(axis=1).astype(int)
    measured = list(_areas(group))
    for i, j in itertools.combinations(range(len(group)), 2):
        labels = group[i].entry.label, group[j].entry.label
        only = int(totals[i] - both[i, j]), int(totals[j] - both[i, j])
        differences = tuple(areas.difference(i, j) for areas in measured if areas.places.keys() >= {i, j})
        yield Pair(*labels, correct.shape[1], int(totals[i]), *only, areas=differences)


class _Areas(NamedTuple):
    """The areas of a label and their covariance. `places`: theirs, by the index of the run in its group."""

    label: str
    areas: np.ndarray
    covariance: np.ndarray
    places: Mapping[int, int]

    def difference(self, i: int, j: int) -> AreaDifference:
        """Of two runs by their indices."""
        a, b = self.places[i], self.places[j]
        found = delong.difference(self.areas, self.covariance, a, b)
        return AreaDifference(self.label, float(self.areas[a]), float(self.areas[b]), *found)


def _areas(group: Sequence[Tested]) -> Iterator[_Areas]:
    """Of each label the areas of the runs that have a score of it for every image."""
    answers = [tested.answers for tested in group]
    dataset = group[0].entry.state.dataset
    several = dataset is not None and not TASKS[dataset.label_type].exclusive
    labels = [text.split(SEPARATOR) if several else [text] for text in answers[0].labels]
    for label in dict.fromkeys(label for own in answers for label in own.scores):
        truth = np.array([label in names for names in labels], bool)
        scores = {i: own.scores[label] for i, own in enumerate(answers) if label in own.scores}
        scores = {i: own for i, own in scores.items() if np.isfinite(own).all()}
        if min(truth.sum(), (~truth).sum()) >= MIN_OF_EACH and len(scores) > 1:
            places = {i: place for place, i in enumerate(scores)}
            yield _Areas(label, *delong.areas(truth, np.stack(list(scores.values()))), places)


def _adjusted(areas: Sequence[tuple[AreaDifference, ...]]) -> list[tuple[AreaDifference, ...]]:
    """The same differences with their p-values adjusted for the number of all of them."""
    adjusted = iter(paired.holm([area.p_value for own in areas for area in own])[0])
    return [tuple(replace(area, p_value=float(next(adjusted))) for area in own) for own in areas]
