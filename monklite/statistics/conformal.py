"""The classes that cannot be excluded: sets that hold the true class of a given share of images (split conformal prediction).

The sets are those of the least ambiguous set-valued classifier (Sadinle, Lei and Wasserman 2019): all classes whose score is at
least a threshold. The share is promised for images like those of calibration, on average over all of them, whatever the network
(Vovk, Gammerman and Shafer 2005).
"""

from __future__ import annotations

import math

import numpy as np

from ..tasks import Task


def thresholds(task: Task, odds: np.ndarray, labels: np.ndarray, coverage: float) -> np.ndarray:
    """The log-odds from which on a class cannot be excluded, float64 (classes,); -inf where too few images allow no exclusion.

    One class per image: the same for all classes, so that the sets hold the class of `coverage` of all images. Several labels:
    each label has its own, so that the sets hold a label in `coverage` of the images that have it.

    Args:
        odds: the log-odds of the scores of calibration images, (n, classes). labels: in the form of the task.
    """
    has = task.membership(labels)
    if task.exclusive:
        return np.full(odds.shape[1], _least(odds[has], coverage))
    return np.array([_least(column[own], coverage) for column, own in zip(odds.T, has.T, strict=True)])


def _least(values: np.ndarray, coverage: float) -> float:
    """The threshold that a new value reaches with a probability of at least `coverage`; -inf: none that is finite does."""
    # of n + 1 values in random order, the new one is among the so many smallest with at most the rest of the probability
    rank = beyond(len(values), coverage)
    return float(np.sort(values)[rank - 1]) if rank else -math.inf


def beyond(n: int, coverage: float) -> int:
    """The number of the smallest of `n` values that a new one is at least with a probability of at least `coverage`; 0: none."""
    # 0.95 and the like are not exact in binary
    return math.floor((n + 1) * (1 - coverage) + 1e-9)
