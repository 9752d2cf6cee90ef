"""Apply the draws of a batch: resampling or flips, colours, mixing, then normalising."""

from __future__ import annotations

import colorsys

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from monklite.data.augment import Draws
from monklite.data.colours import ColourStep


def apply(images: np.ndarray, draws: Draws) -> np.ndarray:
    """From uint8 (n, side, side, 3) to float32 (n, size, size, 3), 0 to 255."""
    pixels = _moved(images, draws)
    for step in draws.colours:
        pixels = _coloured(pixels, step, draws)
    if draws.mixed is None:
        return pixels
    others, share = pixels[draws.mixed.partners], draws.mixed.share
    if draws.mixed.box is None:
        return share * pixels + (1 - share) * others
    return np.where(draws.mixed.pixels(draws.size)[..., None], others, pixels)


def _moved(images: np.ndarray, draws: Draws) -> np.ndarray:
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
    if len(source) == 3:
        source = source[:2] / np.maximum(source[2], 1e-6)
    inside = (np.abs(source) <= 1).all(axis=0)
    column, row = np.clip((source + 1) / 2 * side - 0.5, 0, side - 1)
    left, top = np.minimum(np.stack([column, row]).astype(int), side - 2)
    right_share, bottom_share = (column - left)[..., None], (row - top)[..., None]
    upper = image[top, left] * (1 - right_share) + image[top, left + 1] * right_share
    lower = image[top + 1, left] * (1 - right_share) + image[top + 1, left + 1] * right_share
    return ((upper * (1 - bottom_share) + lower * bottom_share) * inside[..., None]).astype(np.float32)


def _coloured(pixels: np.ndarray, step: ColourStep, draws: Draws) -> np.ndarray:
    """The formulas, written out for one image after the other."""
    pixels = pixels.copy()
    for row, values in zip(step.rows, step.take(step.rows).array(draws.size), strict=True):
        pixels[row] = _one(pixels[row], values, step.kind, draws)
    return pixels


def _one(pixels: np.ndarray, values: np.ndarray, kind: str, draws: Draws) -> np.ndarray:
    if kind == "affine":
        mean = pixels.mean(axis=(0, 1))
        return np.clip(pixels @ values[:, :3].T + values[:, 3:6] @ mean + values[:, 6], 0, 255)
    if kind == "curve":
        return values[np.rint(pixels / 255 * (len(values) - 1)).astype(int)]
    if kind == "sharpness":
        return np.asarray(ImageEnhance.Sharpness(_image(pixels)).enhance(float(values)))
    if kind == "equalize":
        return np.asarray(ImageOps.equalize(_image(pixels)))
    if kind == "blur":
        return np.einsum("yr,xc,rck->yxk", values, values, pixels)
    if kind == "erase":
        return np.where(values[..., None], np.array(draws.mean) * 255, pixels)
    if kind == "autocontrast":
        low, high = pixels.min(axis=(0, 1)), pixels.max(axis=(0, 1))
        return np.where(high > low, (pixels - low) * 255 / np.maximum(high - low, 1e-6), pixels)
    return _turned(pixels, values)


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(np.rint(pixels).astype(np.uint8))


def _turned(pixels: np.ndarray, turns: float) -> np.ndarray:
    """Turn the hue of each colour of the HSV cone."""
    rows = [colorsys.rgb_to_hsv(*pixel) for pixel in pixels.reshape(-1, 3) / 255]
    turned = [colorsys.hsv_to_rgb((hue + turns) % 1, saturation, value) for hue, saturation, value in rows]
    return np.array(turned).reshape(pixels.shape) * 255
