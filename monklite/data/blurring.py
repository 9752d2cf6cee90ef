"""Gaussian blur as matrices: a picture is blurred by multiplying its rows and its columns with one of them."""

from __future__ import annotations

import numpy as np

# of the standard deviation, beyond which a kernel is cut off
REACH = 3


def matrices(sigma: np.ndarray, size: int) -> np.ndarray:
    """Matrices that blur `size` px with a Gaussian kernel, float32 (N, size, size); the picture is reflected at its edges.

    Args:
        sigma: standard deviation, px, (N,); 0: nothing is changed.
    """
    reach = np.ceil(REACH * sigma)
    offsets = np.arange(-reach.max(initial=0), reach.max(initial=0) + 1)
    # 0: a distance of 0 has all the weight, any other none
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        distance = np.where(offsets == 0, 0.0, np.abs(offsets) / sigma[:, None])
        weights = np.exp(-0.5 * distance**2)
    weights *= np.abs(offsets) <= reach[:, None]
    weights /= weights.sum(axis=1, keepdims=True)
    blurs = np.zeros((len(sigma), size, size), np.float32)
    places = np.arange(size)
    for k, offset in enumerate(offsets.astype(int)):
        blurs[:, places, _reflected(places + offset, size)] += weights[:, k, None].astype(np.float32)
    return blurs


def _reflected(places: np.ndarray, size: int) -> np.ndarray:
    """The places inside the picture whose pixels are taken for places outside of it; the edge is not repeated."""
    period = max(2 * (size - 1), 1)
    inside = np.abs(places) % period
    return np.minimum(inside, period - inside) if size > 1 else np.zeros_like(places)
