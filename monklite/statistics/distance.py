"""How far images are from the training images, in what a network sees in them (Lee et al. 2018)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import InvalidValue


class Distance(NamedTuple):
    """Mahalanobis distance to the nearest mean of the training images of a class.

    `whitening`: float32 (d, d), after which the covariance within the classes is the unit matrix. `means`: of the classes after
    it, float32 (classes, d).
    """

    whitening: np.ndarray
    means: np.ndarray

    def of(self, embeddings: np.ndarray) -> np.ndarray:
        """The distances of images, float64 (n,), from their embeddings (n, d)."""
        # with NumPy alone: a bundle is used where SciPy is not installed
        white = embeddings.astype(np.float64) @ self.whitening
        return np.min([np.linalg.norm(white - mean, axis=1) for mean in self.means], axis=0)


def fitted(embeddings: np.ndarray, groups: np.ndarray) -> Distance:
    """The distance from images with these embeddings, float32 (n, d).

    The covariance is shrunk (Ledoit and Wolf 2004), so that fewer images than dimensions are enough.

    Args:
        groups: the number of the class of each image, int64 (n,); of several labels per image 0 for all.

    Raises:
        InvalidValue: all images have the same embedding.
    """
    from sklearn.covariance import LedoitWolf

    names, places = np.unique(groups, return_inverse=True)
    values = embeddings.astype(np.float64)
    means = np.array([values[places == i].mean(axis=0) for i in range(len(names))])
    within = values - means[places]
    if not np.ptp(within, axis=0).any():
        raise InvalidValue("the network sees the same in all training images of a class, so nothing is far from them")
    covariance = LedoitWolf(assume_centered=True, store_precision=False).fit(within).covariance_
    variances, axes = np.linalg.eigh(covariance)
    # a variance of 0 is that of a direction in which no image differs
    whitening = (axes / np.sqrt(np.maximum(variances, variances[-1] * 1e-9))).astype(np.float32)
    return Distance(whitening, (means @ whitening).astype(np.float32))
