"""Intervals by resampling, for figures that are computed from sums over the images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .units import Units

RESAMPLES, SEED = 1_000, 0
# resamples that are drawn at a time, in weights of units
MAX_WEIGHTS = 20_000_000
# of the jackknife: so many parts of the units are left out in turn
MAX_PARTS = 400
ENDS = (0.025, 0.975)

Statistic = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Interval:
    """`low`, `high`: NaN if all resamples are alike, so that they say nothing about the uncertainty."""

    low: float
    high: float


class Resamples:
    """The same resamples of the units for all figures of an evaluation, always those of the same seed."""

    def __init__(self, units: Units, n: int = RESAMPLES, seed: int = SEED) -> None:
        self.units, self.n, self.seed = units, n, seed
        self._kept: list[np.ndarray] = []

    def interval(self, values: Any, statistic: Statistic) -> Interval:
        """The bias-corrected and accelerated interval (BCa; Efron 1987) of `statistic(values.sum(axis=0))`.

        Args:
            values: of each image, float (n, k), or a sparse matrix. statistic: from sums (..., k) to figures (...).
        """
        sums = self._sums(values)
        total = np.asarray(sums.sum(axis=0)).reshape(1, -1)
        value = float(statistic(total)[0])
        drawn = np.concatenate([statistic(np.asarray((sums.T @ w).T)) for w in self._weights()])
        # a resample may lack what the figure needs, such as images of a class
        drawn = drawn[np.isfinite(drawn)]
        if not np.isfinite(value) or not len(drawn) or np.ptp(drawn) <= 1e-12 * max(1.0, abs(value)):
            return Interval(np.nan, np.nan)
        shares = _accelerated_ends(_bias(drawn, value), self._acceleration(sums, total, statistic))
        low, high = np.quantile(drawn, shares)
        return Interval(float(min(low, value)), float(max(high, value)))

    def _sums(self, values: Any) -> Any:
        """The sums over the images of each unit, (units, k)."""
        if self.units.count == len(self.units.index):
            return values
        return self.units.membership() @ values

    def _weights(self) -> Iterator[np.ndarray]:
        """How often each unit is in each resample, float32 (units, resamples), in parts; kept if it is one part."""
        if self._kept:
            yield from self._kept
            return
        rng, count = np.random.default_rng(self.seed), self.units.count
        at_once = max(1, min(self.n, MAX_WEIGHTS // count))
        for first in range(0, self.n, at_once):
            n = min(at_once, self.n - first)
            # a resample's own part of the numbers to count
            drawn = rng.integers(0, count, (n, count)) + count * np.arange(n)[:, None]
            counts = np.bincount(drawn.ravel(), minlength=n * count).reshape(n, count)
            weights = np.ascontiguousarray(counts.T, dtype=np.float32)
            if n == self.n:
                self._kept.append(weights)
            yield weights

    def _acceleration(self, sums: Any, total: np.ndarray, statistic: Statistic) -> float:
        """A sixth of the skewness of the figure's change when a part of the units is left out."""
        n_parts = min(self.units.count, MAX_PARTS)
        parts = np.random.default_rng(self.seed).permutation(self.units.count) % n_parts
        left_out = Units(parts, n_parts).membership() @ sums
        without = statistic(total - np.asarray(left_out if isinstance(left_out, np.ndarray) else left_out.todense()))
        changes = without[np.isfinite(without)]
        changes = changes.mean() - changes if len(changes) else changes
        size = (changes**2).sum() ** 1.5
        return float((changes**3).sum() / (6 * size)) if size > 0 else 0.0


def _bias(drawn: np.ndarray, value: float) -> float:
    """By how much the resamples lie below the figure, in standard deviations; equal ones count half."""
    from scipy.special import ndtri

    share = (np.count_nonzero(drawn < value) + np.count_nonzero(drawn <= value)) / (2 * len(drawn))
    return float(ndtri(np.clip(share, 1 / (2 * len(drawn)), 1 - 1 / (2 * len(drawn)))))


def _accelerated_ends(bias: float, acceleration: float) -> np.ndarray:
    from scipy.special import ndtr, ndtri

    ends = bias + ndtri(np.array(ENDS))
    return ndtr(bias + ends / (1 - acceleration * ends))
