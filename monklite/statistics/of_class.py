"""The figures of one class against all others."""

from __future__ import annotations

import numpy as np

from ..figures import (
    AUC,
    AVERAGE_PRECISION,
    BOOTSTRAP,
    DELONG,
    F1,
    NEWCOMBE,
    NPV,
    PPV,
    SENSITIVITY,
    SPECIFICITY,
    WILSON,
    ClassFigures,
    Estimate,
)
from . import intervals, roc
from .curves import curves
from .judged import NOTHING, Judged

# scores that a resampled curve tells apart; more are put together
MAX_BLOCKS = 500
# of more classes, the interval of the average precision follows from the number of positive images
MAX_RESAMPLED_CLASSES = 100


def figures(judged: Judged, i: int) -> ClassFigures:
    """All figures and curves of class number `i`."""
    truth, answers = judged.truth[:, i], judged.answers[:, i]
    roc_curve, precision_recall, average_precision = curves(judged.scores[:, i], truth, judged.truth.shape[1])
    by_name = {
        SENSITIVITY: judged.proportion(truth & answers, truth),
        SPECIFICITY: judged.proportion(~truth & ~answers, ~truth),
        PPV: judged.proportion(truth & answers, answers),
        NPV: judged.proportion(~truth & ~answers, ~answers),
        F1: judged.f1(truth & answers, truth | answers),
        AUC: _area(judged, i),
        AVERAGE_PRECISION: _average_precision(judged, i, average_precision),
    }
    positives = int(truth.sum())
    return ClassFigures(
        positives=positives,
        negatives=judged.n_images - positives,
        figures=by_name,
        roc=roc_curve,
        precision_recall=precision_recall,
    )


def _area(judged: Judged, i: int) -> Estimate:
    found = judged.areas[i]
    if np.isnan(found.value):
        return NOTHING
    low, high, is_delong = roc.interval(found, judged.units)
    method = DELONG if is_delong else NEWCOMBE
    return Estimate(value=found.value, low=low, high=high, count=judged.n_images, method=method)


def _average_precision(judged: Judged, i: int, value: float) -> Estimate:
    """The average precision with its interval.

    Where resamples say nothing, because all are alike, Wilson's interval with the number of positive images (Boyd, Eng and Page
    2013).
    """
    scores, positive, method = judged.scores[:, i], judged.truth[:, i], BOOTSTRAP
    if np.isnan(value):
        return NOTHING
    low = high = np.nan
    if judged.truth.shape[1] <= MAX_RESAMPLED_CLASSES:
        low, high = _resampled_precision(judged, scores, positive, value)
    if np.isnan(low):
        worth = roc.worth(judged.units.sums(positive))
        (low, high), method = intervals.wilson(value * worth, worth), WILSON
    return Estimate(value=value, low=low, high=high, count=judged.n_images, method=method)


def _resampled_precision(judged: Judged, scores: np.ndarray, positive: np.ndarray, value: float) -> tuple[float, float]:
    from scipy.sparse import csr_array

    block = _blocks(scores)
    n, n_blocks = len(scores), int(block.max()) + 1
    column = block + n_blocks * ~positive
    counts = csr_array((np.ones(n, np.float32), (np.arange(n), column)), shape=(n, 2 * n_blocks))
    found = judged.resamples.interval(counts, _precision_of_blocks)
    if np.isnan(found.low):
        return found.low, found.high
    # by how much the figure differs because scores were put together
    moved = value - float(_precision_of_blocks(np.asarray(counts.sum(axis=0)).reshape(1, -1))[0])
    return max(0.0, min(value, found.low + moved)), min(1.0, max(value, found.high + moved))


def _blocks(scores: np.ndarray) -> np.ndarray:
    """The number of the block that each score is in, from 0 for the highest; equal scores are in one block."""
    number = np.unique(-scores, return_inverse=True)[1].reshape(-1)
    if number.max() < MAX_BLOCKS:
        return number
    before = np.cumsum(np.bincount(number)) - 1
    return np.unique(before[number] * MAX_BLOCKS // len(scores), return_inverse=True)[1].reshape(-1)


def _precision_of_blocks(counts: np.ndarray) -> np.ndarray:
    """The average precision from the positive and the negative images of each block, (..., 2 blocks); NaN without positives."""
    positive, negative = np.split(counts, 2, axis=-1)
    found = positive.cumsum(axis=-1)
    precision = found / np.maximum(found + negative.cumsum(axis=-1), 1)
    total = found[..., -1]
    return np.where(total > 0, (positive * precision).sum(axis=-1) / np.maximum(total, 1), np.nan)
