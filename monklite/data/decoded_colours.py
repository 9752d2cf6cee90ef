"""Changes of the colours of decoded images, which are the same for each image and are done once, before they are kept."""

from __future__ import annotations

import numpy as np

LEVELS = 256


def grayscale(pixels: np.ndarray, num_output_channels: int) -> np.ndarray:
    """The brightness of uint8 (side, side, 3), in each of the channels."""
    return np.repeat(_luma(pixels)[:, :, None], num_output_channels, axis=2)


def clahe(pixels: np.ndarray, clip_limit: float, grid: int) -> np.ndarray:
    """Equalise the brightness of uint8 (side, side, 3) around each place, with limited contrast; colours keep their tint."""
    luma, side = _luma(pixels), len(pixels)
    n_tiles = min(grid, side)
    edges = np.linspace(0, side, n_tiles + 1).astype(int)
    tables = np.array(
        [
            [_table(luma[top:bottom, left:right], clip_limit) for left, right in zip(edges, edges[1:], strict=False)]
            for top, bottom in zip(edges, edges[1:], strict=False)
        ]
    )
    change = _between_tiles(tables, luma) - luma
    return np.clip(np.rint(pixels + change[:, :, None]), 0, 255).astype(np.uint8)


def _luma(pixels: np.ndarray) -> np.ndarray:
    """Brightness by ITU-R BT.601, uint8 (side, side)."""
    weighted = pixels.astype(np.uint32) @ np.array((299, 587, 114), np.uint32)
    return ((weighted + 500) // 1000).astype(np.uint8)


def _table(tile: np.ndarray, clip_limit: float) -> np.ndarray:
    """The new brightness for each of a tile, (256,): what levels have beyond the limit is spread over those below it."""
    limit = clip_limit * tile.size / LEVELS
    counts = np.minimum(np.bincount(tile.ravel(), minlength=LEVELS), limit)
    # each turn places all that is left, or fills a level
    while (left := tile.size - counts.sum()) > 1e-6 and (below := counts < limit).any():
        counts[below] = np.minimum(counts[below] + left / below.sum(), limit)
    return np.cumsum(counts) * (255 / tile.size)


def _between_tiles(tables: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """The new brightness, interpolated between the tables (n, n, 256) of the four nearest tiles."""
    side, n = len(luma), len(tables)
    place = np.clip((np.arange(side) + 0.5) / side * n - 0.5, 0, n - 1)
    low = place.astype(int)
    high, share = np.minimum(low + 1, n - 1), place - low
    across, down = share[None, :], share[:, None]
    upper = tables[low[:, None], low, luma] * (1 - across) + tables[low[:, None], high, luma] * across
    lower = tables[high[:, None], low, luma] * (1 - across) + tables[high[:, None], high, luma] * across
    return upper * (1 - down) + lower * down
