"""95 % confidence intervals of proportions, and of numbers between 0 and 1."""

from __future__ import annotations

import math

import numpy as np

# of the normal distribution, two-sided
Z = 1.959964
NOTHING_KNOWN = (math.nan, math.nan)


def wilson(correct: float, total: float, z: float = Z) -> tuple[float, float]:
    """Wilson's 95 % confidence interval of `correct / total`, 0 to 1 (Wilson 1927); also valid for small counts.

    The counts need not be whole: those of images that are not independent count for fewer.
    """
    if not total:
        return 0.0, 1.0
    share, spread = correct / total, z * z / total
    centre = (share + spread / 2) / (1 + spread)
    half_width = z / (1 + spread) * math.sqrt(max(share * (1 - share), 0.0) / total + spread / (4 * total))
    # it always holds the share, which rounding may put just outside
    return max(0.0, min(share, centre - half_width)), min(1.0, max(share, centre + half_width))


def clustered_wilson(parts: np.ndarray, wholes: np.ndarray) -> tuple[float, float]:
    """Wilson's interval of `parts.sum() / wholes.sum()`, with the number of independent images that the units are worth.

    Franco, Little, Louis and Slud 2019 compare such intervals and recommend this one.

    Args:
        parts, wholes: of each unit, such as a patient, float64 (units,): its images that count, and all of its images.
    """
    total = wholes.sum()
    if not total:
        return NOTHING_KNOWN
    share, effective = float(parts.sum() / total), effective_count(parts, wholes)
    low, high = wilson(effective * share, effective)
    # the effective number is not whole, and the share of it may be rounded
    return min(low, share), max(high, share)


def effective_count(parts: np.ndarray, wholes: np.ndarray) -> float:
    """How many independent images the images of all units are worth: their number over the design effect (Kish 1965).

    The design effect is that of the ratio estimator. Where the rarer outcome was seen in k units only, its variance says little,
    and nothing at all where k is 0. It is therefore averaged, with weights k and 1, with the largest that there can be: that of
    units whose images all have the same outcome. Few units count for less, as Korn and Graubard 1998 have it.
    """
    parts, wholes = parts[wholes > 0], wholes[wholes > 0]
    total = wholes.sum()
    share = parts.sum() / total if total else 0.0
    n_rarer = min(np.count_nonzero(parts), np.count_nonzero(parts < wholes))
    return worth(parts - share * wholes, wholes, share * (1 - share), n_rarer)


def worth(residuals: np.ndarray, wholes: np.ndarray, variance: float, n_rarer: int) -> float:
    """How many independent images the images of all units are worth for a mean over the images, see `effective_count`.

    Args:
        residuals: by how much the sum of each unit differs from that of average images, float64 (units,). wholes: the images of
            each unit. variance: of an image. n_rarer: units with a rarer outcome.
    """
    total, n_units = wholes.sum(), len(wholes)
    # a single unit may be of one image, which there is nothing to correct in
    if total == n_units:
        return float(total)
    measured, largest = 0.0, (wholes**2).sum() / total
    if n_rarer and n_units > 1 and variance > 0:
        measured = n_units / (n_units - 1) * (residuals**2).sum() / total / variance
    effect = max(1.0, (n_rarer * measured + largest) / (n_rarer + 1))
    return float(total / effect * _few_units(n_units))


def _few_units(n_units: int) -> float:
    """By how much fewer images count because their variance is measured on few units."""
    if n_units < 2:
        return 1.0
    from scipy.stats import t

    return float(min(1.0, (Z / t.ppf(0.975, n_units - 1)) ** 2))


def logit(value: float, standard_error: float) -> tuple[float, float]:
    """The interval of a value between 0 and 1 that is symmetric on the logit scale, so that it stays between them."""
    centre, half_width = math.log(value / (1 - value)), Z * standard_error / (value * (1 - value))
    return _expit(centre - half_width), _expit(centre + half_width)


def _expit(x: float) -> float:
    return 0.5 * (1 + math.tanh(x / 2))


def of_unseen(value: float, least: float, most: float, n_units: int) -> tuple[float, float]:
    """The interval of a mean whose values were the same in all units: what was not seen is rare, and may be extreme.

    It is the "rule of three" (Hanley and Lippman-Hand 1983): what has another value than these makes up less than `rare` of all.
    """
    rare = 1 - 0.025 ** (1 / n_units)
    return value - rare * (value - least), value + rare * (most - value)
