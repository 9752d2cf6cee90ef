"""Runs that were tested on the same images, each pair of them compared image by image."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..records import Testing
from ..runs.predictions import Predictions
from ..statistics import delong, paired, roc
from ..statistics.units import Units
from ..tasks import SEPARATOR, TASKS
from .at_points import ShareDifference, differences
from .comparison import Entry
from .known_tests import Answers, image_sets, manner, names

# an AUC varies only with at least so many images (or groups) that have the label, and so many that do not
MIN_OF_EACH = 2
# rows of very many pairs take long; the best runs come first
MAX_WRITTEN = 5000


class Tested(NamedTuple):
    """A run, one of its tests, and its predictions of the test images."""

    entry: Entry
    test: Testing
    answers: Predictions


@dataclass(frozen=True)
class AreaDifference:
    """The areas under the ROC curve (AUC) of a label of both runs of a pair, 0 to 1.

    `difference`: `best` - `other`, and `error`, its standard error, NaN if there is none. `p_value`: of DeLong's test that both
    are equal, adjusted for the number of pairs and labels (Holm); NaN if they differ where that test says nothing. `level`: of
    the test of this difference. `n_tests`: for how many both are adjusted.
    """

    label: str
    best: float
    other: float
    error: float
    p_value: float
    level: float = paired.LEVEL
    n_tests: int = 1

    @property
    def difference(self) -> float:
        return self.best - self.other

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the difference at the level of its test, so that 0 is outside where p is below 0.05; NaN if none."""
        from scipy.stats import norm

        if math.isnan(self.error):
            return math.nan, math.nan
        margin = float(norm.isf(self.level / 2)) * self.error
        low, high = max(-1.0, self.difference - margin), min(1.0, self.difference + margin)
        return _agreeing(self.difference, low, high, self.p_value)


@dataclass(frozen=True)
class Pair:
    """Two runs that were tested on the same images; `best` gets at least as many of them right as `other`.

    `only_best`, `only_other`: images that only one of them gets right. `p_value`: of the exact test that they are equally good,
    McNemar's or by groups, adjusted for the number of pairs of runs (Holm). `level`: of the test of this pair. `n_tests`: for how
    many both are adjusted. `areas`: by label. `n_groups`: of images, such as patients, which all of these figures count; None:
    each image stands for itself. `worth`: how many independent images each image is worth. `exclusive`: whether an image has one
    label. `group`: of `same_tests`; `test`: the name of its images. `point`: the aim of the operating point at which each run was
    tested, "" without one. `at_point`: sensitivity and specificity there.
    """

    best: str
    other: str
    n_images: int
    best_correct: int
    only_best: int
    only_other: int
    p_value: float = 1.0
    level: float = paired.LEVEL
    n_tests: int = 1
    areas: tuple[AreaDifference, ...] = ()
    n_groups: int | None = None
    worth: float = 1.0
    exclusive: bool = True
    group: int = 0
    test: str = ""
    point: str = ""
    at_point: tuple[ShareDifference, ...] = ()

    @property
    def accuracies(self) -> tuple[float, float]:
        """Of `best` and `other`, 0 to 1."""
        other = self.best_correct - self.only_best + self.only_other
        return self.best_correct / self.n_images, other / self.n_images

    @property
    def difference(self) -> tuple[float, float, float]:
        """The difference of the accuracies, 0 to 1, and its interval at the level of its test."""
        value, low, high = paired.difference(*self._counts, self.level)
        return value, *_agreeing(value, low, high, self.p_value)

    @property
    def _counts(self) -> tuple[float, float, float]:
        """The images that only `best` gets right, that only `other` does, and all: as many independent ones."""
        return self.only_best * self.worth, self.only_other * self.worth, self.n_images * self.worth

    @property
    def is_significant(self) -> bool:
        return self.p_value < paired.LEVEL

    @property
    def images_needed(self) -> int | None:
        """How many images would tell them apart, if they differ as on these; None if they are told apart, or are equal."""
        if self.is_significant:
            return None
        needed = paired.images_needed(*self._counts, self.level)
        # the exact test needs somewhat more than its approximation says where images are few
        return None if needed is None else max(math.ceil(needed / self.worth), self.n_images + 1)


def _agreeing(value: float, low: float, high: float, p_value: float) -> tuple[float, float]:
    """An interval of a difference, in which 0 lies if the test that it is 0 does not reject that, and only then.

    An exact test and a score interval of the same level are not quite each other's inverse; the test is of 0 alone.
    """
    if p_value >= paired.LEVEL:
        return min(low, 0.0), max(high, 0.0)
    return (max(low, 0.0), high) if value > 0 else (low, min(high, 0.0))


def same_tests(entries: Sequence[Entry]) -> list[list[Tested]]:
    """The runs whose predictions are known, by what they were tested on and how; in each group the best first.

    The first groups are those of the tests that are shown.
    """
    shown = [(e, Answers(e.testing, e.predictions)) for e in entries if e.testing]
    every = [*shown, *((e, answers) for e in entries for answers in e.other_tests)]
    tested = [Tested(e, a.testing, a.predictions) for e, a in every if a.predictions is not None]
    groups: dict[Any, list[Tested]] = {}
    for images, own in zip(image_sets([own.test for own in tested]), tested, strict=True):
        groups.setdefault((images, manner(own.test), own.answers.paths, own.answers.labels), []).append(own)
    return [sorted(group, key=lambda tested: -tested.answers.correct.sum()) for group in groups.values()]


def pairs(entries: Sequence[Entry]) -> list[Pair]:
    """Every pair of runs that were tested on the same images in the same way; of each group those with its best run first.

    A pair that was tested on several sets of images is compared on the first of them.
    """
    groups = same_tests(entries)
    tests = names([group[0].test for group in groups])
    every = (
        replace(pair, group=i, test=test)
        for i, (group, test) in enumerate(zip(groups, tests, strict=True))
        for pair in _pairs_of(group)
    )
    first: dict[frozenset[str], Pair] = {}
    for pair in every:
        first.setdefault(frozenset((pair.best, pair.other)), pair)
    found = [*first.values()]
    # which run is the best was found on the same images, so all pairs count
    adjusted = _holm([pair.p_value for pair in found])
    areas = _adjusted([pair.areas for pair in found])
    return [
        replace(pair, p_value=p, level=level, n_tests=len(found), areas=own)
        for pair, (p, level), own in zip(found, adjusted, areas, strict=True)
    ]


def _holm(p_values: Sequence[float]) -> list[tuple[float, float]]:
    """The adjusted p-values, and the levels of their tests: of those that do not reject, that at which Holm's method stops."""
    adjusted, divisors = paired.holm(p_values)
    kept = adjusted >= paired.LEVEL
    levels = paired.LEVEL / np.where(kept, divisors[kept].max(initial=1), divisors)
    return list(zip(adjusted.tolist(), levels.tolist(), strict=True))


def _pairs_of(group: Sequence[Tested]) -> Iterator[Pair]:
    """The pairs of runs with the same test; their p-values are of one test alone."""
    correct = np.stack([tested.answers.correct for tested in group])
    measured, units, several = list(_areas(group)), _units(group), _has_several(group[0].entry)
    shares = correct.astype(np.float64)
    both, totals = (shares @ shares.T).astype(int), shares.sum(axis=1).astype(int)
    places = np.array(list(itertools.combinations(range(len(group)), 2)), int).reshape(-1, 2)
    only = totals[places] - both[tuple(places.T)][:, None]
    by_image = paired.mcnemar(*only.T)
    for (i, j), (only_best, only_other), p in zip(places.tolist(), only.tolist(), by_image, strict=True):
        labels = group[i].entry.label, group[j].entry.label
        of_areas = tuple(areas.difference(i, j) for areas in measured if areas.places.keys() >= {i, j})
        pair = Pair(*labels, correct.shape[1], int(totals[i]), only_best, only_other, float(p), areas=of_areas)
        pair = _at_point(replace(pair, exclusive=not several), group[i], group[j], units)
        yield pair if units is None else _by_group(pair, units, correct[i], correct[j])


def _at_point(pair: Pair, best: Tested, other: Tested, units: Units | None) -> Pair:
    """The pair with its figures at the operating point, of labels that have a threshold in both runs."""
    if not best.test.operating_point:
        return pair
    shared = [label for label in best.test.thresholds if label in other.test.thresholds]
    found = differences(shared, best.answers, other.answers, _has_several(best.entry), units or best.answers.units)
    return replace(pair, point=best.test.operating_point, at_point=tuple(found))


def _has_several(entry: Entry) -> bool:
    """Whether an image may have several labels."""
    dataset = entry.state.dataset
    return dataset is not None and not TASKS[dataset.label_type].exclusive


def _by_group(pair: Pair, units: Units, best: np.ndarray, other: np.ndarray) -> Pair:
    """The pair with its groups in place of images as what is independent. `best`, `other`: which images they get right."""
    only_best, only_other, wholes = (
        units.sums(images) for images in (best & ~other, other & ~best, np.ones(len(best)))
    )
    p = paired.flips((only_best - only_other).astype(int))
    return replace(pair, p_value=p, n_groups=units.count, worth=paired.worth(only_best, only_other, wholes))


def _units(group: Sequence[Tested]) -> Units | None:
    """The groups of the images, as one of the runs has them, if there are any."""
    return next((tested.answers.units for tested in group if tested.answers.groups is not None), None)


class _Areas(NamedTuple):
    """The areas of a label and their covariance. `places`: theirs, by the index of the run in its group."""

    label: str
    areas: np.ndarray
    covariance: np.ndarray
    places: Mapping[int, int]

    def difference(self, i: int, j: int) -> AreaDifference:
        """Of two runs by their indices."""
        a, b = self.places[i], self.places[j]
        _, low, _, p = delong.difference(self.areas, self.covariance, a, b)
        contrast = np.eye(len(self.areas))[a] - np.eye(len(self.areas))[b]
        error = math.nan if math.isnan(low) else math.sqrt(contrast @ self.covariance @ contrast)
        return AreaDifference(self.label, float(self.areas[a]), float(self.areas[b]), error, p)


def _areas(group: Sequence[Tested]) -> Iterator[_Areas]:
    """Of each label the areas of the runs that have a score of it for every image."""
    answers, several = [tested.answers for tested in group], _has_several(group[0].entry)
    labels = [text.split(SEPARATOR) if several else [text] for text in answers[0].labels]
    units = _units(group) or answers[0].units
    for label in dict.fromkeys(label for own in answers for label in own.scores):
        truth = np.array([label in names for names in labels], bool)
        scores = {i: own.scores[label] for i, own in enumerate(answers) if label in own.scores}
        scores = {i: own for i, own in scores.items() if np.isfinite(own).all()}
        if roc.fewest_units(truth, units) >= MIN_OF_EACH and len(scores) > 1:
            places = {i: place for place, i in enumerate(scores)}
            yield _Areas(label, *delong.areas(truth, np.stack(list(scores.values())), units), places)


def _adjusted(areas: Sequence[tuple[AreaDifference, ...]]) -> list[tuple[AreaDifference, ...]]:
    """The same differences with their p-values adjusted for the number of all of them."""
    adjusted = _holm([area.p_value for own in areas for area in own])
    n_tests, following = sum(not math.isnan(p) for p, _ in adjusted), iter(adjusted)
    return [tuple(_with(area, *next(following), n_tests) for area in own) for own in areas]


def _with(area: AreaDifference, p_value: float, level: float, n_tests: int) -> AreaDifference:
    return replace(area, p_value=p_value, level=level, n_tests=n_tests)
