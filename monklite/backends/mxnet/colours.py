"""The steps of `data/colours.py` on the device: pixels float32 (n, 3, size, size), 0 to 255, to the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...data.augment import Draws
from .framework import nd


def _affine(pixels: Any, values: Any, draws: Draws) -> Any:
    flat = pixels.reshape((0, 0, -1))
    constant = nd.batch_dot(values[:, :, 3:6], nd.mean(flat, axis=2, keepdims=True)) + values[:, :, 6:]
    changed = nd.batch_dot(values[:, :, :3], flat) + constant
    return nd.clip(changed, 0, 255).reshape(pixels.shape)


def _hue(pixels: Any, turns: Any, draws: Draws) -> Any:
    """Turn the hue of the HSV colours, whose value and saturation stay."""
    red, green, blue = (pixels[:, i] for i in range(3))
    value = nd.max(pixels, axis=1)
    chroma = value - nd.min(pixels, axis=1)
    divisor = nd.maximum(chroma, 1e-6)
    sector = nd.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor)
    sector = nd.where(value == red, (green - blue) / divisor, sector) + 6 * turns.reshape((-1, 1, 1))
    changed = []
    for offset in (5, 3, 1):
        # not negative: the operator keeps the sign
        place = (sector + offset + 6) % 6
        changed.append(value - chroma * nd.clip(nd.minimum(place, 4 - place), 0, 1))
    return nd.stack(*changed, axis=1)


def _gamma(pixels: Any, exponents: Any, draws: Draws) -> Any:
    return nd.broadcast_power(pixels / 255, exponents.reshape((-1, 1, 1, 1))) * 255


def _autocontrast(pixels: Any, chosen: Any, draws: Draws) -> Any:
    low, high = (extreme(pixels, axis=(2, 3), keepdims=True) for extreme in (nd.min, nd.max))
    stretched = (pixels - low) * (255 / nd.maximum(high - low, 1e-6))
    applies = (high > low) * (chosen.reshape((-1, 1, 1, 1)) > 0)
    return nd.where(nd.broadcast_like(applies, pixels), stretched, pixels)


def _blur(pixels: Any, matrices: Any, draws: Draws) -> Any:
    # along the rows, then along the columns
    for _ in range(2):
        n, channels, height, width = pixels.shape
        blurred = nd.batch_dot(pixels.reshape((n, channels * height, width)), matrices, transpose_b=True)
        pixels = nd.swapaxes(blurred.reshape((n, channels, height, width)), 2, 3)
    return pixels


def _erase(pixels: Any, erased: Any, draws: Draws) -> Any:
    fill = nd.array(np.array(draws.mean).reshape((1, 3, 1, 1)) * 255, ctx=pixels.context)
    mask = nd.expand_dims(erased, 1)
    return nd.where(nd.broadcast_like(mask, pixels), nd.broadcast_like(fill, pixels), pixels)


COLOURS: Mapping[str, Callable[[Any, Any, Draws], Any]] = {
    "affine": _affine,
    "hue": _hue,
    "gamma": _gamma,
    "autocontrast": _autocontrast,
    "blur": _blur,
    "erase": _erase,
}
