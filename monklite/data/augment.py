"""Augmentation policies: the transforms of a subset, and the random draws of each batch.

The draws are made here, from one NumPy generator; the backend applies them, on the training device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..catalog.backends import load
from ..catalog.transforms import TRANSFORMS, TransformRow
from ..errors import InvalidValue, find
from ..rules import AUTO
from ..spec import Choice
from . import geometry


@dataclass(frozen=True)
class Draws:
    """The transforms of each image of a batch, applied in this order.

    `flip_x`, `flip_y`: bool (N,), whether it is mirrored left-right, top-bottom; None: no image is.
    `matrix`: float32 (N, 2, 3), from output to input coordinates, each -1 to 1 (edges of the picture); None: no
    resampling. A matrix holds the flips too. `size`: side of the resulting square, px. `mean`, `std`: of red,
    green and blue as values 0 to 1, for normalising.
    """

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip_x: np.ndarray | None = None
    flip_y: np.ndarray | None = None
    matrix: np.ndarray | None = None

    def faces(self) -> np.ndarray | None:
        """The face of each image that is shown: 1 if it is mirrored left-right, plus 2 if top-bottom; int64 (N,).

        None if images are resampled, so that each draw may show another picture; without flips all are 0, in one element.
        """
        if self.matrix is not None:
            return None
        flips = [np.zeros(1, bool) if flip is None else flip for flip in (self.flip_x, self.flip_y)]
        return flips[0].astype(np.int64) + 2 * flips[1].astype(np.int64)

    def take(self, rows: np.ndarray | slice) -> Draws:
        """The draws of some of the images."""
        arrays = {name: getattr(self, name) for name in ("flip_x", "flip_y", "matrix")}
        return replace(self, **{name: a[rows] for name, a in arrays.items() if a is not None})


@dataclass(frozen=True)
class Policy:
    """The transforms of one subset, sorted by when they are done.

    `prefix` is done once when a file is decoded, into squares of `stored_size`; `steps` are done for each batch;
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
        """The settings that determine the decoded pixels, as text: part of the cache's key."""
        return f"{self.stored_size}:{';'.join(map(str, self.prefix))}"

    @property
    def faces(self) -> tuple[int, ...]:
        """The faces that a draw can show, see `Draws.faces`; none if it resamples."""
        if self.stored_size != self.input_size or not _only_flips(self.steps):
            return ()
        axes = {_row(step).flip for step in self.steps}
        return tuple(x + 2 * y for y in range(1 + ("y" in axes)) for x in range(1 + ("x" in axes)))

    def showing(self, faces: np.ndarray) -> Draws:
        """The draws that show these faces, int64 (N,)."""
        return Draws(self.input_size, self.mean, self.std, flip_x=faces % 2 == 1, flip_y=faces >= 2)

    def draw(self, sizes: np.ndarray, rng: np.random.Generator) -> Draws:
        """The draws for images of the given sizes, (N, 2) width and height px."""
        if self.stored_size == self.input_size and _only_flips(self.steps):
            return self._draw_flips(len(sizes), rng)
        frame = geometry.Frame.whole(sizes)
        for step in self.steps:
            frame = load(_row(step).compose)(frame, rng, **_row(step).values(step))
        return Draws(self.input_size, self.mean, self.std, matrix=geometry.to_unit(frame, sizes))

    def _draw_flips(self, n: int, rng: np.random.Generator) -> Draws:
        flips: dict[str, np.ndarray | None] = {"x": None, "y": None}
        for step in self.steps:
            flip, axis = geometry.draw_flips(n, rng, **_row(step).values(step)), _row(step).flip
            previous = flips[axis]
            flips[axis] = flip if previous is None else previous ^ flip
        return Draws(self.input_size, self.mean, self.std, flip_x=flips["x"], flip_y=flips["y"])


def _row(choice: Choice) -> TransformRow:
    return find("transform", choice.name, TRANSFORMS)


def _only_flips(steps: Sequence[Choice]) -> bool:
    """Whether all steps are flips, so that nothing has to be resampled."""
    return all(_row(step).flip for step in steps)


def policy(transforms: Sequence[Choice], input_size: int, stored_size: int | Literal["auto"] = AUTO) -> Policy:
    """Sort a chain of transforms into those done at decoding and those done for each batch.

    The stored size is the input size if no pixel is enlarged afterwards, else `stored_size`; `"auto"` is twice the input
    size (four times if a fixed number of pixels is cropped from an image of unknown size), so that a crop of a quarter
    of the image loses nothing.
    """
    steps: list[Choice] = []
    mean, std = (0.0,) * 3, (1.0,) * 3
    for transform in transforms:
        kind = _row(transform).kind
        if kind == "geometry":
            steps.append(transform)
        elif kind == "normalize":
            values = _row(transform).values(transform)
            mean, std = values["mean"], values["std"]
        else:
            raise InvalidValue(f"{transform.name} is a transform of kind {kind!r}, which cannot be applied yet")
    prefix: list[Choice] = []
    while steps and _row(steps[0]).decode:
        prefix.append(steps.pop(0))
    stored = _stored_size(prefix, steps, input_size, stored_size)
    return Policy(tuple(prefix), tuple(steps), stored, input_size, mean, std)


def _stored_size(
    prefix: Sequence[Choice], steps: Sequence[Choice], input_size: int, requested: int | Literal["auto"]
) -> int:
    if _only_flips(steps):
        return input_size
    if prefix:
        return int(_row(prefix[-1]).values(prefix[-1])["input_size"])
    if requested != AUTO:
        return requested
    return input_size * (4 if any(s.name == "random_crop" for s in steps) else 2)
