"""Boxes within pictures: drawn at random, and as the pixels that they cover."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

# a random box is drawn this many times before it is given up, as torchvision does
MAX_DRAWS = 10
# left, top, width and height of N boxes, and whether each fits
Boxes = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Stream(Protocol):
    """Where random numbers come from: a NumPy generator, or a `FixedStream`. The last axis of a `size` is that of the images."""

    def random(self, size: Any, /) -> Any: ...

    def uniform(self, low: Any, high: Any, size: Any, /) -> Any: ...


def draw_boxes(
    width: np.ndarray, height: np.ndarray, rng: Stream, scale: tuple[float, float], ratio: tuple[float, float]
) -> Boxes:
    """Draw a box inside each picture of the given sizes, (N,): its share of the area, its width / height, then its place.

    Where no box fits, it is the whole picture.
    """
    shape = (MAX_DRAWS, len(width))
    area = rng.uniform(*scale, shape) * width * height
    aspect = np.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1]), shape))
    # the smallest ratios give an infinite side, which does not fit
    with np.errstate(over="ignore"):
        widths, heights = np.sqrt(area * aspect), np.sqrt(area / aspect)
    fits = (widths <= width) & (heights <= height)
    first, any_fits = (fits.argmax(axis=0), np.arange(shape[1])), fits.any(axis=0)
    box_width, box_height = np.where(any_fits, widths[first], width), np.where(any_fits, heights[first], height)
    left, top = rng.random((2, shape[1])) * (width - box_width, height - box_height)
    return left, top, box_width, box_height, any_fits


def covered(boxes: np.ndarray, size: int) -> np.ndarray:
    """The pixels whose centres lie in boxes, bool (N, size, size).

    Args:
        boxes: left, top, right, bottom as shares of the side, (N, 4). size: of the pictures, px.
    """
    centres = (np.arange(size) + 0.5) / size
    left, top, right, bottom = boxes.T[:, :, None]
    columns, rows = (left < centres) & (centres < right), (top < centres) & (centres < bottom)
    return rows[:, :, None] & columns[:, None, :]
