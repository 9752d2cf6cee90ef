"""A policy: how decoded images are placed in memory, and the random draws of each batch.

The draws are made here, from one NumPy generator; applying them is the backend's work, on the training device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..catalog.rows import load
from ..catalog.transforms import TRANSFORMS
from ..spec import Choice
from . import geometry

FLIPS = ("random_horizontal_flip", "random_vertical_flip")
PREFIX = ("resize", "center_crop")


@dataclass(frozen=True)
class Draws:
    """What is done to each image of a batch, in this order.

    `flip_x`, `flip_y`: bool (N,), whether it is mirrored left-right, top-bottom; None: no image is.
    `matrix`: float32 (N, 2, 3), from output to input coordinates, each -1 to 1 (edges of the picture); None: no
    resampling. A matrix holds the flips too. `size`: side of the square that comes out, px. `mean`, `std`: of red,
    green and blue as values 0 to 1, for normalising.
    """

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip_x: np.ndarray | None = None
    flip_y: np.ndarray | None = None
    matrix: np.ndarray | None = None

    def take(self, rows: np.ndarray | slice) -> Draws:
        """The draws of some of the images."""
        arrays = {name: getattr(self, name) for name in ("flip_x", "flip_y", "matrix")}
        return replace(self, **{name: a[rows] for name, a in arrays.items() if a is not None})


@dataclass(frozen=True)
class Policy:
    """The transforms of one subset, sorted by where they are done.

    `prefix` is done once when a file is decoded, into squares of `stored_size`; `steps` for each batch;
    the result has `input_size` and is normalised with `mean` and `std`.
    """

    prefix: tuple[Choice, ...]
    steps: tuple[Choice, ...]
    stored_size: int
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def decoding(self) -> str:
        """What decides the decoded pixels, as text: part of the cache's key."""
        return f"{self.stored_size}:{';'.join(map(str, self.prefix))}"

    def draw(self, sizes: np.ndarray, rng: np.random.Generator) -> Draws:
        """The draws for images of the given sizes, (N, 2) width and height px."""
        if self.stored_size == self.input_size and all(s.name in FLIPS for s in self.steps):
            return self._draw_flips(len(sizes), rng)
        frame = geometry.Frame.whole(sizes)
        for step in self.steps:
            frame = load(str(TRANSFORMS[step.name].pytorch))(frame, rng, **step.params)
        return Draws(self.input_size, self.mean, self.std, matrix=geometry.to_unit(frame, sizes))

    def _draw_flips(self, n: int, rng: np.random.Generator) -> Draws:
        flips: dict[str, np.ndarray | None] = dict.fromkeys(FLIPS)
        for step in self.steps:
            flip = rng.random(n) < step.params["probability"]
            before = flips[step.name]
            flips[step.name] = flip if before is None else before ^ flip
        return Draws(self.input_size, self.mean, self.std, flip_x=flips[FLIPS[0]], flip_y=flips[FLIPS[1]])


def policy(transforms: Sequence[Choice], input_size: int, stored_size: int | None = None) -> Policy:
    """Sort a chain of transforms into what is done at decoding and what for each batch.

    The stored size is the input size where no pixel is enlarged afterwards, else `stored_size`; None is twice the input
    size (four times where a fixed number of pixels is cropped from an image of unknown size), so that a crop of a quarter
    of the image loses nothing.
    """
    steps = [t for t in transforms if TRANSFORMS[t.name].cells["kind"] == "geometry"]
    prefix: list[Choice] = []
    while steps and steps[0].name in PREFIX:
        prefix.append(steps.pop(0))
    scales = [t for t in transforms if TRANSFORMS[t.name].cells["kind"] == "scale"]
    mean, std = (scales[-1].params["mean"], scales[-1].params["std"]) if scales else ((0.0,) * 3, (1.0,) * 3)
    stored = _stored_size(prefix, steps, input_size, stored_size)
    return Policy(tuple(prefix), tuple(steps), stored, input_size, mean, std)


def _stored_size(prefix: Sequence[Choice], steps: Sequence[Choice], input_size: int, asked: int | None) -> int:
    if all(s.name in FLIPS for s in steps):
        return input_size
    if prefix:
        return int(prefix[-1].params["input_size"])
    return asked or input_size * (4 if any(s.name == "random_crop" for s in steps) else 2)
