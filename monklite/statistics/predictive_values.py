"""The figures of a binary decision, and what they mean where positive images are rarer or more frequent."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..figures import MOVER, NPV, PPV, SENSITIVITY, SPECIFICITY, WILSON, Estimate
from .intervals import clustered_wilson
from .units import Units

PPV_AT_PREVALENCE, NPV_AT_PREVALENCE = "ppv_at_prevalence", "npv_at_prevalence"

Limits = tuple[float, float, float]  # a value with the limits of its interval


def figures(
    truth: np.ndarray,
    predicted: np.ndarray,
    prevalence: float | None = None,
    groups: Sequence[str] | np.ndarray | None = None,
) -> dict[str, Estimate]:
    """Sensitivity, specificity and predictive values with their 95 % intervals, by name.

    Args:
        truth, predicted: whether each image is positive, bool (n,). prevalence: adds the predictive values where this share of
            the images is positive. groups: of the images, such as patients, which the intervals take into account, see
            `Units.of`.
    """
    units = Units.of(groups, len(truth))
    found = {
        SENSITIVITY: _share(predicted & truth, truth, units),
        SPECIFICITY: _share(~predicted & ~truth, ~truth, units),
        PPV: _share(predicted & truth, predicted, units),
        NPV: _share(~predicted & ~truth, ~predicted, units),
    }
    if prevalence is None:
        return found
    sensitivity, specificity = _limits(found[SENSITIVITY]), _limits(found[SPECIFICITY])
    n = len(truth)
    return {
        **found,
        PPV_AT_PREVALENCE: _predictive_value(_rest(specificity), sensitivity, (1 - prevalence) / prevalence, n),
        NPV_AT_PREVALENCE: _predictive_value(_rest(sensitivity), specificity, prevalence / (1 - prevalence), n),
    }


def _share(part: np.ndarray, whole: np.ndarray, units: Units) -> Estimate:
    count, total = int(part.sum()), int(whole.sum())
    if not total:
        # it may be anything
        return Estimate(value=math.nan, low=0.0, high=1.0, count=0, method=WILSON)
    low, high = clustered_wilson(units.sums(part), units.sums(whole))
    return Estimate(value=count / total, low=low, high=high, count=total, method=WILSON)


def _limits(estimate: Estimate) -> Limits:
    return estimate.value, estimate.low, estimate.high


def _rest(share: Limits) -> Limits:
    value, low, high = share
    return 1 - value, 1 - high, 1 - low


def _predictive_value(wrong: Limits, right: Limits, odds: float, n: int) -> Estimate:
    """A predictive value by Bayes' theorem, 1 / (1 + odds x wrong / right), its interval from that of the ratio.

    Args:
        wrong, right: the shares of the images of the other kind, and of its own kind, that are decided so. odds: of the other
            kind of images.
    """
    value = right[0] / (right[0] + odds * wrong[0]) if right[0] + odds * wrong[0] > 0 else math.nan
    low, high = _ratio_limits(wrong, right)
    return Estimate(value=value, low=1 / (1 + odds * high), high=1 / (1 + odds * low), count=n, method=MOVER)


def _ratio_limits(top: Limits, bottom: Limits) -> tuple[float, float]:
    """The limits of a ratio of two independent shares from those of each, by MOVER (Donner and Zou 2012)."""
    (a, a_low, a_high), (b, b_low, b_high) = top, bottom
    if math.isnan(a) or math.isnan(b):
        return 0.0, math.inf
    low = _ratio_limit(a, b, a_low, b_high, -1)
    high = _ratio_limit(a, b, a_high, b_low, 1) if b > 0 else math.inf
    return max(0.0, low), high


def _ratio_limit(a: float, b: float, a_limit: float, b_limit: float, sign: int) -> float:
    # both ends of the quadratic equation of Fieller's kind, in the form that does not divide by a difference near 0
    root = math.sqrt(max(0.0, (a * b) ** 2 - a_limit * b_limit * (2 * a - a_limit) * (2 * b - b_limit)))
    if sign > 0:
        return (a * b + root) / (b_limit * (2 * b - b_limit))
    rest = a * b + root
    return a_limit * (2 * a - a_limit) / rest if rest > 0 else 0.0
