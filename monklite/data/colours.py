"""Photometric transforms: random changes of the colours of pictures that stay in their place.

Each function takes the changes so far and returns them with its own after them. Changes that are affine in red, green and blue
are composed into one matrix per image, and curves of values into one table. Values are 0 to 255; they are cut to this range after
each step, not within it. A step costs nothing for images that it leaves as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from . import blurring, curves
from .boxes import Stream, covered, draw_boxes

Kind = Literal["affine", "hue", "curve", "autocontrast", "equalize", "sharpness", "blur", "erase"]
# share of red, green and blue in the brightness that is seen (ITU-R BT.601)
LUMA = np.array((0.299, 0.587, 0.114))
# eigenvectors (columns) and eigenvalues of the colours of ImageNet, 0 to 255; Krizhevsky et al. 2012, figures of MXNet and others
EIGENVECTORS = np.array([(-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203)])
EIGENVALUES = np.array((55.46, 4.794, 1.148))
# the value of an image that a step leaves as it is
NEUTRAL: Mapping[Kind, float | np.ndarray] = {
    "affine": np.eye(3, 7),
    "hue": 0.0,
    "curve": curves.VALUES,
    "autocontrast": 0.0,
    "equalize": 0.0,
    "sharpness": 1.0,
    "blur": 0.0,
    "erase": 0.0,
}


@dataclass(frozen=True)
class ColourStep:
    """One step of changing colours. `values`: of each image, (N, ...), by `kind`.

    affine: (N, 3, 7), coefficients of a pixel's red, green, blue; of the picture's mean red, green, blue; and a constant. hue:
    turns of the hue, -0.5 to 0.5. curve: tables, see `curves`. autocontrast, equalize: 1 where each channel is stretched to 0 to
    255, or where its values are made equally frequent; else 0. sharpness: the factor of the distance from the smoothed picture.
    blur: standard deviation as a share of the side. erase: box as left, top, right, bottom, shares of the side.
    """

    kind: Kind
    values: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """The images that the step changes, int64; a backend has to apply it to no others."""
        changed = self.values != NEUTRAL[self.kind]
        return np.flatnonzero(changed.reshape(len(changed), -1).any(axis=1))

    def take(self, rows: np.ndarray | slice) -> ColourStep:
        """The step for some of the images."""
        return replace(self, values=self.values[rows])

    def array(self, size: int) -> np.ndarray:
        """The values as a backend needs them for pictures of `size` px: a blur as matrices, a box as its pixels."""
        if self.kind == "blur":
            return blurring.matrices(self.values * size, size)
        return covered(self.values, size) if self.kind == "erase" else self.values.astype(np.float32)


@dataclass(frozen=True)
class Colours:
    """The changes of the colours of `n` pictures of `side` px."""

    n: int
    side: int
    steps: tuple[ColourStep, ...] = ()

    def then(self, kind: Kind, values: np.ndarray) -> Colours:
        return replace(self, steps=(*self.steps, ColourStep(kind, values)))

    def then_affine(self, own: np.ndarray | float, mean: np.ndarray | float = 0.0, constant: object = 0.0) -> Colours:
        """Add `own` (N, 3, 3) times the pixel, `mean` (N, 3, 3) times the mean pixel, and `constant` (N, 3)."""
        after = np.zeros((self.n, 3, 7))
        after[:, :, :3], after[:, :, 3:6], after[:, :, 6] = own, mean, constant
        return self._merged("affine", after, _composed)

    def then_curve(self, tables: np.ndarray) -> Colours:
        """Replace each value by that of its image's table, see `curves`."""
        return self._merged("curve", tables, curves.composed)

    def _merged(
        self, kind: Kind, values: np.ndarray, composed: Callable[[np.ndarray, np.ndarray], np.ndarray]
    ) -> Colours:
        """Append a step, or compose it with the last one if that is of its kind."""
        if not self.steps or self.steps[-1].kind != kind:
            return self.then(kind, values)
        last = ColourStep(kind, composed(self.steps[-1].values, values))
        return replace(self, steps=(*self.steps[:-1], last))

    def brightness(self, factor: np.ndarray) -> Colours:
        """Multiply by a factor, (N,)."""
        return self.then_affine(_diagonal(factor))

    def contrast(self, factor: np.ndarray) -> Colours:
        """Multiply the distance from the picture's mean grey by a factor, (N,)."""
        return self.then_affine(_diagonal(factor), (1 - factor)[:, None, None] * LUMA)

    def saturation(self, factor: np.ndarray) -> Colours:
        """Multiply the distance from the pixel's grey by a factor, (N,)."""
        return self.then_affine(_diagonal(factor) + (1 - factor)[:, None, None] * LUMA)


def _diagonal(factor: np.ndarray) -> np.ndarray:
    return factor[:, None, None] * np.eye(3)


def _composed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The affine change that does two of them after each other; the mean of the second is that of the changed picture."""
    own, mean, constant = before[:, :, :3], before[:, :, 3:6], before[:, :, 6:]
    composed = after[:, :, :3] @ before
    composed[:, :, 3:6] += after[:, :, 3:6] @ (own + mean)
    composed[:, :, 6:] += after[:, :, 3:6] @ constant + after[:, :, 6:]
    return composed


def _within(value: float | Sequence[float], centre: float, n: int, rng: Stream) -> np.ndarray:
    """Numbers of a range, (n,): given as its two ends, or as the distance of both from the centre."""
    low, high = value if isinstance(value, Sequence) else (centre - value, centre + value)
    return rng.uniform(max(low, 0.0) if centre else low, high, n)


def color_jitter(
    colours: Colours,
    rng: Stream,
    brightness: float | Sequence[float],
    contrast: float | Sequence[float],
    saturation: float | Sequence[float],
    hue: float | Sequence[float],
) -> Colours:
    factors = [_within(value, 1.0, colours.n, rng) for value in (brightness, contrast, saturation)]
    changed = colours.brightness(factors[0]).contrast(factors[1]).saturation(factors[2])
    turns = _within(hue, 0.0, colours.n, rng)
    return changed.then("hue", turns) if turns.any() else changed


def random_lighting(colours: Colours, rng: Stream, alpha: float) -> Colours:
    # normal numbers from uniform ones, which every stream has (Box and Muller 1958)
    first, second = 1 - rng.random((3, colours.n)), rng.random((3, colours.n))
    weights = alpha * np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)
    # no product of matrices, whose last bits may depend on the number of images
    noise = (weights.T[:, None, :] * (EIGENVECTORS * EIGENVALUES)).sum(axis=2)
    return colours.then_affine(np.eye(3), constant=noise)


def random_gamma(colours: Colours, rng: Stream, gamma: tuple[float, float]) -> Colours:
    exponents = np.exp(rng.uniform(math.log(gamma[0]), math.log(gamma[1]), colours.n))
    return colours.then_curve(curves.gamma(exponents))


def random_autocontrast(colours: Colours, rng: Stream, probability: float) -> Colours:
    return colours.then("autocontrast", (rng.random(colours.n) < probability).astype(float))


def random_blur(colours: Colours, rng: Stream, sigma: tuple[float, float], probability: float) -> Colours:
    chosen, drawn = rng.random(colours.n) < probability, rng.uniform(*sigma, colours.n)
    return colours.then("blur", np.where(chosen, drawn, 0.0) / colours.side)


def random_erasing(
    colours: Colours, rng: Stream, probability: float, scale: tuple[float, float], ratio: tuple[float, float]
) -> Colours:
    chosen, side = rng.random(colours.n) < probability, np.ones(colours.n)
    # torchvision's ratio is height / width, so both are swapped
    top, left, height, width, fits = draw_boxes(side, side, rng, scale, ratio)
    boxes = np.stack([left, top, left + width, top + height], axis=1)
    return colours.then("erase", np.where((chosen & fits)[:, None], boxes, 0.0))
