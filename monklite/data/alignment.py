"""Register small pictures on each other: which part of one is the other, and how alike they are there.

Lucas and Kanade (1981), An Iterative Image Registration Technique; scale and shift of each axis, many pairs at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# pairs at once, whose arrays stay in the processor's cache
CHUNK = 64
# px; the pictures are blurred by the first for the first steps, which so find larger shifts; details are finer than the second
COARSE_BLUR, DETAIL_BLUR = 2.0, 2.0
COARSE_STEPS, FINE_STEPS = 5, 3
# of scale from 1, and of shift, as shares of the side; a step beyond is cut
MAX_SCALE, MAX_SHIFT = 0.2, 0.12
# px at the edge that blurring and interpolation falsify
MARGIN = 2
_DAMPING, _LEAST_SLOPE = 0.01, 1e-3
# of a picture without any contrast
_LEAST_DEVIATION = 1e-3


class Registration(NamedTuple):
    """How the second picture of each pair lies in the first.

    `scales`, `shifts` float32 (n, 2), of x and y: a point of the second, from its centre, is at `scale * point + shift` in the
    first, as shares of the sides. `likeness` float32 (n,): correlation of the details that both show, -1 to 1.
    """

    scales: np.ndarray
    shifts: np.ndarray
    likeness: np.ndarray

    @property
    def edges(self) -> np.ndarray:
        """Where the edges of the second lie beyond (positive) or within (negative) those of the first: (n, 4), shares of a side.

        Left, top, right, bottom.
        """
        half = (self.scales - 1) / 2
        return np.concatenate([half - self.shifts, half + self.shifts], axis=1)


def register(first: np.ndarray, second: np.ndarray, moving: bool = True) -> Registration:
    """Register the second picture of each pair on the first, float32 (n, side, side).

    `moving=False`: compare them as they are.
    """
    parts = [_register(first[i : i + CHUNK], second[i : i + CHUNK], moving) for i in range(0, len(first), CHUNK)]
    none = Registration(np.empty((0, 2), np.float32), np.empty((0, 2), np.float32), np.empty(0, np.float32))
    return Registration(*map(np.concatenate, zip(none, *parts, strict=True)))


def _register(first: np.ndarray, second: np.ndarray, moving: bool) -> Registration:
    scales, shifts = np.ones((len(first), 2), np.float32), np.zeros((len(first), 2), np.float32)
    blur = _gaussian(first.shape[1], COARSE_BLUR)
    # half of the points are enough for what is blurred
    for stride, steps, smooth in ((2, COARSE_STEPS, True), (1, FINE_STEPS, False)) if moving else ():
        one, other = (blur @ p @ blur.T if smooth else p for p in (first, second))
        for _ in range(steps):
            _step(one, other[:, ::stride, ::stride], scales, shifts, stride)
    return Registration(scales, shifts, _likeness(first, second, scales, shifts))


def _step(moving: np.ndarray, fixed: np.ndarray, scales: np.ndarray, shifts: np.ndarray, stride: int) -> None:
    """One step of Gauss and Newton towards the least squared difference; changes `scales` and `shifts`."""
    side = moving.shape[1]
    points = _points(side)[::stride]
    x, y = (scales[:, i, None] * points + shifts[:, i, None] for i in (0, 1))
    inside = (np.abs(y) <= 0.5)[:, :, None] & (np.abs(x) <= 0.5)[:, None, :]
    # another brightness or contrast is no shift
    warped, fixed = _standardized(sampled(moving, x, y), inside), _standardized(fixed, inside)
    down, across = np.gradient(warped, stride / side, axis=(1, 2))
    slopes = np.stack([across * points, across, down * points[:, None], down], axis=1)
    slopes = (slopes * inside[:, None]).reshape(len(moving), 4, -1)
    rest = (fixed - warped).reshape(len(moving), -1, 1)
    normal = slopes @ slopes.transpose(0, 2, 1)
    # Marquardt's damping, and a little for pictures without slopes
    normal += normal * (_DAMPING * np.eye(4, dtype=np.float32)) + _LEAST_SLOPE * np.eye(4, dtype=np.float32)
    change = np.linalg.solve(normal, slopes @ rest)[:, :, 0]
    # the slopes are those of the warped picture
    change *= np.repeat(scales, 2, axis=1)
    scales[:] = np.clip(scales + change[:, 0::2], 1 - MAX_SCALE, 1 + MAX_SCALE)
    shifts[:] = np.clip(shifts + change[:, 1::2], -MAX_SHIFT, MAX_SHIFT)


def _likeness(first: np.ndarray, second: np.ndarray, scales: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    side = first.shape[1]
    points, limit = _points(side), 0.5 - MARGIN / side
    x, y = (scales[:, i, None] * points + shifts[:, i, None] for i in (0, 1))
    here = np.abs(points) <= limit
    seen = ((np.abs(y) <= limit) & here)[:, :, None] & ((np.abs(x) <= limit) & here)[:, None, :]
    blur = _gaussian(side, DETAIL_BLUR)
    details = (p - blur @ p @ blur.T for p in (sampled(first, x, y), second))
    one, other = (_standardized(p, seen) for p in details)
    return (one * other).sum((1, 2)) / np.maximum(seen.sum((1, 2)), 1)


def sampled(pictures: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The values at places, linearly interpolated, float32 (n, len(y), len(x)).

    Args:
        pictures: (n, side, side). x, y: (n, ...), from the centre, as shares of the side; beyond the edge, the edge is taken.
    """
    side = pictures.shape[1]
    return _weights(y, side) @ pictures @ _weights(x, side).transpose(0, 2, 1)


def _weights(places: np.ndarray, side: int) -> np.ndarray:
    at = np.clip((places + 0.5) * side - 0.5, 0, side - 1)[:, :, None]
    return np.maximum(0, 1 - np.abs(at - np.arange(side, dtype=np.float32)))


def _points(side: int) -> np.ndarray:
    """The centres of the pixels, from the centre of the picture, as shares of its side."""
    return ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)


def _gaussian(side: int, sigma: float) -> np.ndarray:
    """Blurs a row of `side` values, (side, side)."""
    places = np.arange(side)
    weights = np.exp(-0.5 * ((places[:, None] - places) / sigma) ** 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _standardized(pictures: np.ndarray, seen: np.ndarray | None = None) -> np.ndarray:
    """With mean 0 and deviation 1 over the seen points, and 0 elsewhere."""
    seen = np.ones(pictures.shape, bool) if seen is None else seen
    n = np.maximum(seen.sum((1, 2), keepdims=True), 1)
    centred = (pictures - (pictures * seen).sum((1, 2), keepdims=True) / n) * seen
    deviation = np.sqrt((centred**2).sum((1, 2), keepdims=True) / n)
    return (centred / (deviation + _LEAST_DEVIATION)).astype(np.float32)
