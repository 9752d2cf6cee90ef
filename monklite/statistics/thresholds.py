"""Choose the threshold of a score on images with known labels; those whose score is above it are predicted as positive.

Thresholds lie in the middle between two scores that occur, so that no image of these is at the threshold itself.
"""

from __future__ import annotations

import math

import numpy as np

# how far a threshold lies beyond all scores
BEYOND = 0.5


def for_sensitivity(scores: np.ndarray, truth: np.ndarray, sensitivity: float) -> float:
    """The highest threshold above which at least this share of the positive images is.

    Args:
        scores: of any scale, finite, (n,). truth: which images are positive, bool (n,), at least one. sensitivity: above 0.
    """
    positives = np.sort(scores[truth])[::-1]
    # 0.95 and the like are not exact in binary
    needed = max(1, math.ceil(sensitivity * len(positives) - 1e-9))
    return _below(scores, positives[needed - 1])


def for_specificity(scores: np.ndarray, truth: np.ndarray, specificity: float) -> float:
    """The lowest threshold below which at least this share of the negative images is. Arguments as of `for_sensitivity`."""
    return -for_sensitivity(-scores, ~truth, specificity)


def for_costs(
    scores: np.ndarray, truth: np.ndarray, false_negative: float, false_positive: float, prevalence: float | None = None
) -> float:
    """The threshold with the least expected cost; of several, the one nearest to 0.

    Args:
        scores: log-odds, (n,). false_negative, false_positive: the cost of one. prevalence: the share of positive images where
            the threshold is used; None: that of these images. The others as of `for_sensitivity`.
    """
    share = float(truth.mean()) if prevalence is None else prevalence
    values = np.unique(scores)
    cuts = np.concatenate([[values[0] - BEYOND], (values[1:] + values[:-1]) / 2, [values[-1] + BEYOND]])
    # the share of each kind of images that is at or below each cut
    missed, excluded = (
        np.searchsorted(np.sort(part), cuts, "right") / len(part) for part in (scores[truth], scores[~truth])
    )
    costs = false_negative * share * missed + false_positive * (1 - share) * (1 - excluded)
    best = np.flatnonzero(np.isclose(costs, costs.min(), rtol=1e-9, atol=0))
    return float(cuts[best[np.abs(cuts[best]).argmin()]])


def _below(scores: np.ndarray, value: float) -> float:
    """The threshold just below a score."""
    lower = scores[scores < value]
    return float((lower.max() + value) / 2 if len(lower) else value - BEYOND)
