"""Apply the draws of a batch on the device: resampling or flips, colours, mixing, then normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...data.augment import Draws
from ...data.colours import ColourStep
from ...data.mixing import Mixed
from .colours import COLOURS
from .framework import nd

# of the denominator of a projective map; what lies behind the horizon is far outside the picture
MIN_DEPTH = 1e-6


def apply(images: Any, draws: Draws) -> Any:
    """Transform uint8 (n, side, side, 3) to float32 (n, 3, size, size), 0 to 255."""
    pixels = _moved(images, draws)
    for step in draws.colours:
        pixels = _coloured(pixels, step, draws)
    return pixels if draws.mixed is None else _mixed(pixels, draws.mixed, draws.size)


def _moved(images: Any, draws: Draws) -> Any:
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
    edge_grid = _grid(matrix, size, pixels.context)
    inside = nd.min(nd.abs(edge_grid) <= 1, axis=1, keepdims=True)
    centre_grid = nd.clip(edge_grid * (side / (side - 1)), -1, 1)
    return nd.BilinearSampler(pixels, centre_grid) * inside


def _grid(matrix: np.ndarray, size: int, context: Any) -> Any:
    """The places from which pixels are taken, (n, 2, size, size), -1 to 1."""
    if matrix.shape[1] == 2:
        shrink = np.array([(size - 1) / size, (size - 1) / size, 1], np.float32)
        edges = nd.array(matrix * shrink, ctx=context).reshape((-1, 6))
        return nd.GridGenerator(edges, transform_type="affine", target_shape=(size, size))
    centres = (2 * np.arange(size, dtype=np.float32) + 1) / size - 1
    x, y = np.meshgrid(centres, centres)
    corners = nd.array(np.stack([x.ravel(), y.ravel(), np.ones(size * size)]), ctx=context)
    points = nd.dot(nd.array(matrix, ctx=context), corners)
    places = points[:, :2] / nd.maximum(points[:, 2:], MIN_DEPTH)
    return places.reshape((-1, 2, size, size))


def _coloured(pixels: Any, step: ColourStep, draws: Draws) -> Any:
    change, rows = COLOURS[step.kind], step.rows
    if not len(rows):
        return pixels
    values = nd.array(step.take(rows).array(draws.size), ctx=pixels.context, dtype="float32")
    if len(rows) == len(pixels):
        return change(pixels, values, draws)
    places = nd.array(rows, ctx=pixels.context, dtype="int32")
    return nd.contrib.index_copy(pixels, places, change(nd.take(pixels, places), values, draws))


def _mixed(pixels: Any, mixed: Mixed, size: int) -> Any:
    others = nd.take(pixels, nd.array(mixed.partners, ctx=pixels.context))
    if mixed.box is None:
        return mixed.share * pixels + (1 - mixed.share) * others
    taken = nd.array(mixed.pixels(size)[:, None], ctx=pixels.context, dtype="float32")
    return nd.where(nd.broadcast_like(taken, pixels), others, pixels)


def normalize(pixels: Any, draws: Draws) -> Any:
    """Subtract the mean and divide by the standard deviation of each channel."""
    mean, std = (nd.array(np.array(v) * 255, ctx=pixels.context).reshape((1, 3, 1, 1)) for v in (draws.mean, draws.std))
    return (pixels - mean) / std
