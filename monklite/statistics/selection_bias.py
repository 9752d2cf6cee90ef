"""The figure of the best of several classifiers without the luck of the choice: the best of many looks better than it is."""

from __future__ import annotations

import numpy as np

from .units import Units

RESAMPLES, SEED = 1_000, 0
# of the resamples: with fewer that have images left over, nothing can be said
LEAST = 50


def corrected(parts: np.ndarray, wholes: np.ndarray, units: Units) -> float:
    """The figure of the best classifier as it is expected on other images (BBC-CV; Tsamardinos, Greasidou and Borboudakis 2018).

    In each bootstrap resample of the units the best classifier is chosen, and judged on the units that are not in it; the mean of
    these is free of the optimism of the choice.

    Args:
        parts, wholes: of each image and classifier, (n, k): the figure of a classifier is `parts.sum() / wholes.sum()`.

    Returns:
        The corrected figure; NaN if the images are too few.
    """
    own, total = units.sums(parts), units.sums(wholes)
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(RESAMPLES):
        weights = np.bincount(rng.integers(units.count, size=units.count), minlength=units.count)
        outside = weights == 0
        with np.errstate(invalid="ignore", divide="ignore"):
            inside = (weights @ own) / (weights @ total)
            others = own[outside].sum(axis=0) / total[outside].sum(axis=0)
        if np.isfinite(inside).any():
            found.append(others[int(np.nanargmax(inside))])
    finite = [value for value in found if np.isfinite(value)]
    return float(np.mean(finite)) if len(finite) >= LEAST else float("nan")
