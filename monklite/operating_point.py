"""Tasks that predict at an operating point: as the usual ones, but for which class or label is predicted.

Their margins are, as those of every task, by how much the difference of two logits would have to change for another prediction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .decisions import OperatingPoint
from .tasks import THRESHOLD, MultiLabel, SingleLabel, Task, Thresholds, each_threshold, log_odds, sigmoid


def at(task: Task, point: OperatingPoint | None) -> Task:
    """A task at an operating point; None: the task itself."""
    if point is None:
        return task
    if point.costs:
        return AtCosts(task, np.array(point.costs), point.temperature)
    return AtCutoff(task, point) if task.exclusive else AtCutoffs(task, point)


class AtCutoff(SingleLabel):
    """The positive class is predicted where the log-odds of its score are above a cutoff, else the likeliest other one."""

    def __init__(self, task: Task, point: OperatingPoint) -> None:
        super().__init__(task.classes, task.activation)
        ((positive, self.cutoff),) = point.cutoffs.items()
        self.positive = self.classes.index(positive)
        self.thresholds = {positive: float(sigmoid(np.array(self.cutoff)))}

    def _above(self, logits: np.ndarray) -> np.ndarray:
        return log_odds(logits, self.activation)[:, self.positive] - self.cutoff

    def _others(self, logits: np.ndarray) -> np.ndarray:
        """The logits of all classes, -inf for the positive one."""
        return np.where(np.arange(len(self.classes)) == self.positive, -np.inf, logits)

    def predicted(self, logits: np.ndarray) -> np.ndarray:
        return np.where(self._above(logits) > 0, self.positive, self._others(logits).argmax(axis=1))

    def margins(self, logits: np.ndarray) -> np.ndarray:
        above, best = self._above(logits), np.sort(self._others(logits), axis=1)
        # which of the others is best counts where one of them is predicted
        return np.minimum(np.abs(above), np.where(above > 0, np.inf, best[:, -1] - best[:, -2]))

    def correct(self, logits: Any, targets: Any) -> Any:
        return self.predicted(logits) == targets


class AtCosts(SingleLabel):
    """Several classes, of which the one with the least expected cost is predicted.

    `costs`: rows are true classes, columns predicted ones. `temperature`: of the probabilities.
    """

    def __init__(self, task: Task, costs: np.ndarray, temperature: float) -> None:
        super().__init__(task.classes, task.activation)
        self.costs, self.temperature = costs, temperature

    def expected_costs(self, logits: np.ndarray) -> np.ndarray:
        """The expected cost of predicting each class, float64 (n, classes)."""
        scores = self.scores(logits / self.temperature)
        return scores / scores.sum(axis=1, keepdims=True) @ self.costs

    def predicted(self, logits: np.ndarray) -> np.ndarray:
        return self.expected_costs(logits).argmin(axis=1)

    def margins(self, logits: np.ndarray) -> np.ndarray:
        # a change of the logits by d changes each probability by a factor of at most exp(2 d / temperature), and so the
        # difference of two expected costs by at most the range of the costs times that factor less 1
        least = np.sort(self.expected_costs(logits), axis=1)
        return self.temperature * np.log1p((least[:, 1] - least[:, 0]) / np.ptp(self.costs))

    def correct(self, logits: Any, targets: Any) -> Any:
        return self.predicted(logits) == targets


class AtCutoffs(MultiLabel):
    """Several labels per image, each of which is predicted where the log-odds of its score are above its own cutoff."""

    def __init__(self, task: Task, point: OperatingPoint) -> None:
        super().__init__(task.classes, task.activation)
        # of labels that were left out: 0, as usual
        self.cutoffs = np.array([point.cutoffs.get(name, 0.0) for name in self.classes])
        self.thresholds = dict(zip(self.classes, sigmoid(self.cutoffs).tolist(), strict=True))

    def with_thresholds(self, thresholds: Thresholds) -> Task:
        # at their default, those of the point hold
        if set(each_threshold(thresholds, self.classes).values()) == {THRESHOLD}:
            return self
        return super().with_thresholds(thresholds)
