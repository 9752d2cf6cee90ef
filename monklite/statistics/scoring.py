"""Scoring rules, which are best for scores that are true probabilities: Brier score and log loss, answer by answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# the least score that a logarithm is taken of, as in scikit-learn
LEAST = float(np.finfo(np.float64).eps)
HIGHEST_LOG_LOSS = -float(np.log(LEAST))


@dataclass(frozen=True)
class Losses:
    """The loss of each answer, float (n, k): one answer per image, or one for each of its labels.

    `found`: in truth. `if_right`, `if_wrong`: if the answer with the highest score were right, or the one after it. `most`: the
    largest that there can be.
    """

    found: np.ndarray
    if_right: np.ndarray
    if_wrong: np.ndarray
    most: float


@dataclass(frozen=True)
class Answers:
    """The scores behind each answer, float (n, k): `true` of the truth, `first` of the answer, `second` of the one after it.

    `wrong`: bool (n, k). `squares`: the sum of those of all scores. `share`: what the Brier score takes of it: of two classes,
    or a label and its absence, half, because both have the same error.
    """

    true: np.ndarray
    first: np.ndarray
    second: np.ndarray
    wrong: np.ndarray
    squares: np.ndarray
    share: float

    def brier(self) -> Losses:
        """As scikit-learn has it: the sum over the classes, 0 to 2; of two, and of a label, that of one of them, 0 to 1."""

        def of(score: np.ndarray) -> np.ndarray:
            return self.share * (np.maximum(0, self.squares - score**2) + (1 - score) ** 2)

        return self._losses(of, 2 * self.share)

    def log_loss(self) -> Losses:
        return self._losses(lambda score: -np.log(np.maximum(score, LEAST)), HIGHEST_LOG_LOSS)

    def _losses(self, loss: Callable[[np.ndarray], np.ndarray], most: float) -> Losses:
        return Losses(loss(self.true), loss(self.first), loss(self.second), most)


def of_one_class(scores: np.ndarray, truth: np.ndarray) -> Answers:
    """For scores (n, classes), and which class is true, bool (n, classes)."""
    second, first = np.partition(scores, -2, axis=1)[:, -2:].T[:, :, None]
    true = (scores * truth).sum(axis=1, keepdims=True)
    squares = (scores**2).sum(axis=1, keepdims=True)
    return Answers(true, first, second, true < first, squares, 0.5 if scores.shape[1] == 2 else 1.0)


def of_each_label(scores: np.ndarray, truth: np.ndarray) -> Answers:
    """For independent scores (n, labels), and which labels are true, bool (n, labels)."""
    true, first = np.where(truth, scores, 1 - scores), np.maximum(scores, 1 - scores)
    return Answers(true, first, 1 - first, true < first, scores**2 + (1 - scores) ** 2, 0.5)


# by the activation that the scores are from
ANSWERS = {"softmax": of_one_class, "sigmoid": of_each_label}
