"""Two classifiers on the same images: tests, the difference of their accuracies, and how many images would tell them apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from . import intervals

# a p-value below it is told as a difference; the probability with which a difference is to be found
LEVEL, POWER = 0.05, 0.8


def mcnemar(only_a: np.ndarray, only_b: np.ndarray) -> np.ndarray:
    """Exact two-sided p-values of McNemar's test that two classifiers are equally accurate (McNemar 1947).

    Args:
        only_a, only_b: images that only one of the two gets right, int (pairs,). Without any, the p-value is 1.

    Returns:
        P-values (pairs,).
    """
    from scipy.stats import binom

    # equally likely to be right where they differ: twice one tail, because both are the same
    return np.minimum(1.0, 2 * binom.cdf(np.minimum(only_a, only_b), only_a + only_b, 0.5))


def flips(differences: np.ndarray) -> float:
    """The exact two-sided p-value that two classifiers are equally accurate, for images in groups such as patients.

    If they are, each group's difference is as likely to have the other sign (randomization test of Fisher 1935). It is McNemar's
    exact test where each group is one image.

    Args:
        differences: of each group, its images that only the first gets right less those that only the second does, int (groups,).
    """
    from scipy.stats import binom

    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    # of each possible sum of what the first wins
    probabilities = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        shares, before = binom.pmf(np.arange(count + 1), count, 0.5), probabilities
        probabilities = np.zeros(len(before) + size * count)
        for wins, share in enumerate(shares):
            probabilities[wins * size : wins * size + len(before)] += share * before
    largest_tail = (len(probabilities) - 1 - abs(int(differences.sum()))) // 2
    return float(min(1.0, 2 * probabilities[: largest_tail + 1].sum()))


def worth(only_a: np.ndarray, only_b: np.ndarray, wholes: np.ndarray) -> float:
    """How many independent images each image is worth for the difference of two accuracies, at most 1.

    Args:
        only_a, only_b: of each group, its images that only one gets right, float64 (groups,). wholes: all of its images.
    """
    only_a, only_b, wholes = (values[wholes > 0] for values in (only_a, only_b, wholes))
    total, differences, unequal = wholes.sum(), only_a - only_b, only_a + only_b
    value = differences.sum() / total
    n_rarer = min(np.count_nonzero(unequal), np.count_nonzero(unequal < wholes))
    variance = unequal.sum() / total - value**2
    return intervals.worth(differences - value * wholes, wholes, variance, n_rarer) / total


def holm(p_values: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P-values adjusted for their number (Holm 1979): at most `LEVEL` of all families of tests have a false alarm.

    Args:
        p_values: (n,); NaN is no test, stays so, and does not count.

    Returns:
        The adjusted p-values (n,), and the numbers (n,) by which the level of each test was divided: their number for the
        smallest.
    """
    p = np.asarray(p_values, float)
    n_tests = np.count_nonzero(~np.isnan(p))
    # NaN is sorted last
    order, divisors = np.argsort(p, kind="stable"), np.maximum(np.arange(n_tests, n_tests - len(p), -1), 1)
    adjusted, divided_by = np.empty(len(p)), np.empty(len(p), int)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * divisors))
    divided_by[order] = divisors
    return adjusted, divided_by


@lru_cache(maxsize=4096)
def difference(only_a: float, only_b: float, total: float, level: float = LEVEL) -> tuple[float, float, float]:
    """The difference of two accuracies, a - b, -1 to 1, and its score interval (Tango 1998).

    It does not collapse where no image tells the two apart, and holds its level with few images.

    Args:
        only_a, only_b: images that only one gets right, of `total` images; not whole where those of a group count for fewer (see
            `worth`). level: 0.05 gives the 95 % interval.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    value, z = (only_a - only_b) / total, float(norm.isf(level / 2))

    def distance(candidate: float) -> float:
        """How far the observed difference is above a candidate, in standard errors, squared and signed."""
        gap, variance = total * (value - candidate), _variance(only_a, only_b, total, candidate)
        return math.copysign(gap * gap, gap) - math.copysign(z * z * variance, gap)

    low = -1.0 if only_b == total else float(brentq(distance, -1.0, value - 1e-12)) if value > -1 else -1.0
    high = 1.0 if only_a == total else float(brentq(distance, value + 1e-12, 1.0)) if value < 1 else 1.0
    return value, low, high


def _variance(only_a: float, only_b: float, total: float, candidate: float) -> float:
    """The variance of `only_a - only_b` if the true difference were the candidate (Tango 1998, equation 3)."""
    b = (2 * total - only_a + only_b) * candidate - only_a - only_b
    c = -only_b * candidate * (1 - candidate)
    share = (math.sqrt(max(0.0, b * b - 8 * total * c)) - b) / (4 * total)
    return total * (2 * share + candidate * (1 - candidate))


def images_needed(only_a: float, only_b: float, total: float, level: float = LEVEL) -> int | None:
    """How many images tell two classifiers apart with 80 % probability, if they differ as on these (Connor 1987).

    Args:
        only_a, only_b, total: as in `difference`. level: of the test, adjusted for the number of pairs.

    Returns:
        None if both get equally many right.
    """
    from scipy.stats import norm

    unequal, gap = (only_a + only_b) / total, abs(only_a - only_b) / total
    if not gap:
        return None
    deviations = norm.isf(level / 2) * math.sqrt(unequal) + norm.ppf(POWER) * math.sqrt(unequal - gap * gap)
    return math.ceil((deviations / gap) ** 2)
