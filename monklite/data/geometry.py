"""Geometric transforms as matrices: a chain of crops, flips and rotations becomes one affine map per image.

A frame is the picture at one point of the chain: its width and height (N,), px, and `to_source` (N, 3, 3), which maps
its pixel coordinates to those of the decoded image. Pixel coordinates run from 0 to the side's length, so that the edges of
the picture are at whole numbers. Each function takes a frame and returns the next one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

# random_resized_crop draws this many boxes before it uses the whole image, as torchvision does
MAX_CROP_DRAWS = 10


class Stream(Protocol):
    """Where random numbers come from: a NumPy generator, or a `FixedStream`. The last axis of a `size` is that of the images."""

    def random(self, size: Any, /) -> Any: ...

    def uniform(self, low: Any, high: Any, size: Any, /) -> Any: ...


@dataclass(frozen=True)
class Frame:
    """N pictures: `width`, `height` (N,) and `to_source` (N, 3, 3)."""

    width: np.ndarray
    height: np.ndarray
    to_source: np.ndarray

    @classmethod
    def whole(cls, sizes: np.ndarray) -> Frame:
        """The decoded images themselves; `sizes` (N, 2) holds width and height."""
        sizes = sizes.astype(np.float64)
        return cls(sizes[:, 0], sizes[:, 1], np.broadcast_to(np.eye(3), (len(sizes), 3, 3)))

    def box(self, left: np.ndarray, top: np.ndarray, width: np.ndarray, height: np.ndarray) -> Frame:
        """The part of each picture inside a box."""
        return Frame(width, height, self.to_source @ _affine(1, 1, left, top, len(left)))

    def scaled(self, width: float | np.ndarray, height: float | np.ndarray) -> Frame:
        """The pictures resized."""
        n = len(self.width)
        widths, heights = np.broadcast_to(width, n), np.broadcast_to(height, n)
        return Frame(widths, heights, self.to_source @ _affine(self.width / widths, self.height / heights, 0, 0, n))


def resize(frame: Frame, rng: Stream, input_size: int) -> Frame:
    return frame.scaled(input_size, input_size)


def center_crop(frame: Frame, rng: Stream, input_size: int) -> Frame:
    width, height = np.minimum(frame.width, input_size), np.minimum(frame.height, input_size)
    return frame.box((frame.width - width) / 2, (frame.height - height) / 2, width, height)


def random_crop(frame: Frame, rng: Stream, input_size: int) -> Frame:
    width, height = np.minimum(frame.width, input_size), np.minimum(frame.height, input_size)
    left = rng.random(len(width)) * (frame.width - width)
    top = rng.random(len(height)) * (frame.height - height)
    return frame.box(np.floor(left), np.floor(top), width, height)


def random_resized_crop(
    frame: Frame, rng: Stream, input_size: int, scale: tuple[float, float], ratio: tuple[float, float]
) -> Frame:
    shape = (MAX_CROP_DRAWS, len(frame.width))
    area = rng.uniform(*scale, shape) * frame.width * frame.height
    aspect = np.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1]), shape))
    # the smallest ratios give an infinite side, which does not fit
    with np.errstate(over="ignore"):
        width, height = np.sqrt(area * aspect), np.sqrt(area / aspect)
    fits = (width <= frame.width) & (height <= frame.height)
    first = fits.argmax(axis=0), np.arange(shape[1])
    any_fits = fits.any(axis=0)
    width = np.where(any_fits, width[first], frame.width)
    height = np.where(any_fits, height[first], frame.height)
    left, top = rng.random((2, shape[1])) * (frame.width - width, frame.height - height)
    return frame.box(left, top, width, height).scaled(input_size, input_size)


def draw_flips(n: int, rng: Stream, probability: float) -> np.ndarray:
    """A random choice of the pictures to mirror, bool (n,)."""
    return rng.random(n) < probability


def random_horizontal_flip(frame: Frame, rng: Stream, probability: float) -> Frame:
    flip = draw_flips(len(frame.width), rng, probability)
    matrix = _affine(np.where(flip, -1, 1), 1, np.where(flip, frame.width, 0), 0, len(flip))
    return Frame(frame.width, frame.height, frame.to_source @ matrix)


def random_vertical_flip(frame: Frame, rng: Stream, probability: float) -> Frame:
    flip = draw_flips(len(frame.width), rng, probability)
    matrix = _affine(1, np.where(flip, -1, 1), 0, np.where(flip, frame.height, 0), len(flip))
    return Frame(frame.width, frame.height, frame.to_source @ matrix)


def random_rotation(frame: Frame, rng: Stream, degrees: float) -> Frame:
    angle = np.deg2rad(rng.uniform(-degrees, degrees, len(frame.width)))
    rotation = np.broadcast_to(np.eye(3), (len(angle), 3, 3)).copy()
    rotation[:, 0, 0] = rotation[:, 1, 1] = np.cos(angle)
    rotation[:, 0, 1], rotation[:, 1, 0] = -np.sin(angle), np.sin(angle)
    center = frame.width / 2, frame.height / 2
    to_center = _affine(1, 1, *center, len(angle))
    from_center = _affine(1, 1, -center[0], -center[1], len(angle))
    return Frame(frame.width, frame.height, frame.to_source @ to_center @ rotation @ from_center)


def to_unit(frame: Frame, sizes: np.ndarray) -> np.ndarray:
    """The maps from and to coordinates from -1 to 1, float32 (N, 2, 3), as resampling functions take them."""
    n = len(sizes)
    from_unit = _affine(frame.width / 2, frame.height / 2, frame.width / 2, frame.height / 2, n)
    into_unit = _affine(2 / sizes[:, 0], 2 / sizes[:, 1], -1, -1, n)
    return (into_unit @ frame.to_source @ from_unit)[:, :2].astype(np.float32)


def _affine(sx: object, sy: object, tx: object, ty: object, n: int) -> np.ndarray:
    matrix = np.zeros((n, 3, 3))
    matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, 0, 2], matrix[:, 1, 2], matrix[:, 2, 2] = sx, sy, tx, ty, 1
    return matrix
