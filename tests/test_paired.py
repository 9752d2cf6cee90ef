"""Two classifiers on the same images: against published values, other formulas, and by simulation."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from monklite.statistics import delong, intervals, paired
from monklite.statistics.units import Units

PAIRS = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 60)).filter(any)


# McNemar and Holm


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (0, 1), (3, 9), (9, 3), (10, 10), (0, 12), (700, 800)])
def test_mcnemar_is_the_exact_binomial_test(only_a: int, only_b: int) -> None:
    n, smaller = only_a + only_b, min(only_a, only_b)
    by_hand = min(1.0, 2 * sum(math.comb(n, k) for k in range(smaller + 1)) / 2**n)
    (p,) = paired.mcnemar(np.array([only_a]), np.array([only_b]))
    assert p == pytest.approx(by_hand)
    assert not n or p == pytest.approx(binomtest(only_a, n).pvalue)


def test_holms_steps_are_those_of_the_published_example() -> None:
    # Holm 1979, also the example of R's p.adjust and of statsmodels.multipletests
    adjusted, divisors = paired.holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert divisors.tolist() == [3, 1, 2, 4]


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_keeps_the_order_and_is_between_none_and_bonferroni(p_values: list[float]) -> None:
    adjusted, _ = paired.holm(p_values)
    for p, own in zip(p_values, adjusted, strict=True):
        assert p <= own <= min(1.0, len(p_values) * p) + 1e-12
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


def test_false_alarms_of_all_pairs_together_are_at_most_the_stated_rate() -> None:
    """Four equally good runs on 300 images that are hard or easy for all: six pairs, of which any that differs is an alarm."""
    rng, alarms, rounds = np.random.default_rng(0), 0, 2000
    for _ in range(rounds):
        correct = rng.random((4, 300)) < np.where(rng.random(300) < 0.5, 0.95, 0.6)
        both = correct.astype(int) @ correct.T.astype(int)
        only = np.diag(both)[:, None] - both
        i, j = np.triu_indices(4, 1)
        alarms += paired.holm(paired.mcnemar(only[i, j], only[j, i]))[0].min() < paired.LEVEL
    assert alarms / rounds <= paired.LEVEL + 3 * math.sqrt(paired.LEVEL * (1 - paired.LEVEL) / rounds)
    # and the test is not one that never says anything
    assert alarms


# The difference of two accuracies


@pytest.mark.parametrize(
    ("only_a", "only_b", "total", "level", "low", "high"),
    [
        # Fagerland, Lydersen and Laake, Statistical Analysis of Contingency Tables, chapter 8 (Bentur et al. 2009)
        (1, 7, 21, 0.05, -0.517, -0.026),
        # R's PropCIs::scoreci.mp(25, 28, 618, 0.9)
        (28, 25, 618, 0.1, -0.0148, 0.0247),
    ],
)
def test_tangos_interval_is_the_published_one(only_a, only_b, total, level, low, high) -> None:
    value, *found = paired.difference(only_a, only_b, total, level)
    assert value == (only_a - only_b) / total
    assert found == pytest.approx([low, high], abs=5e-4)


def test_the_interval_does_not_collapse_where_no_image_tells_two_apart() -> None:
    # it is the score interval of nothing among n, on both sides
    assert paired.difference(0, 0, 100) == pytest.approx((0, -intervals.wilson(0, 100)[1], intervals.wilson(0, 100)[1]))


@given(PAIRS)
def test_the_interval_is_symmetric_and_holds_the_difference(counts: tuple[int, int, int]) -> None:
    a, b, rest = counts
    value, low, high = paired.difference(a, b, a + b + rest)
    other, other_low, other_high = paired.difference(b, a, a + b + rest)
    assert (value, low, high) == pytest.approx((-other, -other_high, -other_low), abs=1e-7)
    assert -1 <= low <= value <= high <= 1 and high - low > 0


@pytest.mark.parametrize(
    ("n", "only_a", "only_b"), [(20, 0.2, 0.1), (100, 0.1, 0.05), (100, 0.02, 0.02), (1000, 0.12, 0.1)]
)
def test_95_of_100_intervals_hold_the_true_difference(n: int, only_a: float, only_b: float) -> None:
    rng = np.random.default_rng(1)
    counts, times = np.unique(
        rng.multinomial(n, [only_a, only_b, 1 - only_a - only_b], 4000)[:, :2], axis=0, return_counts=True
    )
    held = sum(
        k
        for (a, b), k in zip(counts.tolist(), times, strict=True)
        if _holds(paired.difference(a, b, n), only_a - only_b)
    )
    assert 0.935 <= held / 4000 <= 0.975


def _holds(found: tuple[float, float, float], truth: float) -> bool:
    return found[1] <= truth <= found[2]


# How many images would be needed


def test_the_number_of_images_is_connors() -> None:
    # by hand: 10 % differ, by 4 points; (1.959964 sqrt(0.1) + 0.841621 sqrt(0.1 - 0.0016))^2 / 0.0016 = 488.2
    assert paired.images_needed(7, 3, 100) == 489
    assert paired.images_needed(7, 3, 100, 0.05 / 6) > 489
    assert paired.images_needed(5, 5, 100) is None


def test_so_many_images_tell_two_apart_with_80_percent_probability() -> None:
    n = paired.images_needed(70, 30, 1000)
    counts = np.random.default_rng(2).multinomial(n, [0.07, 0.03, 0.9], 4000)
    power = (paired.mcnemar(counts[:, 0], counts[:, 1]) < paired.LEVEL).mean()
    assert 0.75 < power < 0.84


# Areas under the ROC curve


def by_hand(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas and covariance by the definition of DeLong et al., comparing each positive with each negative image."""
    positive, negative = scores[:, truth, None], scores[:, ~truth][:, None, :]
    wins = (positive > negative) + 0.5 * (positive == negative)
    m, n = wins.shape[1:]
    return wins.mean(axis=(1, 2)), np.cov(wins.mean(axis=2)) / m + np.cov(wins.mean(axis=1)) / n


@pytest.mark.parametrize("decimals", [6, 1])
def test_areas_and_their_covariance_are_those_of_the_definition(decimals: int) -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(80) < 0.3
    scores = np.round(truth * 0.6 + rng.normal(size=(3, 80)), decimals)
    areas, covariance = delong.areas(truth, scores)
    expected, expected_covariance = by_hand(truth, scores)
    assert areas == pytest.approx(expected)
    assert areas == pytest.approx([roc_auc_score(truth, own) for own in scores])
    assert covariance == pytest.approx(expected_covariance)


def test_one_classifier_alone_has_a_variance() -> None:
    truth = np.array([True, False] * 5)
    areas, covariance = delong.areas(truth, np.arange(10.0)[None])
    assert areas.shape == (1,) and covariance.shape == (1, 1) and covariance[0, 0] > 0


def test_equal_and_perfect_classifiers_have_no_interval_and_cannot_be_told_apart() -> None:
    truth, scores = np.arange(10) > 4, np.arange(10.0)
    areas, covariance = delong.areas(truth, np.stack([scores, scores**3]))
    value, low, high, p = delong.difference(areas, covariance, 0, 1)
    assert (value, p) == (0.0, 1.0) and math.isnan(low) and math.isnan(high)


def test_areas_that_differ_without_varying_have_no_p_value() -> None:
    """All ranked right against the same score for all: 1 against 0.5 is not "equal, p = 1"."""
    truth, scores = np.arange(10) > 4, np.arange(10.0)
    found = delong.areas(truth, np.stack([scores, np.zeros(10)]))
    value, low, high, p = delong.difference(*found, 0, 1)
    assert value == 0.5 and math.isnan(low) and math.isnan(high) and math.isnan(p)


def test_what_was_not_tested_does_not_count_as_a_test() -> None:
    adjusted, divisors = paired.holm([math.nan, 0.01, 0.04, math.nan, 0.03, 0.005])
    assert adjusted == pytest.approx([math.nan, 0.03, 0.06, math.nan, 0.06, 0.02], nan_ok=True)
    assert divisors[[1, 2, 4, 5]].tolist() == [3, 1, 2, 4]
    assert np.isnan(paired.holm([math.nan])[0]).all() and len(paired.holm([])[0]) == 0


def test_false_alarms_of_delongs_test_are_at_the_stated_rate_and_it_is_symmetric() -> None:
    rng, alarms, rounds = np.random.default_rng(4), 0, 1500
    truth = np.arange(120) < 50
    for _ in range(rounds):
        common = truth + rng.normal(size=120)
        found = delong.areas(truth, common + 0.7 * rng.normal(size=(2, 120)))
        value, low, high, p = delong.difference(*found, 0, 1)
        assert delong.difference(*found, 1, 0) == pytest.approx((-value, -high, -low, p))
        alarms += p < paired.LEVEL
    assert 0.035 < alarms / rounds < 0.07


# Images that belong together


def test_groups_of_one_image_are_compared_by_mcnemars_test() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        differences = rng.choice([-1, 0, 1], 60, p=[0.1, 0.7, 0.2])
        counts = np.array([[np.count_nonzero(differences == sign)] for sign in (1, -1)])
        assert paired.flips(differences) == pytest.approx(paired.mcnemar(*counts)[0])
    assert paired.worth(*(np.array(values, float) for values in ([1, 0, 0], [0, 0, 1], [1, 1, 1]))) == 1


def test_the_test_by_groups_counts_all_signs() -> None:
    differences = np.array([3, -1, 2, 2, 0, -2, 1, 4, 1])
    sums = np.array(list(itertools.product((-1, 1), repeat=len(differences)))) @ differences
    expected = np.mean(np.abs(sums) >= abs(differences.sum()))
    assert paired.flips(differences) == pytest.approx(expected)
    assert paired.flips(-differences) == pytest.approx(expected)
    assert paired.flips(np.zeros(4, int)) == paired.flips(np.array([2, -2])) == 1


def of_patients(rng: np.random.Generator, gap: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of 60 patients with 1 to 8 alike images each: those only a gets right, those only b does, and all."""
    sizes = rng.integers(1, 9, 60)
    shares = rng.dirichlet(2 * np.array([0.15 + gap / 2, 0.15 - gap / 2, 0.7]), 60)
    only_a, only_b, _ = np.array([rng.multinomial(n, own) for n, own in zip(sizes, shares, strict=True)]).T
    return only_a.astype(float), only_b.astype(float), sizes.astype(float)


def test_by_groups_false_alarms_and_coverage_are_at_the_stated_rate_and_by_images_they_are_not() -> None:
    rng, rounds = np.random.default_rng(0), 400
    alarms, by_images, held = 0, 0, 0
    for i in range(rounds):
        gap = 0.06 * (i % 2)
        only_a, only_b, wholes = of_patients(rng, gap)
        if not gap:
            alarms += paired.flips((only_a - only_b).astype(int)) < paired.LEVEL
            by_images += int(paired.mcnemar(only_a.sum(keepdims=True), only_b.sum(keepdims=True))[0] < paired.LEVEL)
        worth = paired.worth(only_a, only_b, wholes)
        held += _holds(paired.difference(*(worth * v.sum() for v in (only_a, only_b, wholes))), gap)
    spread = 3 * math.sqrt(0.05 * 0.95 / (rounds / 2))
    assert 0 < alarms / (rounds / 2) <= 0.05 + spread
    assert by_images / (rounds / 2) > 0.05 + spread, "the images of these patients are alike"
    assert held / rounds >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / rounds)


def test_the_areas_of_images_in_groups_have_obuchowskis_covariance() -> None:
    """Copies of images of a patient tell nothing new: the covariance is that of one image each, but for the correction."""
    rng = np.random.default_rng(0)
    truth = rng.random(80) < 0.4
    scores = truth + rng.normal(size=(2, 80))
    alone, own = delong.areas(truth, scores)
    together, shared = delong.areas(
        np.repeat(truth, 3), np.repeat(scores, 3, axis=1), Units.of(np.repeat(np.arange(80).astype(str), 3), 240)
    )
    assert together == pytest.approx(alone)
    n, few = truth.sum(), min(truth.sum(), (~truth).sum())
    assert shared == pytest.approx(own, rel=3 / few) and n
    assert (np.diag(shared) > 2.5 * np.diag(delong.areas(np.repeat(truth, 3), np.repeat(scores, 3, axis=1))[1])).all()


# Against statsmodels


def test_intervals_and_tests_are_those_of_statsmodels() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is not installed here")
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests

    for correct, total in ((0, 7), (7, 7), (85, 100), (4990, 5000)):
        assert intervals.wilson(correct, total) == pytest.approx(
            proportion.proportion_confint(correct, total, method="wilson"), abs=1e-7
        )
    for a, b in ((0, 0), (3, 9), (12, 12), (40, 7)):
        expected = mcnemar([[50, a], [b, 20]], exact=True).pvalue
        assert paired.mcnemar(np.array([a]), np.array([b]))[0] == pytest.approx(min(1.0, expected))
    p_values = np.random.default_rng(0).random(12) ** 3
    assert paired.holm(p_values)[0] == pytest.approx(multipletests(p_values, method="holm")[1])
