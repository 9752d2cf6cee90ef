"""Distances from training images."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from monklite.errors import InvalidValue
from monklite.statistics import distance


def test_it_is_that_of_mahalanobis_to_the_nearest_class() -> None:
    rng = np.random.default_rng(0)
    groups = np.arange(60) % 3
    values = (rng.normal(0, (1, 3, 0.2, 5), (60, 4)) + 4 * groups[:, None]).astype(np.float32)
    means = [values[groups == i].mean(axis=0) for i in range(3)]
    inside = LedoitWolf(assume_centered=True).fit(np.concatenate([values[groups == i] - means[i] for i in range(3)]))
    new = rng.normal(0, 6, (5, 4)).astype(np.float32)
    expected = [min(mahalanobis(row, mean, inside.precision_) for mean in means) for row in new]
    assert distance.fitted(values, groups).of(new) == pytest.approx(expected, rel=1e-3)


def test_fewer_images_than_dimensions_and_dimensions_that_are_always_0() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, (20, 50)).astype(np.float32)
    values[:, 40:] = 0
    found = distance.fitted(values, np.zeros(20, np.int64))
    far = np.concatenate([values[:1], values[:1] + 20])
    assert np.isfinite(found.of(far)).all()
    assert found.of(far)[1] > 3 * found.of(values).max()


def test_a_network_that_sees_the_same_everywhere_measures_nothing() -> None:
    with pytest.raises(InvalidValue, match="sees the same in all training images"):
        distance.fitted(np.ones((10, 3), np.float32), np.arange(10) % 2)
