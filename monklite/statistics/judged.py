"""Predictions beside what is true: what every figure of an evaluation is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..figures import NO_INTERVAL, WILSON, Estimate
from ..tasks import Task
from . import intervals, roc
from .bootstrap import Resamples
from .units import Units

NOTHING = Estimate(value=np.nan, low=np.nan, high=np.nan, count=0, method=NO_INTERVAL)


@dataclass(frozen=True)
class Judged:
    """Images of an evaluation.

    `scores`: float64 (n, classes). `truth`, `answers`: the labels that each image has, and is predicted to have, bool
    (n, classes). `correct`: bool (n,). `units`: what is drawn independently. `resamples`: of them.
    """

    task: Task
    scores: np.ndarray
    truth: np.ndarray
    answers: np.ndarray
    correct: np.ndarray
    units: Units
    resamples: Resamples

    @classmethod
    def of(
        cls, task: Task, logits: np.ndarray, labels: np.ndarray, groups: Sequence[str] | np.ndarray | None
    ) -> Judged:
        """From logits (n, classes) and labels. `groups`: of the images, see `Units.of`."""
        truth, answers = task.membership(labels), task.membership(task.predicted(logits))
        units = Units.of(groups, len(labels))
        correct = np.asarray(task.correct(logits, labels))
        return cls(task, task.scores(logits), truth, answers, correct, units, Resamples(units))

    @property
    def n_images(self) -> int:
        return len(self.correct)

    @cached_property
    def occurring(self) -> np.ndarray:
        """The indices of the classes that an image has."""
        return np.flatnonzero(self.truth.any(axis=0))

    @cached_property
    def areas(self) -> list[roc.Area]:
        """Under the ROC curve of each class against all others."""
        return [roc.area(self.scores[:, i], self.truth[:, i]) for i in range(self.truth.shape[1])]

    def proportion(self, parts: np.ndarray, wholes: np.ndarray) -> Estimate:
        """A proportion, with Wilson's interval. `parts`, `wholes`: counts of each image, (n,)."""
        total = int(wholes.sum())
        if not total:
            return NOTHING
        low, high = intervals.clustered_wilson(self.units.sums(parts), self.units.sums(wholes))
        return Estimate(value=parts.sum() / total, low=low, high=high, count=total, method=WILSON)

    def f1(self, found: np.ndarray, concerned: np.ndarray) -> Estimate:
        """An F1 score: a rising function of the proportion of what is found among what is true or predicted (Jaccard index)."""
        share = self.proportion(found, concerned)
        value, low, high = (2 * x / (1 + x) for x in (share.value, share.low, share.high))
        return share.model_copy(update={"value": value, "low": low, "high": high})
