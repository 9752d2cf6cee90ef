"""The figure of the best of several classifiers without the luck of the choice: the best of many looks better than it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .units import Units

RESAMPLES, SEED = 1_000, 0
# of the resamples: with fewer that have images left over, nothing can be said
LEAST = 50


class Corrected(NamedTuple):
    """A figure as it is expected on other images, 0 to 1, with its 95 % interval; NaN: not known."""

    value: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} % (95 % interval {100 * self.low:.1f} to {100 * self.high:.1f})"


UNKNOWN = Corrected()


def corrected(parts: np.ndarray, wholes: np.ndarray, units: Units) -> Corrected:
    """The figure of the best classifier as it is expected on other images (BBC-CV; Tsamardinos, Greasidou and Borboudakis 2018).

    In each bootstrap resample of the units the best classifier is chosen, and judged on the units that are not in it; the mean of
    these is free of the optimism of the choice. The interval is that of the percentiles of these figures, as in that paper; each
    is of about 37 % of the images, so it is wider than it need be (it held the true value in 97 to 100 % of simulations).

    Args:
        parts, wholes: of each image and classifier, (n, k): the figure of a classifier is `parts.sum() / wholes.sum()`.

    Returns:
        The corrected figure with its interval; NaN if the images are too few.
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
    if len(finite) < LEAST:
        return UNKNOWN
    return Corrected(float(np.mean(finite)), *map(float, np.quantile(finite, (0.025, 0.975))))
