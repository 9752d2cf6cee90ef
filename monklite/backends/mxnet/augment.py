"""Apply the draws of a batch on the device: resampling or flips, then normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data.augment import Draws
from .framework import nd


def apply(images: Any, draws: Draws) -> Any:
    """Transform uint8 (n, side, side, 3) to float32 (n, 3, size, size), 0 to 255."""
    pixels = nd.transpose(images.astype("float32"), (0, 3, 1, 2))
    if draws.matrix is not None:
        return _resample(pixels, draws.matrix, draws.size)
    for flips, axis in ((draws.flip_x, 3), (draws.flip_y, 2)):
        if flips is not None and flips.any():
            mask = nd.array(flips.astype(np.float32), ctx=pixels.context)
            pixels = nd.where(mask, nd.flip(pixels, axis=axis), pixels)
    return pixels


def _resample(pixels: Any, matrix: np.ndarray, size: int) -> Any:
    """Resample bilinearly; black outside the image, without darkening its edge pixels.

    In a draw's matrix, -1 and 1 are the edges of the image; in MXNet's grid they are the centres of its corner pixels.
    """
    side = pixels.shape[2]
    shrink = np.array([(size - 1) / size, (size - 1) / size, 1], np.float32)
    edges = nd.array(matrix * shrink, ctx=pixels.context).reshape((-1, 6))
    edge_grid = nd.GridGenerator(edges, transform_type="affine", target_shape=(size, size))
    inside = nd.min(nd.abs(edge_grid) <= 1, axis=1, keepdims=True)
    centre_grid = nd.clip(edge_grid * (side / (side - 1)), -1, 1)
    return nd.BilinearSampler(pixels, centre_grid) * inside


def normalize(pixels: Any, draws: Draws) -> Any:
    """Subtract the mean and divide by the standard deviation of each channel."""
    mean, std = (nd.array(np.array(v) * 255, ctx=pixels.context).reshape((1, 3, 1, 1)) for v in (draws.mean, draws.std))
    return (pixels - mean) / std
