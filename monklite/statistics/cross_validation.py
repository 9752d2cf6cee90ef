"""The figure of a cross-validation, with an interval that takes into account that the folds share training images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..figures import CORRECTED_T, NO_INTERVAL, Estimate


def mean(values: Sequence[float], validated_share: float, n_images: int) -> Estimate:
    """The mean of a figure over all folds, and the 95 % interval of the corrected resampled t-test (Nadeau and Bengio 2003).

    Any two folds train on mostly the same images, so that their figures agree more than those of independent trainings: the
    variance of the mean is `1 / n + validated_share / (1 - validated_share)` times that of the figures, not `1 / n` times.
    Without an interval where all figures are equal, from which no variance can be estimated.

    Args:
        values: the figure of each fold, of one or more divisions into folds. validated_share: of the images, in each fold; 1 / k.
        n_images: in all folds of one division together.
    """
    from scipy.stats import t

    figures = np.array(values, np.float64)
    n, centre = len(figures), float(figures.mean())
    spread = float(figures.std(ddof=1)) if n > 1 else 0.0
    # NaN too
    if not spread > 0:
        return Estimate(value=centre, low=np.nan, high=np.nan, count=n_images, method=NO_INTERVAL)
    half = float(t.ppf(0.975, n - 1)) * spread * np.sqrt(1 / n + validated_share / (1 - validated_share))
    # the figures are shares
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Estimate(value=centre, low=low, high=high, count=n_images, method=CORRECTED_T)
