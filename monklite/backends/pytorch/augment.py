"""Apply the draws of a batch on the device: resampling or flips, then normalization."""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its usual alias)

from ...data.augment import Draws


def to_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy an array to the device; to a GPU asynchronously, which needs pinned memory."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


@functools.lru_cache(maxsize=64)
def _channels(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    # cached, because creating it waits for the device
    return torch.tensor(values, device=device).view(1, 3, 1, 1) * 255


def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Transform uint8 (n, side, side, 3) to float32 (n, 3, size, size), 0 to 255, in channels-last memory."""
    # images are stored as height, width, channel, so this view is channels-last already
    pixels = images.permute(0, 3, 1, 2)
    if draws.matrix is not None:
        matrix = to_device(draws.matrix, images.device)
        grid = F.affine_grid(matrix, [len(images), 3, draws.size, draws.size], align_corners=False)
        # black outside the image, without darkening its edge pixels
        inside = (grid.abs() <= 1).all(dim=3).unsqueeze(1)
        return F.grid_sample(pixels.float(), grid, padding_mode="border", align_corners=False) * inside
    for flips, axis in ((draws.flip_x, 3), (draws.flip_y, 2)):
        if flips is not None and flips.any():
            mask = to_device(flips, images.device).view(-1, 1, 1, 1)
            pixels = torch.where(mask, pixels.flip(axis), pixels)
    return pixels.float()


def normalize(pixels: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Subtract the mean and divide by the standard deviation of each channel."""
    mean, std = (_channels(v, pixels.device) for v in (draws.mean, draws.std))
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)
