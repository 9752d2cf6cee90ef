"""Intervals against plain formulas, other libraries and published values, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from monklite.statistics import intervals, roc
from monklite.statistics.bootstrap import Resamples
from monklite.statistics.units import Units


@pytest.mark.parametrize(("correct", "total"), [(85, 100), (20, 20), (1, 5), (0, 3), (4990, 5000)])
def test_wilson_is_that_of_scipy(correct: int, total: int) -> None:
    expected = stats.binomtest(correct, total).proportion_ci(method="wilson")
    assert intervals.wilson(correct, total) == pytest.approx((expected.low, expected.high), abs=1e-7)
    alone = intervals.clustered_wilson(1.0 * (np.arange(total) < correct), np.ones(total))
    assert alone == intervals.wilson(correct, total)


def test_units_that_are_all_alike_count_once_each() -> None:
    right = np.arange(100) < 80
    assert intervals.effective_count(5.0 * right, np.full(100, 5.0)) == pytest.approx(
        100 * (intervals.Z / stats.t.ppf(0.975, 99)) ** 2, rel=0.02
    )


def slow_delong(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    """DeLong's area and variance as it is written down, comparing every pair."""
    pairs = scores[positive][:, None] - scores[~positive][None, :]
    wins = (pairs > 0) + 0.5 * (pairs == 0)
    m, n = wins.shape
    return wins.mean(), wins.mean(axis=1).var(ddof=1) / m + wins.mean(axis=0).var(ddof=1) / n


@pytest.mark.parametrize("seed", range(5))
def test_delong_is_the_plain_formula_also_for_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random(40) < 0.4
    scores = np.round(rng.normal(size=40) + positive, 1)
    found, each = roc.area(scores, positive), Units.of(None, 40)
    assert (found.value, roc.variance(found, each)) == pytest.approx(slow_delong(scores, positive))
    # the images of each patient are the same five times
    fivefold = roc.area(np.repeat(scores, 5), np.repeat(positive, 5))
    patients = Units.of([str(i // 5) for i in range(200)], 200)
    assert roc.variance(fivefold, patients) == pytest.approx(roc.variance(found, each), rel=0.1)
    low, high, is_delong = roc.interval(found, each)
    assert is_delong and 0 < low < found.value < high < 1


def test_a_perfect_area_has_the_interval_of_its_counts() -> None:
    found = roc.area(np.arange(30.0), np.arange(30) >= 15)
    low, high, is_delong = roc.interval(found, Units.of(None, 30))
    assert (found.value, high, is_delong) == (1, 1, False)
    # the area at the low end is just not excluded by its own variance
    assert (1 - low) ** 2 == pytest.approx(
        intervals.Z**2 * low * (1 - low) * (1 + 14 * ((1 - low) / (2 - low) + low / (1 + low))) / 225
    )
    mirrored = roc.area(-np.arange(30.0), np.arange(30) >= 15)
    assert roc.interval(mirrored, Units.of(None, 30))[:2] == pytest.approx((0, 1 - low))


def test_resampling_is_scipys_bca() -> None:
    values = np.random.default_rng(1).exponential(size=80)
    counted = np.column_stack([values, np.ones(80)])
    ours = Resamples(Units.of(None, 80), 9999).interval(counted, lambda sums: sums[..., 0] / sums[..., 1])
    other = stats.bootstrap((values,), np.mean, rng=np.random.default_rng(2)).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((other.low, other.high), abs=0.015)


def test_resamples_in_parts_are_intervals_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monklite.statistics.bootstrap.MAX_WEIGHTS", 80 * 90)
    test_resampling_is_scipys_bca()


def test_resamples_that_are_all_alike_say_nothing() -> None:
    found = Resamples(Units.of(None, 5)).interval(np.ones((5, 2)), lambda sums: sums[..., 0] / sums[..., 1])
    assert np.isnan(found.low) and np.isnan(found.high)


def covered(share: float, n_groups: int, largest: int, alike: float, n_tries: int = 600) -> float:
    """How often the interval of a share holds it, for groups of 1 to `largest` images that are more or less alike."""
    rng = np.random.default_rng(n_groups)
    sizes = rng.integers(1, largest + 1, (n_tries, n_groups))
    each = rng.beta(share * (1 - alike) / alike, (1 - share) * (1 - alike) / alike, sizes.shape) if alike else share
    ends = [
        intervals.clustered_wilson(p, w) for p, w in zip(rng.binomial(sizes, each), sizes.astype(float), strict=True)
    ]
    return float(np.mean([low <= share <= high for low, high in ends]))


@pytest.mark.parametrize(
    ("share", "n_groups", "largest", "alike"),
    [(0.85, 100, 1, 0), (0.99, 1000, 1, 0), (0.8, 100, 8, 0.4), (0.95, 150, 8, 0.3), (0.9, 60, 5, 0.8)],
)
def test_intervals_hold_the_truth_as_often_as_they_say(share: float, n_groups: int, largest: int, alike: float) -> None:
    assert 0.93 <= covered(share, n_groups, largest, alike) <= 0.985
