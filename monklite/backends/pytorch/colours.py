"""The steps of `data/colours.py` on the device: pixels float32 (n, 3, size, size), 0 to 255, to the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import torch

from ...data.augment import Draws


@functools.lru_cache(maxsize=64)
def channels(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    """A value per channel, 0 to 1, as (1, 3, 1, 1), 0 to 255."""
    # cached, because creating it waits for the device
    return torch.tensor(values, device=device).view(1, 3, 1, 1) * 255


def _affine(pixels: torch.Tensor, values: torch.Tensor, draws: Draws) -> torch.Tensor:
    # as (n, pixels, 3), which is how channels-last memory has them
    n, channels, height, width = pixels.shape
    points = pixels.permute(0, 2, 3, 1).reshape(n, -1, channels)
    constant = torch.baddbmm(values[:, :, 6:], values[:, :, 3:6], points.mean(1).unsqueeze(2))
    changed = torch.baddbmm(constant.transpose(1, 2), points, values[:, :, :3].transpose(1, 2))
    return changed.clamp_(0, 255).view(n, height, width, channels).permute(0, 3, 1, 2)


def _hue(pixels: torch.Tensor, turns: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Turn the hue of the HSV colours, whose value and saturation stay."""
    red, green, blue = pixels.unbind(1)
    value = pixels.amax(1)
    chroma = value - pixels.amin(1)
    divisor = chroma.clamp(min=1e-6)
    sector = torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor)
    sector = torch.where(value == red, (green - blue) / divisor, sector) + 6 * turns.view(-1, 1, 1)
    changed = []
    for offset in (5, 3, 1):
        place = torch.remainder(sector + offset, 6)
        changed.append(value - chroma * torch.minimum(place, 4 - place).clamp(0, 1))
    return torch.stack(changed, dim=1)


def _gamma(pixels: torch.Tensor, exponents: torch.Tensor, draws: Draws) -> torch.Tensor:
    return (pixels / 255) ** exponents.view(-1, 1, 1, 1) * 255


def _autocontrast(pixels: torch.Tensor, chosen: torch.Tensor, draws: Draws) -> torch.Tensor:
    low, high = pixels.amin((2, 3), keepdim=True), pixels.amax((2, 3), keepdim=True)
    stretched = (pixels - low) * (255 / (high - low).clamp(min=1e-6))
    return torch.where((high > low) & (chosen.view(-1, 1, 1, 1) > 0), stretched, pixels)


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
    "gamma": _gamma,
    "autocontrast": _autocontrast,
    "blur": _blur,
    "erase": _erase,
}
