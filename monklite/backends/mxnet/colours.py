"""The steps of `data/colours.py` on the device: pixels float32 (n, 3, size, size), 0 to 255, to the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...data import curves
from ...data.augment import Draws
from .framework import nd


def _affine(pixels: Any, values: Any, draws: Draws) -> Any:
    flat = pixels.reshape((0, 0, -1))
    # several times as fast as a mean
    mean = nd.Pooling(pixels, global_pool=True, pool_type="avg", kernel=(1, 1)).reshape((0, 3, 1))
    constant = nd.batch_dot(values[:, :, 3:6], mean) + values[:, :, 6:]
    changed = nd.batch_dot(values[:, :, :3], flat) + constant
    return nd.clip(changed, 0, 255).reshape(pixels.shape)


def _hue(pixels: Any, turns: Any, draws: Draws) -> Any:
    """Turn the hue of the HSV colours, whose value and saturation stay."""
    red, green, blue = (pixels[:, i] for i in range(3))
    # many times as fast as reducing an axis
    value, low = (extreme(extreme(red, green), blue) for extreme in (nd.maximum, nd.minimum))
    chroma = value - low
    # by which colour is the strongest: what the two others differ by, and the sector of the circle
    is_red, is_green = value == red, value == green
    differences = nd.where(is_red, green - blue, nd.where(is_green, blue - red, red - green))
    sector = nd.where(is_red, nd.zeros_like(red), 4 - 2 * is_green) + differences / nd.maximum(chroma, 1e-6)
    sector = sector + 6 * turns.reshape((-1, 1, 1))
    sector = sector - 6 * nd.floor(sector / 6)
    # each channel is a trapezoid over the circle: red is low about 3, green and blue are high about 2 and 4
    red, green, blue = (chroma * nd.clip(nd.abs(sector - centre), 1, 2) for centre in (3, 2, 4))
    above = value + chroma
    return nd.stack(low - chroma + red, above - green, above - blue, axis=1)


def _curve(pixels: Any, tables: Any, draws: Draws) -> Any:
    return _looked_up(_places(pixels), nd.expand_dims(tables, 1))


def _places(pixels: Any) -> Any:
    """Where a table of `curves` has the values, whole numbers."""
    return nd.floor(pixels * curves.PER_LEVEL + 0.5)


def _looked_up(places: Any, tables: Any) -> Any:
    """The values at some places of tables (n, 1 or 3, length), which are of an image or of each of its channels."""
    n, n_channels, length = tables.shape
    index = places.astype("int32") + _lines(n, n_channels, length, places.context)
    return nd.take(tables.reshape(-1), index)


def _lines(n: int, n_channels: int, length: int, context: Any) -> Any:
    """Where the tables of each image and channel begin if they stand one after the other."""
    return nd.arange(n * n_channels, ctx=context, dtype="int32").reshape((n, n_channels, 1, 1)) * length


def _autocontrast(pixels: Any, chosen: Any, draws: Draws) -> Any:
    low, high = (extreme(pixels, axis=(2, 3), keepdims=True) for extreme in (nd.min, nd.max))
    is_flat = high == low
    factor = is_flat + (1 - is_flat) * 255 / nd.maximum(high - low, 1e-6)
    return pixels * factor - (1 - is_flat) * low * factor


def _equalize(pixels: Any, chosen: Any, draws: Draws) -> Any:
    """Values become equally frequent, as Pillow does it: the share of pixels that are darker, of all but the lightest ones."""
    n, n_channels, *_ = pixels.shape
    places = _places(pixels)
    levels = nd.floor((places + curves.PER_LEVEL / 2) / curves.PER_LEVEL)
    index, n_bins = levels + _lines(n, n_channels, 256, pixels.context).astype("float32"), n * n_channels * 256
    # in the middle of their bins
    counts, _ = nd.histogram(index + 0.5, bins=n_bins, range=(0, n_bins))
    counts = counts.astype("float32").reshape((n, n_channels, 256))
    earlier = nd.array(np.triu(np.ones((256, 256)), k=1), ctx=pixels.context)
    darker = nd.dot(counts, earlier)
    # pixels per level of the result
    share = nd.floor(nd.max(darker * (counts > 0), axis=2, keepdims=True) / 255)
    tables = nd.minimum(nd.floor((darker + nd.floor(share / 2)) / nd.maximum(share, 1)), 255)
    same = nd.broadcast_like(nd.arange(256, ctx=pixels.context).reshape((1, 1, 256)), tables)
    return _looked_up(places, _between_levels(nd.where(nd.broadcast_like(share > 0, tables), tables, same)))


def _between_levels(tables: Any) -> Any:
    """Tables of `curves` with straight lines between the values of the levels, (n, 3, 256)."""
    shares = nd.arange(curves.PER_LEVEL, ctx=tables.context) / curves.PER_LEVEL
    low, high = nd.expand_dims(tables[:, :, :-1], 3), nd.expand_dims(tables[:, :, 1:], 3)
    lines = (low + (high - low) * shares.reshape((1, 1, 1, -1))).reshape((0, 0, -1))
    return nd.concat(lines, tables[:, :, -1:], dim=2)


def _sharpness(pixels: Any, factors: Any, draws: Draws) -> Any:
    """Away from the picture smoothed by a kernel of 1, in its middle 5; pixels at the edge stay."""
    if draws.size < 3:
        return pixels
    smoothed = nd.Pooling(pixels, kernel=(3, 3), pool_type="avg")
    added = (smoothed - pixels[:, :, 1:-1, 1:-1]) * ((1 - factors) * (9 / 13)).reshape((-1, 1, 1, 1))
    return nd.clip(pixels + nd.pad(added, mode="constant", pad_width=(0, 0, 0, 0, 1, 1, 1, 1)), 0, 255)


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
    return pixels * (1 - mask) + fill * mask


COLOURS: Mapping[str, Callable[[Any, Any, Draws], Any]] = {
    "affine": _affine,
    "hue": _hue,
    "curve": _curve,
    "autocontrast": _autocontrast,
    "equalize": _equalize,
    "sharpness": _sharpness,
    "blur": _blur,
    "erase": _erase,
}
