"""Pictures of many small arrays side by side: the kernels and the feature maps of a layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .charts import default_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# of a layer, more are not drawn: filters and input channels of kernels, channels of feature maps
MAX_FILTERS, MAX_INPUTS, MAX_CHANNELS = 32, 16, 64
# inches: width, and height of the texts above and below
SIDE, MARGIN = 9.0, 0.4


def kernels(title: str, weights: np.ndarray) -> Figure:
    """A grid of kernels: one column per filter, one row per input channel.

    Args:
        weights: float (outputs, inputs, height, width). All have the same scale: blue is negative, white 0, red positive.
    """
    drawn = weights[:MAX_FILTERS, :MAX_INPUTS]
    limit = float(np.abs(drawn[np.isfinite(drawn)]).max(initial=0.0)) or 1.0
    note = f"columns: {_share(len(drawn), len(weights), 'filters')}, rows: "
    note += f"{_share(drawn.shape[1], weights.shape[1], 'input channels')}; {weights.shape[2]} x {weights.shape[3]} weights, "
    note += f"from {-limit:.3g} (blue) to {limit:.3g} (red)"
    return _figure(title, note, mosaic(drawn.swapaxes(0, 1)), "RdBu_r", -limit, limit)


def feature_maps(title: str, maps: np.ndarray) -> Figure:
    """A grid of the channels of a layer's output, each with its own scale from its smallest (dark) to its largest value.

    Args:
        maps: float (channels, height, width).
    """
    drawn = np.stack([_scaled(channel) for channel in maps[:MAX_CHANNELS]])
    columns = math.ceil(math.sqrt(len(drawn)))
    padding = np.full((-len(drawn) % columns, *drawn.shape[1:]), np.nan)
    tiles = np.concatenate([drawn, padding]).reshape(-1, columns, *drawn.shape[1:])
    note = f"{_share(len(drawn), len(maps), 'channels')} of {maps.shape[1]} x {maps.shape[2]}, each with a scale of its own"
    return _figure(title, note, mosaic(tiles), "viridis", 0.0, 1.0)


def mosaic(tiles: np.ndarray) -> np.ndarray:
    """Tiles (rows, columns, height, width) as one array with gaps of NaN between them."""
    gap = max(1, tiles.shape[2] // 12)
    framed = np.pad(tiles.astype(np.float32), ((0, 0), (0, 0), (0, gap), (0, gap)), constant_values=np.nan)
    rows, columns, height, width = framed.shape
    return framed.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)[:-gap, :-gap]


def _scaled(channel: np.ndarray) -> np.ndarray:
    """A channel from 0 to 1; 0 where all its values are equal."""
    low, high = float(channel.min()), float(channel.max())
    return (channel - low) / (high - low) if high > low else np.zeros_like(channel)


def _share(drawn: int, total: int, what: str) -> str:
    return f"{total} {what}" if drawn == total else f"the first {drawn} of {total} {what}"


@default_style()
def _figure(title: str, note: str, values: np.ndarray, colours: str, low: float, high: float) -> Figure:
    from matplotlib.figure import Figure

    height = min(SIDE, SIDE * values.shape[0] / values.shape[1])
    figure = Figure(figsize=(SIDE, height + 2 * MARGIN), dpi=100)
    # placed here, because a layout that is found takes longer than the drawing
    margin = MARGIN / (height + 2 * MARGIN)
    axes = figure.add_axes((0.01, margin, 0.98, 1 - 2 * margin))
    axes.imshow(values, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axes.set_axis_off()
    figure.text(0.01, 1 - margin / 2, title, fontsize=12, va="center")
    figure.text(0.01, margin / 2, note, fontsize=8, color="#555555", va="center")
    return figure
