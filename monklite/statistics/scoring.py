"""Scoring rules, which are best for scores that are true probabilities: Brier score and log loss, image by image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# the least score that a logarithm is taken of, as in scikit-learn
LEAST = float(np.finfo(np.float64).eps)
HIGHEST_LOG_LOSS = -float(np.log(LEAST))


@dataclass(frozen=True)
class Scoring:
    """Proper scores of each image. `brier`, `log_loss`: (n,); `most`: the largest Brier score that there can be."""

    brier: np.ndarray
    log_loss: np.ndarray
    most: float


def of_one_class(scores: np.ndarray, truth: np.ndarray) -> Scoring:
    """For scores (n, classes) of sum 1, and which class is true, bool (n, classes).

    The Brier score is that of scikit-learn: the sum over the classes, 0 to 2; of two classes that of one of them, 0 to 1.
    """
    half = 2 if scores.shape[1] == 2 else 1
    squares = ((scores - truth) ** 2).sum(axis=1) / half
    return Scoring(squares, -np.log(np.maximum((scores * truth).sum(axis=1), LEAST)), 2 / half)


def of_each_label(scores: np.ndarray, truth: np.ndarray) -> Scoring:
    """For independent scores (n, labels), and which labels are true, bool (n, labels): the means over the labels."""
    of_truth = np.where(truth, scores, 1 - scores)
    log_loss = -np.log(np.maximum(of_truth, LEAST)).mean(axis=1)
    return Scoring(((scores - truth) ** 2).mean(axis=1), log_loss, 1.0)


# by the activation that the scores are from
SCORING = {"softmax": of_one_class, "sigmoid": of_each_label}
