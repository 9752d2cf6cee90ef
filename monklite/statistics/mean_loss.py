"""The mean of what answers lose, such as the Brier score, and its interval, which few wrong answers may decide."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .intervals import effective_count, wilson
from .scoring import Losses
from .units import Units


def interval(losses: Losses, wrong: np.ndarray, units: Units) -> tuple[float, float]:
    """The 95 % interval of `losses.found.mean()`; a point if no answer loses more than the others, or there is one unit only.

    The mean follows from the share of wrong answers, what they lose, and what right ones lose. Its interval is put together from
    that of the share and the spread of the losses (MOVER; Zou, Huang and Zhang 2009).

    Args:
        wrong: whether each answer is, bool (n, k).
    """
    value, n = float(losses.found.mean()), wrong.size
    parts, totals = units.sums(wrong.sum(axis=1)), units.sums(np.full(len(wrong), wrong.shape[1]))
    if len(totals) < 2:
        return value, value
    share, worth = float(parts.sum() / n), effective_count(parts, totals)
    right = _Lost.of(losses.found[~wrong], losses.if_right, worth / n)
    other = _Lost.of(losses.found[wrong], losses.if_wrong, worth / n)
    residuals = units.sums((losses.found - np.where(wrong, other.seen, right.seen)).sum(axis=1))
    # of images that are not independent, what they lose goes with whether they are wrong
    alike = _correlation(residuals, parts - share * totals)

    def distance(limit: float, more: float) -> float:
        unseen = limit * other.spread - share * other.spread_seen + (1 - limit) * right.spread
        unseen = max(0.0, unseen - (1 - share) * right.spread_seen)
        spread = _quantile(len(totals)) * math.sqrt((residuals**2).sum() / n**2 + unseen / worth)
        by_share = abs(limit - share) * max(0.0, more)
        return math.sqrt(by_share**2 + spread**2 + 2 * alike * by_share * spread)

    low, high = _share_between(share * worth, worth)
    return max(0.0, value - distance(low, other.seen - right.mean)), value + distance(high, other.mean - right.seen)


@dataclass(frozen=True)
class _Lost:
    """The losses of answers of one kind, right ones or wrong ones.

    `seen`, `spread_seen`: the mean and the variance of those that were seen. `mean`, `spread`: with one more, of which is known
    what all images would lose by an answer of this kind; it counts where few were seen, or none.
    """

    seen: float
    spread_seen: float
    mean: float
    spread: float

    @classmethod
    def of(cls, found: np.ndarray, of_all: np.ndarray, worth: float) -> _Lost:
        """`found`: losses of answers of this kind; `of_all`: of all if they were; `worth`: of each, in independent ones."""
        expected, count = float(of_all.mean()), len(found) * worth
        seen, spread = (float(found.mean()), float(found.var())) if len(found) else (expected, 0.0)
        one_more = float(((of_all - seen) ** 2).mean())
        return cls(seen, spread, (count * seen + expected) / (count + 1), (count * spread + one_more) / (count + 1))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    size = math.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / size) if size > 0 else 0.0


def _share_between(count: float, total: float) -> tuple[float, float]:
    """Wilson's interval, and to the side of rare answers, where that misses too often, at least that of Jeffreys."""
    from scipy.stats import beta

    low, high = wilson(count, total)
    ends = beta.ppf((0.025, 0.975), count + 0.5, total - count + 0.5)
    return (min(low, float(ends[0])) if count > 0 else 0.0), (max(high, float(ends[1])) if count < total else 1.0)


def _quantile(n_units: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, n_units - 1))
