"""The steps of `data/colours.py` on the device: pixels float32 (n, 3, size, size), 0 to 255, to the same.

Each channel is a plane of its own in memory, on which all of them are several times as fast as in channels-last memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import torch
from torch.nn import functional

from ...data import curves
from ...data.augment import Draws


@functools.lru_cache(maxsize=64)
def channels(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    """A value per channel, 0 to 1, as (1, 3, 1, 1), 0 to 255."""
    # cached, because creating it waits for the device
    return torch.tensor(values, device=device).view(1, 3, 1, 1) * 255


def _affine(pixels: torch.Tensor, values: torch.Tensor, draws: Draws) -> torch.Tensor:
    points = pixels.reshape(*pixels.shape[:2], -1)
    constant = torch.baddbmm(values[:, :, 6:], values[:, :, 3:6], points.mean(2, keepdim=True))
    changed = torch.baddbmm(constant, values[:, :, :3], points)
    return changed.clamp_(0, 255).view(pixels.shape)


def _hue(pixels: torch.Tensor, turns: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Turn the hue of the HSV colours, whose value and saturation stay."""
    red, green, blue = pixels.unbind(1)
    value, low = torch.maximum(torch.maximum(red, green), blue), torch.minimum(torch.minimum(red, green), blue)
    chroma = value - low
    # by which colour is the strongest: what the two others differ by, and the sector of the circle
    is_red, is_green = value == red, value == green
    differences = torch.where(is_red, green - blue, torch.where(is_green, blue - red, red - green))
    sector = torch.where(is_red, 0.0, torch.where(is_green, 2.0, 4.0)).add_(6 * turns.view(-1, 1, 1))
    sector = sector.add_(differences.div_(chroma.clamp(min=1e-6))).remainder_(6)
    # each channel is a trapezoid over the circle: red is low about 3, green and blue are high about 2 and 4
    below, above = low - chroma, value + chroma
    turned = torch.empty_like(pixels)
    for i, (start, sign, centre) in enumerate(((below, 1, 3), (above, -1, 2), (above, -1, 4))):
        height = (sector - centre).abs_().clamp_(1, 2).mul_(chroma)
        torch.add(start, height, alpha=sign, out=turned[:, i])
    return turned


def _curve(pixels: torch.Tensor, tables: torch.Tensor, draws: Draws) -> torch.Tensor:
    return _looked_up(_places(pixels), tables.unsqueeze(1))


def _places(pixels: torch.Tensor) -> torch.Tensor:
    """Where a table of `curves` has the values, int32."""
    return pixels.mul(curves.PER_LEVEL).add_(0.5).to(torch.int32)


def _looked_up(places: torch.Tensor, tables: torch.Tensor) -> torch.Tensor:
    """The values at some places of tables (n, 1 or 3, length), which are of an image or of each of its channels."""
    n, n_channels, length = tables.shape
    lines = torch.arange(n * n_channels, dtype=torch.int32, device=tables.device) * length
    index = places + lines.view(n, n_channels, 1, 1)
    return tables.reshape(-1).index_select(0, index.reshape(-1)).view(index.shape)


def _autocontrast(pixels: torch.Tensor, chosen: torch.Tensor, draws: Draws) -> torch.Tensor:
    low, high = pixels.amin((2, 3), keepdim=True), pixels.amax((2, 3), keepdim=True)
    factor = 255 / (high - low).clamp(min=1e-6)
    is_flat = high == low
    return torch.addcmul(torch.where(is_flat, 0, -low * factor), pixels, torch.where(is_flat, 1, factor))


def _equalize(pixels: torch.Tensor, chosen: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Values become equally frequent, as Pillow does it: the share of pixels that are darker, of all but the lightest ones."""
    n, n_channels, *_ = pixels.shape
    places = _places(pixels)
    levels = (places + curves.PER_LEVEL // 2) // curves.PER_LEVEL
    lines = torch.arange(n * n_channels, device=pixels.device).view(n, n_channels, 1, 1) * 256
    index = (levels + lines).reshape(-1)
    counts = torch.zeros(n * n_channels * 256, dtype=torch.int64, device=pixels.device)
    counts = counts.scatter_add_(0, index, torch.ones_like(index)).view(n, n_channels, 256)
    darker = counts.cumsum(2) - counts
    # pixels per level of the result
    share = (darker * (counts > 0)).amax(2, keepdim=True) // 255
    tables = ((darker + share // 2) // share.clamp(min=1)).clamp(max=255)
    tables = torch.where(share > 0, tables, torch.arange(256, device=pixels.device)).float()
    return _looked_up(places, _between_levels(tables))


def _between_levels(tables: torch.Tensor) -> torch.Tensor:
    """Tables of `curves` with straight lines between the values of the levels, (n, 3, 256)."""
    shares = torch.arange(curves.PER_LEVEL, device=tables.device) / curves.PER_LEVEL
    lines = tables[..., :-1, None] + (tables[..., 1:] - tables[..., :-1]).unsqueeze(3) * shares
    return torch.cat([lines.flatten(2), tables[..., -1:]], dim=2)


def _sharpness(pixels: torch.Tensor, factors: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Away from the picture smoothed by a kernel of 1, in its middle 5; pixels at the edge stay."""
    if draws.size < 3:
        return pixels
    inner = pixels[:, :, 1:-1, 1:-1]
    smoothed = functional.avg_pool2d(pixels, 3, 1)
    inner += (smoothed - inner) * ((1 - factors) * (9 / 13)).view(-1, 1, 1, 1)
    return pixels.clamp_(0, 255)


def _blur(pixels: torch.Tensor, matrices: torch.Tensor, draws: Draws) -> torch.Tensor:
    # along the rows, then along the columns
    for _ in range(2):
        n, channels, height, width = pixels.shape
        blurred = pixels.reshape(n, channels * height, width) @ matrices.transpose(1, 2)
        pixels = blurred.view(n, channels, height, width).transpose(2, 3)
    return pixels


def _erase(pixels: torch.Tensor, erased: torch.Tensor, draws: Draws) -> torch.Tensor:
    return torch.where(erased.unsqueeze(1), channels(draws.mean, pixels.device), pixels)


COLOURS: Mapping[str, Callable[[torch.Tensor, torch.Tensor, Draws], torch.Tensor]] = {
    "affine": _affine,
    "hue": _hue,
    "curve": _curve,
    "autocontrast": _autocontrast,
    "equalize": _equalize,
    "sharpness": _sharpness,
    "blur": _blur,
    "erase": _erase,
}
