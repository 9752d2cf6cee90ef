"""Sensitivity, specificity and predictive values of one class at many thresholds of its score."""

from __future__ import annotations

import numpy as np

from . import intervals
from .units import Units

THRESHOLDS = np.round(np.linspace(0, 1, 101), 2)


def table(
    scores: np.ndarray, truth: np.ndarray, units: Units, thresholds: np.ndarray = THRESHOLDS
) -> list[list[float]]:
    """For each threshold: itself, the four counts, and sensitivity, specificity, positive and negative predictive value.

    The counts are those of found, missed, rightly left, and falsely predicted images; an image is predicted to be of the class
    if its score is above the threshold. Each value is followed by the ends of its 95 % Wilson interval; NaN where there is no
    image to take a share of.

    Args:
        scores: of the class, float (n,). truth: whether the image is of the class, bool (n,). units: what is independent of each
            other, see `Units`.
    """
    return [row(float(at), scores > at, truth, units) for at in thresholds]


def row(threshold: float, predicted: np.ndarray, truth: np.ndarray, units: Units) -> list[float]:
    """The row of a threshold in `table`, from what is predicted at it, bool (n,)."""
    kinds = [truth & predicted, truth & ~predicted, ~truth & ~predicted, ~truth & predicted]
    found, missed, left, false = (units.sums(kind) for kind in kinds)
    shares = ((found, found + missed), (left, left + false), (found, found + false), (left, left + missed))
    return [threshold, *(int(kind.sum()) for kind in kinds), *(value for of in shares for value in _share(*of))]


def _share(parts: np.ndarray, wholes: np.ndarray) -> tuple[float, float, float]:
    """Of the images of each unit, (units,)."""
    if not wholes.any():
        return np.nan, np.nan, np.nan
    return (float(parts.sum() / wholes.sum()), *intervals.clustered_wilson(parts, wholes))
