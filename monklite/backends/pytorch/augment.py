"""Apply the draws of a batch on the device: resampling or flips, then normalising."""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)

from ...data.augment import Draws


def moved(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """An array on the device; a GPU goes on computing meanwhile, which it does only with pages that stay in place."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


@functools.lru_cache(maxsize=64)
def _channels(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    return torch.tensor(values, device=device).view(1, 3, 1, 1) * 255  # once: making it waits for the device


def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """From uint8 (n, side, side, 3) to float32 (n, 3, size, size), 0 to 255, in channels-last memory."""
    pixels = images.permute(0, 3, 1, 2)  # of height, width, channel in memory: this is channels-last already
    if draws.matrix is not None:
        matrix = moved(draws.matrix, images.device)
        grid = F.affine_grid(matrix, [len(images), 3, draws.size, draws.size], align_corners=False)
        inside = (grid.abs() <= 1).all(dim=3).unsqueeze(1)  # black beyond the picture, its edge not darkened by that
        return F.grid_sample(pixels.float(), grid, padding_mode="border", align_corners=False) * inside
    for flips, axis in ((draws.flip_x, 3), (draws.flip_y, 2)):
        if flips is not None and flips.any():
            mask = moved(flips, images.device).view(-1, 1, 1, 1)
            pixels = torch.where(mask, pixels.flip(axis), pixels)
    return pixels.float()


def normalize(pixels: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Subtract the mean and divide by the standard deviation of each channel."""
    mean, std = (_channels(v, pixels.device) for v in (draws.mean, draws.std))
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)
