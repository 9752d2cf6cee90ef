"""Areas under ROC curves of several classifiers on the same images, and their differences (DeLong et al. 1988)."""

from __future__ import annotations

import math

import numpy as np

from . import roc
from .paired import LEVEL
from .units import Units


def areas(truth: np.ndarray, scores: np.ndarray, units: Units | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The areas (AUC) and their covariance, by ranks (Sun and Xu 2014); of images in groups that of Obuchowski 1997.

    Args:
        truth: bool (n,), with images of at least two units of each kind. scores: float (classifiers, n); higher where True is
            likelier. units: that are independent of each other; None: the images are.

    Returns:
        Areas (classifiers,), 0 to 1; covariance (classifiers, classifiers).
    """
    found = [roc.area(own, truth) for own in scores]
    units = units or Units.of(None, len(truth))
    influences = np.array([units.sums(area.influences()) for area in found])
    few = roc.correction(roc.fewest_units(truth, units), units)
    return np.array([area.value for area in found]), few * influences @ influences.T


def difference(
    areas: np.ndarray, covariance: np.ndarray, a: int, b: int, level: float = LEVEL
) -> tuple[float, float, float, float]:
    """The difference of two areas, a - b, its interval, and the two-sided p-value that they are equal.

    Where the difference does not vary, the interval is NaN, and the p-value 1 if the areas are equal, as those of two that rank
    every image right. If they are not, as of one that ranks all right and one with the same score for all, it is NaN: the test
    says nothing.
    """
    from scipy.stats import norm

    value = float(areas[a] - areas[b])
    variance = float(covariance[a, a] + covariance[b, b] - 2 * covariance[a, b])
    # rounding leaves a little of nothing
    if variance < 1e-15:
        return value, math.nan, math.nan, 1.0 if abs(value) < 1e-12 else math.nan
    error = math.sqrt(variance)
    margin = float(norm.isf(level / 2)) * error
    return value, max(-1.0, value - margin), min(1.0, value + margin), float(2 * norm.sf(abs(value) / error))
