"""Apply the draws of a batch on the device: resampling or flips, colours, mixing, then normalization."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its usual alias)

from ...data.augment import Draws
from ...data.colours import ColourStep
from ...data.mixing import Mixed
from .colours import COLOURS, channels

# of the denominator of a projective map; what lies behind the horizon is far outside the picture
MIN_DEPTH = 1e-6


def to_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copy an array to the device; to a GPU asynchronously, which needs pinned memory."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def apply(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Transform uint8 (n, side, side, 3) to float32 (n, 3, size, size), 0 to 255."""
    pixels = _moved(images, draws)
    if draws.colours:
        # from the channels-last memory of images, which `normalize` returns to
        pixels = pixels.contiguous()
    for step in draws.colours:
        pixels = _coloured(pixels, step, draws)
    return pixels if draws.mixed is None else _mixed(pixels, draws.mixed, draws.size)


def _moved(images: torch.Tensor, draws: Draws) -> torch.Tensor:
    # images are stored as height, width, channel, so this view is channels-last already
    pixels = images.permute(0, 3, 1, 2)
    if draws.matrix is not None:
        grid = _grid(to_device(draws.matrix, images.device), draws.size)
        # black outside the image, without darkening its edge pixels
        inside = (grid.abs() <= 1).all(dim=3).unsqueeze(1)
        return F.grid_sample(pixels.float(), grid, padding_mode="border", align_corners=False) * inside
    for flips, axis in ((draws.flip_x, 3), (draws.flip_y, 2)):
        if flips is not None and flips.any():
            mask = to_device(flips, images.device).view(-1, 1, 1, 1)
            pixels = torch.where(mask, pixels.flip(axis), pixels)
    return pixels.float()


def _grid(matrix: torch.Tensor, size: int) -> torch.Tensor:
    """The places from which pixels are taken, (n, size, size, 2), -1 to 1."""
    if matrix.shape[1] == 2:
        return F.affine_grid(matrix, [len(matrix), 3, size, size], align_corners=False)
    centres = (2 * torch.arange(size, device=matrix.device) + 1) / size - 1
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], dim=2).view(1, -1, 3) @ matrix.transpose(1, 2)
    return (points[..., :2] / points[..., 2:].clamp(min=MIN_DEPTH)).view(len(matrix), size, size, 2)


def _coloured(pixels: torch.Tensor, step: ColourStep, draws: Draws) -> torch.Tensor:
    change, rows = COLOURS[step.kind], step.rows
    values = to_device(step.take(rows).array(draws.size), pixels.device)
    if len(rows) == len(pixels):
        return change(pixels, values, draws)
    if len(rows):
        places = to_device(rows, pixels.device)
        pixels[places] = change(pixels[places], values, draws)
    return pixels


def _mixed(pixels: torch.Tensor, mixed: Mixed, size: int) -> torch.Tensor:
    others = pixels[to_device(mixed.partners, pixels.device)]
    if mixed.box is None:
        return mixed.share * pixels + (1 - mixed.share) * others
    return torch.where(to_device(mixed.pixels(size), pixels.device).unsqueeze(1), others, pixels)


def normalize(pixels: torch.Tensor, draws: Draws) -> torch.Tensor:
    """Subtract the mean and divide by the standard deviation of each channel."""
    mean, std = (channels(v, pixels.device) for v in (draws.mean, draws.std))
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)
