"""Thresholds for a figure or for costs, against every threshold that there is."""

from __future__ import annotations

import numpy as np
import pytest

from monklite.statistics import thresholds


def drawn(seed: int, n: int = 40, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    truth[:2] = True, False
    scores = rng.normal(truth, 1.5)
    return np.round(scores) if ties else scores, truth


def every(scores: np.ndarray) -> np.ndarray:
    values = np.unique(scores)
    return np.concatenate([[values[0] - 1], (values[1:] + values[:-1]) / 2, [values[-1] + 1]])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("target", [0.05, 0.5, 0.9, 0.95, 1.0])
def test_a_figure_is_reached_at_the_least_price(target: float, ties: bool) -> None:
    for seed in range(20):
        scores, truth = drawn(seed, ties=ties)
        found = thresholds.for_sensitivity(scores, truth, target)
        reaches = [cut for cut in every(scores) if (scores[truth] > cut).mean() >= target - 1e-12]
        assert (scores[truth] > found).mean() >= target - 1e-12
        assert (scores[~truth] > found).mean() == min((scores[~truth] > cut).mean() for cut in reaches)
        least = thresholds.for_specificity(scores, truth, target)
        reaches = [cut for cut in every(scores) if (scores[~truth] < cut).mean() >= target - 1e-12]
        assert (scores[~truth] < least).mean() >= target - 1e-12
        assert (scores[truth] > least).mean() == max((scores[truth] > cut).mean() for cut in reaches)
        assert not np.isin([found, least], scores).any()


def test_shares_that_binary_numbers_do_not_hold_count_as_written() -> None:
    """0.95 of 20 are 19, and 0.95 of 40 are 38."""
    for n in (20, 40, 100):
        scores, truth = np.arange(n + 1.0), np.arange(n + 1) > 0
        assert (scores[1:] > thresholds.for_sensitivity(scores, truth, 0.95)).sum() == n * 19 // 20


@pytest.mark.parametrize("prevalence", [None, 0.02])
@pytest.mark.parametrize("costs", [(1, 1), (10, 1), (1, 30), (0, 1)])
def test_costs_are_the_least(costs: tuple[float, float], prevalence: float | None) -> None:
    for seed in range(20):
        scores, truth = drawn(seed, ties=seed % 2 > 0)
        share = truth.mean() if prevalence is None else prevalence

        def cost(cut: float, scores=scores, truth=truth, share=share) -> float:
            above = scores > cut
            return costs[0] * share * (~above[truth]).mean() + costs[1] * (1 - share) * above[~truth].mean()

        found = thresholds.for_costs(scores, truth, *costs, prevalence)
        assert cost(found) == pytest.approx(min(map(cost, every(scores))))
