"""Apply the draws of a batch on the device: resampling or flips, then normalising."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 (the field's name for it)

from ...data.augment import Draws


def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """From uint8 (n, side, side, 3) to float32 (n, 3, size, size), 0 to 255, in channels-last memory."""
    pixels = images.permute(0, 3, 1, 2)  # of height, width, channel in memory: this is channels-last already
    if draws.matrix is not None:
        matrix = torch.from_numpy(draws.matrix).to(images.device)
        grid = F.affine_grid(matrix, [len(images), 3, draws.size, draws.size], align_corners=False)
        inside = (grid.abs() <= 1).all(dim=3).unsqueeze(1)  # black beyond the picture, its edge not darkened by that
        return F.grid_sample(pixels.float(), grid, padding_mode="border", align_corners=False) * inside
    for flips, axis in ((draws.flip_x, 3), (draws.flip_y, 2)):
        if flips is not None and flips.any():
            mask = torch.from_numpy(flips).to(images.device).view(-1, 1, 1, 1)
            pixels = torch.where(mask, pixels.flip(axis), pixels)
    return pixels.float()


def normalize(pixels: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Subtract the mean and divide by the standard deviation of each channel."""
    mean, std = (torch.tensor(v, device=pixels.device).view(1, 3, 1, 1) * 255 for v in (draws.mean, draws.std))
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)
