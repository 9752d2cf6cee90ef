"""Apply the draws of a batch: resampling or flips, then normalising."""

from __future__ import annotations

import numpy as np

from monklite.data.augment import Draws


def apply(images: np.ndarray, draws: Draws) -> np.ndarray:
    """From uint8 (n, side, side, 3) to float32 (n, size, size, 3), 0 to 255."""
    pixels = images.astype(np.float32)
    if draws.matrix is not None:
        return np.stack([_resample(p, m, draws.size) for p, m in zip(pixels, draws.matrix, strict=True)])
    if draws.flip_x is not None:
        pixels[draws.flip_x] = pixels[draws.flip_x, :, ::-1]
    if draws.flip_y is not None:
        pixels[draws.flip_y] = pixels[draws.flip_y, ::-1]
    return pixels


def normalize(pixels: np.ndarray, draws: Draws) -> np.ndarray:
    return (pixels / 255 - np.array(draws.mean, np.float32)) / np.array(draws.std, np.float32)


def _resample(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Bilinear between pixels; black outside the picture."""
    side = image.shape[0]
    centres = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(centres, centres)
    source = np.einsum("ij,jhw->ihw", matrix, np.stack([x, y, np.ones_like(x)]))
    inside = (np.abs(source) <= 1).all(axis=0)
    column, row = np.clip((source + 1) / 2 * side - 0.5, 0, side - 1)
    left, top = np.minimum(np.stack([column, row]).astype(int), side - 2)
    right_share, bottom_share = (column - left)[..., None], (row - top)[..., None]
    upper = image[top, left] * (1 - right_share) + image[top, left + 1] * right_share
    lower = image[top + 1, left] * (1 - right_share) + image[top + 1, left + 1] * right_share
    return ((upper * (1 - bottom_share) + lower * bottom_share) * inside[..., None]).astype(np.float32)
