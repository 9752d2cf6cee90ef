"""The area under the ROC curve with its interval, and the parts of the variance that each image has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from . import intervals
from .units import Units

NEARLY = 1e-9


@dataclass(frozen=True)
class Area:
    """An area under a ROC curve. `value`: NaN if a side has no image.

    `components`: float64 (n,). Of a positive image the share of the negative ones with a lower score (ties count half), of a
    negative one the share of the positive ones with a higher score. Their mean is the area on both sides.
    """

    value: float
    positive: np.ndarray
    components: np.ndarray

    def influences(self) -> np.ndarray:
        """By how much each image moves the area, float64 (n,); the sum of their squares is its variance.

        For independent images that is the variance of DeLong, DeLong and Clarke-Pearson 1988 exactly; summed over the images of
        a unit first, that of Obuchowski 1997, but for a factor that is 1 for many units.
        """
        moved = np.zeros(len(self.components))
        for side in (self.positive, ~self.positive):
            n = np.count_nonzero(side)
            # one image has no variance that could be measured
            moved[side] = (self.components[side] - self.value) / math.sqrt(n * max(n - 1, 1))
        return moved


def area(scores: np.ndarray, positive: np.ndarray) -> Area:
    """The area for scores (n,) and whether each image is positive, bool (n,); by ranks, in n log n (Sun and Xu 2014)."""
    from scipy.stats import rankdata

    n_positive, n_negative = np.count_nonzero(positive), np.count_nonzero(~positive)
    if not n_positive or not n_negative:
        return Area(math.nan, positive, np.zeros(len(scores)))
    ranks, components = rankdata(scores), np.empty(len(scores))
    components[positive] = (ranks[positive] - rankdata(scores[positive])) / n_negative
    components[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive])) / n_positive
    return Area(float(components[positive].mean()), positive, components)


def variance(found: Area, units: Units) -> float:
    """The variance of an area; NaN if a side has fewer than two units."""
    n_units = [np.count_nonzero(units.sums(side)) for side in (found.positive, ~found.positive)]
    return variance_of(found.influences(), units, min(n_units))


def variance_of(influences: np.ndarray, units: Units, n_units: int) -> float:
    """The variance of what each image moves by so much, (n,). `n_units`: on the side that has fewer."""
    if n_units < 2:
        return math.nan
    few = n_units / (n_units - 1) if units.count < len(units.index) else 1.0
    return float(few * (units.sums(influences) ** 2).sum())


def interval(found: Area, units: Units) -> tuple[float, float, bool]:
    """The 95 % interval, and whether it is DeLong's.

    DeLong's variance on the logit scale, so that it stays within 0 and 1 (Qin and Hotilovac 2008). Where that variance is 0 or
    unknown, which would make it collapse (every positive image above every negative one, all scores equal, one image on a side),
    Newcombe's interval (2006, method 5), which needs the area and the counts only.
    """
    spread = variance(found, units)
    if 0 < found.value < 1 and spread > 0:
        return (*intervals.logit(found.value, math.sqrt(spread)), True)
    counts = [worth(units.sums(side)) for side in (found.positive, ~found.positive)]
    return (*newcombe(found.value, *counts), False)


def worth(sizes: np.ndarray) -> float:
    """The number of independent images, if those of a unit are all alike."""
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def newcombe(value: float, n_positive: float, n_negative: float) -> tuple[float, float]:
    """The areas whose score test does not exclude `value` (Newcombe 2006, Statistics in Medicine 25:559, method 5)."""
    from scipy.optimize import brentq

    mean_others = (n_positive + n_negative) / 2 - 1

    def excess(area: float) -> float:
        factor = 1 + mean_others * ((1 - area) / (2 - area) + area / (1 + area))
        return (area - value) ** 2 - intervals.Z**2 * area * (1 - area) * factor / (n_positive * n_negative)

    # not to the end itself, which is another root where the area is 0 or 1
    low = brentq(excess, 0, min(value, 1 - NEARLY)) if value > 0 else 0.0
    high = brentq(excess, max(value, NEARLY), 1) if value < 1 else 1.0
    return float(low), float(high)
