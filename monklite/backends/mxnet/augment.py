"""Apply the draws of a batch on the device: resampling or flips, then normalising."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data.augment import Draws
from .framework import nd


def apply(images: Any, draws: Draws) -> Any:
    """From uint8 (n, side, side, 3) to float32 (n, 3, size, size), 0 to 255."""
    pixels = nd.transpose(images.astype("float32"), (0, 3, 1, 2))
    if draws.matrix is not None:
        return _resample(pixels, draws)
    for flips, axis in ((draws.flip_x, 3), (draws.flip_y, 2)):
        if flips is not None and flips.any():
            mask = nd.array(flips.astype(np.float32), ctx=pixels.context)
            pixels = nd.where(mask, nd.flip(pixels, axis=axis), pixels)
    return pixels


def _resample(pixels: Any, draws: Draws) -> Any:
    """Bilinear between pixels; black beyond the picture, its edge not darkened by that.

    Draws say where the edges of the picture lie; MXNet's grid says where the middles of its corner pixels lie.
    """
    side, size = pixels.shape[2], draws.size
    assert draws.matrix is not None
    shrink = np.array([(size - 1) / size, (size - 1) / size, 1], np.float32)
    edges = nd.array(draws.matrix * shrink, ctx=pixels.context).reshape((-1, 6))
    grid = nd.GridGenerator(edges, transform_type="affine", target_shape=(size, size))
    inside = nd.min(nd.abs(grid) <= 1, axis=1, keepdims=True)
    middles = nd.clip(grid * (side / (side - 1)), -1, 1)
    return nd.BilinearSampler(pixels, middles) * inside


def normalize(pixels: Any, draws: Draws) -> Any:
    """Subtract the mean and divide by the standard deviation of each channel."""
    mean, std = (nd.array(np.array(v) * 255, ctx=pixels.context).reshape((1, 3, 1, 1)) for v in (draws.mean, draws.std))
    return (pixels - mean) / std
