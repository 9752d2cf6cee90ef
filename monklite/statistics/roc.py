"""The area under the ROC curve with its interval, and the parts of the variance that each image has."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    return variance_of(found.influences(), units, fewest_units(found.positive, units))


def fewest_units(positive: np.ndarray, units: Units) -> int:
    """The number of units with images on the side that has fewer of them."""
    return min(np.count_nonzero(units.sums(side)) for side in (positive, ~positive))


def variance_of(influences: np.ndarray, units: Units, n_units: int) -> float:
    """The variance of what each image moves by so much, (n,). `n_units`: on the side that has fewer."""
    if n_units < 2:
        return math.nan
    return float(correction(n_units, units) * (units.sums(influences) ** 2).sum())


def correction(n_units: int, units: Units) -> float:
    """The factor of a variance that is measured on so many units, at least two; 1 where each image is one."""
    return n_units / (n_units - 1) if units.count < len(units.index) else 1.0


def variance_of_mean(found: Sequence[Area], units: Units) -> float:
    """The variance of the mean of areas; one that has a single unit on a side has the variance of Newcombe's interval."""
    moved, alone = np.zeros(units.count), 0.0
    mean = float(np.mean([area.value for area in found]))
    for area in found:
        n_units = fewest_units(area.positive, units)
        if n_units < 2:
            alone += _newcombes_variance(mean, *_worths(area, units))
        else:
            moved += units.sums(area.influences()) * math.sqrt(correction(n_units, units))
    return float((moved**2).sum() + alone) / len(found) ** 2


def interval(found: Area, units: Units) -> tuple[float, float, bool]:
    """The 95 % interval, and whether it is DeLong's.

    DeLong's variance on the logit scale, so that it stays within 0 and 1 (Qin and Hotilovac 2008). Where that variance is 0 or
    unknown, which would make it collapse (every positive image above every negative one, all scores equal, one image on a side),
    Newcombe's interval (2006, method 5), which needs the area and the counts only.
    """
    spread = variance(found, units)
    if 0 < found.value < 1 and spread > 0:
        return (*intervals.logit(found.value, math.sqrt(spread)), True)
    return (*newcombe(found.value, *_worths(found, units)), False)


def _worths(found: Area, units: Units) -> tuple[float, float]:
    """The number of independent images on each side."""
    return worth(units.sums(found.positive)), worth(units.sums(~found.positive))


def worth(sizes: np.ndarray) -> float:
    """The number of independent images, if those of a unit are all alike."""
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def newcombe(value: float, n_positive: float, n_negative: float) -> tuple[float, float]:
    """The areas whose score test does not exclude `value` (Newcombe 2006, Statistics in Medicine 25:559, method 5)."""
    from scipy.optimize import brentq

    def excess(area: float) -> float:
        return (area - value) ** 2 - intervals.Z**2 * _newcombes_variance(area, n_positive, n_negative)

    # not to the end itself, which is another root where the area is 0 or 1
    low = brentq(excess, 0, min(value, 1 - NEARLY)) if value > 0 else 0.0
    high = brentq(excess, max(value, NEARLY), 1) if value < 1 else 1.0
    return float(low), float(high)


def _newcombes_variance(area: float, n_positive: float, n_negative: float) -> float:
    factor = 1 + ((n_positive + n_negative) / 2 - 1) * ((1 - area) / (2 - area) + area / (1 + area))
    return area * (1 - area) * factor / (n_positive * n_negative)
