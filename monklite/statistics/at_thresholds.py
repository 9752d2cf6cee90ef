"""Sensitivity, specificity and predictive values of one class at many thresholds of its score."""

from __future__ import annotations

import numpy as np

from . import intervals

THRESHOLDS = np.round(np.linspace(0, 1, 101), 2)


def counts(scores: np.ndarray, truth: np.ndarray, thresholds: np.ndarray = THRESHOLDS) -> np.ndarray:
    """Counts int64 (thresholds, 4): found, missed, rightly left, and falsely predicted images.

    An image is predicted to be of the class if its score is above the threshold.

    Args:
        scores: of the class, float (n,). truth: whether the image is of the class, bool (n,).
    """
    found = truth.sum() - np.searchsorted(np.sort(scores[truth]), thresholds, side="right")
    false = (~truth).sum() - np.searchsorted(np.sort(scores[~truth]), thresholds, side="right")
    return np.column_stack([found, truth.sum() - found, (~truth).sum() - false, false]).astype(np.int64)


def table(scores: np.ndarray, truth: np.ndarray, thresholds: np.ndarray = THRESHOLDS) -> list[list[float]]:
    """For each threshold: itself, the four counts, and sensitivity, specificity, positive and negative predictive value.

    Each value is followed by the ends of its 95 % Wilson interval; NaN where there is no image to take a share of.
    """
    return [row(float(at), *of) for at, of in zip(thresholds, counts(scores, truth, thresholds).tolist(), strict=True)]


def row(threshold: float, found: int, missed: int, left: int, false: int) -> list[float]:
    """The row of a threshold in `table`, from its counts as `counts` has them."""
    shares = ((found, found + missed), (left, left + false), (found, found + false), (left, left + missed))
    return [threshold, found, missed, left, false, *(value for of in shares for value in _share(*of))]


def _share(part: int, whole: int) -> tuple[float, float, float]:
    return (part / whole, *intervals.wilson(part, whole)) if whole else (np.nan, np.nan, np.nan)
