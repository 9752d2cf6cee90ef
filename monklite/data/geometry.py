"""Geometric transforms as matrices: a chain of crops, flips and rotations becomes one affine or projective map per image.

A frame is the picture at one point of the chain: its width and height (N,), px, and `to_source` (N, 3, 3), which maps
its pixel coordinates to those of the decoded image. Pixel coordinates run from 0 to the side's length, so that the edges of
the picture are at whole numbers. Each function takes a frame and returns the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .boxes import Stream, draw_boxes


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

    def moved(self, matrix: np.ndarray) -> Frame:
        """The pictures with their pixels moved; `matrix` (N, 3, 3) maps new places to old ones, both from the centre, px."""
        center, n = (self.width / 2, self.height / 2), len(self.width)
        to_center, from_center = _affine(1, 1, *center, n), _affine(1, 1, -center[0], -center[1], n)
        return Frame(self.width, self.height, self.to_source @ to_center @ matrix @ from_center)


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
    *box, _ = draw_boxes(frame.width, frame.height, rng, scale, ratio)
    return frame.box(*box).scaled(input_size, input_size)


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


def random_rotation(frame: Frame, rng: Stream, degrees: float | Sequence[float]) -> Frame:
    """Counterclockwise, as in torchvision."""
    return frame.moved(rotation(np.deg2rad(rng.uniform(*_ends(degrees), len(frame.width)))))


def random_affine(
    frame: Frame,
    rng: Stream,
    degrees: float | Sequence[float],
    translate: tuple[float, float] | None,
    scale: tuple[float, float] | None,
    shear: float | Sequence[float] | None,
) -> Frame:
    """Clockwise, as in torchvision."""
    n = len(frame.width)
    angle = np.deg2rad(rng.uniform(*_ends(degrees), n))
    right, down = rng.uniform(-1, 1, (2, n)) * (frame.width, frame.height) * np.array(translate or (0, 0))[:, None]
    smallest, largest = scale or (1, 1)
    factor = rng.uniform(smallest, largest, n)
    # of the slant along x, then y
    ends = shear if isinstance(shear, Sequence) and len(shear) == 4 else (*_ends(shear or 0), 0, 0)
    slant_x, slant_y = (np.deg2rad(rng.uniform(ends[i], ends[i + 1], n)) for i in (0, 2))
    return affine(frame, angle, right, down, factor, slant_x, slant_y)


def affine(
    frame: Frame,
    angle: np.ndarray,
    right: np.ndarray,
    down: np.ndarray,
    factor: np.ndarray,
    slant_x: np.ndarray,
    slant_y: np.ndarray,
) -> Frame:
    """Shear along x, then y, rotate clockwise and scale about the centre, then move.

    Args: arrays (N,), angles in radians, moves in px.
    """
    n = len(angle)
    shear = _affine(1, 1, 0, 0, n)
    shear[:, 0, 1] = -np.tan(slant_x)
    shear[:, 1, 0] = -np.tan(slant_y)
    shear[:, 1, 1] = 1 + np.tan(slant_x) * np.tan(slant_y)
    inverse = np.linalg.inv(_affine(factor, factor, right, down, n) @ rotation(angle) @ shear)
    # as it is before rounding
    inverse[:, 2] = 0, 0, 1
    return frame.moved(inverse)


def random_perspective(frame: Frame, rng: Stream, distortion_scale: float, probability: float) -> Frame:
    """Each corner moves inwards by up to half of `distortion_scale` of the side, as in torchvision."""
    n = len(frame.width)
    chosen = draw_flips(n, rng, probability)
    inwards = rng.random((2, 4, n)) * (distortion_scale * chosen)
    # in a picture from -1 to 1: top left, top right, bottom right, bottom left
    x, y = np.array((-1, 1, 1, -1))[:, None] * (1 - inwards[0]), np.array((-1, -1, 1, 1))[:, None] * (1 - inwards[1])
    half = _affine(frame.width / 2, frame.height / 2, 0, 0, n)
    into_half = _affine(2 / frame.width, 2 / frame.height, 0, 0, n)
    matrix = np.where(chosen[:, None, None], half @ from_corners(x, y) @ into_half, np.eye(3))
    return frame.moved(matrix)


def from_corners(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The projective maps (N, 3, 3) of four corners, (4, N) each, to those of the square from -1 to 1 (Heckbert 1989)."""
    dx1, dx2, dx3 = x[1] - x[2], x[3] - x[2], x[0] - x[1] + x[2] - x[3]
    dy1, dy2, dy3 = y[1] - y[2], y[3] - y[2], y[0] - y[1] + y[2] - y[3]
    # everything times the determinant, so that nothing is divided
    det, g, h = dx1 * dy2 - dx2 * dy1, dx3 * dy2 - dx2 * dy3, dx1 * dy3 - dx3 * dy1
    rows = [((c[1] - c[0]) * det + g * c[1], (c[3] - c[0]) * det + h * c[3], c[0] * det) for c in (x, y)]
    from_unit = np.moveaxis(np.array([*rows, (g, h, det)]), 2, 0)
    first, second, third = np.moveaxis(from_unit, 2, 0)
    # the inverse, up to a factor
    to_unit = np.stack([np.cross(second, third), np.cross(third, first), np.cross(first, second)], axis=1)
    to_unit = to_unit * np.sign(det * np.linalg.det(from_unit))[:, None, None]
    square = _affine(2, 2, -1, -1, len(det)) @ to_unit
    return square / np.abs(square).max(axis=(1, 2), keepdims=True)


def rotation(angle: np.ndarray) -> np.ndarray:
    """Matrices (N, 3, 3) that turn points by angles in radians, clockwise as seen, because y points down."""
    matrix = np.broadcast_to(np.eye(3), (len(angle), 3, 3)).copy()
    matrix[:, 0, 0] = matrix[:, 1, 1] = np.cos(angle)
    matrix[:, 0, 1], matrix[:, 1, 0] = -np.sin(angle), np.sin(angle)
    return matrix


def _ends(degrees: float | Sequence[float]) -> tuple[float, float]:
    """The ends of a range of angles, given as such or as the largest one either way."""
    return (degrees[0], degrees[1]) if isinstance(degrees, Sequence) else (-degrees, degrees)


def to_unit(frame: Frame, sizes: np.ndarray) -> np.ndarray:
    """The maps from and to coordinates from -1 to 1, float32 (N, 2, 3), as resampling functions take them; if one is
    projective, (N, 3, 3)."""
    n = len(sizes)
    from_unit = _affine(frame.width / 2, frame.height / 2, frame.width / 2, frame.height / 2, n)
    into_unit = _affine(2 / sizes[:, 0], 2 / sizes[:, 1], -1, -1, n)
    matrix = into_unit @ frame.to_source @ from_unit
    is_affine = (frame.to_source[:, 2] == (0, 0, 1)).all()
    return (matrix[:, :2] if is_affine else matrix).astype(np.float32)


def _affine(sx: object, sy: object, tx: object, ty: object, n: int) -> np.ndarray:
    matrix = np.zeros((n, 3, 3))
    matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, 0, 2], matrix[:, 1, 2], matrix[:, 2, 2] = sx, sy, tx, ty, 1
    return matrix
