"""The difference of the mean log loss of two classifiers on the same images, with its interval."""

from __future__ import annotations

import numpy as np

from ..tasks import Task
from .scoring import ANSWERS
from .units import Units


def log_losses(task: Task, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The log loss of each image, the mean over its labels, float (n,). `scores`: (n, classes)."""
    return ANSWERS[task.activation](scores, task.membership(labels)).log_loss().found.mean(axis=1)


def interval(differences: np.ndarray, units: Units, level: float) -> tuple[float, float]:
    """The interval of the mean difference over the images by Student's t over the units; from -inf to inf if they are too few.

    Args:
        differences: of each image, float (n,). level: 0.05 gives the 95 % interval.
    """
    from scipy.stats import t

    sums, sizes = units.sums(differences), units.sums(np.ones(len(differences)))
    mean = float(sums.sum() / sizes.sum())
    if units.count < 3:
        return -np.inf, np.inf
    residuals = sums - mean * sizes
    error = float(np.sqrt(units.count / (units.count - 1) * (residuals**2).sum()) / sizes.sum())
    half_width = float(t.isf(level / 2, units.count - 1)) * error
    return mean - half_width, mean + half_width
