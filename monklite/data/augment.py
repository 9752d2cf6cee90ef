"""Augmentation policies: the transforms of a subset, and the random draws of each batch.

The draws are made here, from one NumPy generator; the backend applies them, on the training device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..catalog.backends import load
from ..catalog.transforms import TRANSFORMS, TransformRow
from ..errors import InvalidValue, find
from ..rules import AUTO
from ..spec import Choice
from . import geometry
from .boxes import Stream
from .colours import Colours, ColourStep
from .fixed_stream import VERSION, FixedStream, keys_of
from .mixing import Mixed


@dataclass(frozen=True)
class Draws:
    """The transforms of each image of a batch, applied in this order.

    `flip_x`, `flip_y`: bool (N,), whether it is mirrored left-right, top-bottom; None: no image is.
    `matrix`: float32 (N, 2, 3), from output to input coordinates, each -1 to 1 (edges of the picture), or (N, 3, 3), which is
    projective; None: no resampling. A matrix holds the flips too. `size`: side of the resulting square, px. `colours`: changes
    of the colours of the moved pictures, then `mixed`: how the images are mixed with each other. `mean`, `std`: of red, green
    and blue as values 0 to 1, for normalising. `face`: which of its few pictures each image is shown as, see `Policy.faces`,
    int64 (N,); None: each draw may show another one.
    """

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip_x: np.ndarray | None = None
    flip_y: np.ndarray | None = None
    matrix: np.ndarray | None = None
    face: np.ndarray | None = None
    colours: tuple[ColourStep, ...] = ()
    mixed: Mixed | None = None

    def label_shares(self, labels: np.ndarray) -> list[tuple[float, np.ndarray]]:
        """The labels (N,) that the images show, with their share in each image; the largest share first."""
        if self.mixed is None:
            return [(1.0, labels)]
        share = self.mixed.share_at(self.size)
        shares = [(share, labels), (1 - share, labels[self.mixed.partners])]
        return shares if share >= 0.5 else shares[::-1]

    def resized(self, size: int, n: int) -> Draws:
        """The same draws, of `n` images, at another size, px."""
        if self.matrix is not None:
            return replace(self, size=size)
        matrix = np.zeros((n, 2, 3), np.float32)
        for axis, flip in enumerate((self.flip_x, self.flip_y)):
            matrix[:, axis, axis] = 1 if flip is None else np.where(flip, -1, 1)
        return replace(self, size=size, matrix=matrix, flip_x=None, flip_y=None)

    def take(self, rows: np.ndarray | slice) -> Draws:
        """The draws of some of the images."""
        arrays = {name: getattr(self, name) for name in ("flip_x", "flip_y", "matrix", "face")}
        colours = tuple(step.take(rows) for step in self.colours)
        taken: dict[str, Any] = {name: a[rows] for name, a in arrays.items() if a is not None}
        return replace(self, **taken, colours=colours, mixed=self.mixed and self.mixed.take(rows))


@dataclass(frozen=True)
class Policy:
    """The transforms of one subset, sorted by when they are done.

    `prefix` is done once when a file is decoded, into squares of `stored_size`; `steps` are done for each batch;
    the result has `input_size` and is normalised with `mean` and `std`. `views`: of steps that do more than mirror, each image
    has this many draws, which are fixed; 0: each draw is another one.
    """

    prefix: tuple[Choice, ...]
    steps: tuple[Choice, ...]
    stored_size: int
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    views: int = 0

    @property
    def decoding(self) -> str:
        """The settings that determine the decoded pixels, as text: part of the cache's key."""
        return f"{self.stored_size}:{';'.join(map(str, self.prefix))}"

    @property
    def faces(self) -> tuple[int, ...]:
        """The numbers of the pictures that an image can be shown as, if these are few; else none.

        If it is only mirrored: 1 if left-right, plus 2 if top-bottom. If more is changed: its fixed views, if it has such.
        """
        if not self._only_mirrors:
            return tuple(range(self.views))
        axes = self._axes
        return tuple(x + 2 * y for y in range(1 + ("y" in axes)) for x in range(1 + ("x" in axes)))

    @property
    def has_views(self) -> bool:
        """Whether the pictures of an image are fixed views. Images that are only mirrored have at most four pictures anyway."""
        return self.views > 0 and not self._only_mirrors

    @property
    def _only_mirrors(self) -> bool:
        return not self._resamples and all(_row(step).flip for step in self.steps)

    @property
    def _resamples(self) -> bool:
        return self.stored_size != self.input_size or _moves_pixels(self.steps)

    @property
    def _axes(self) -> set[str]:
        """The axes that images are mirrored along."""
        return {axis for step in self.steps if (axis := _row(step).flip)}

    def face_key(self, face: int, seed: int) -> str:
        """A text that is equal where the same decoded image is shown as the same picture."""
        if not self.has_views:
            return f"face {face}"
        return f"view {face} of seed {seed} {VERSION} {';'.join(map(str, self.steps))} {self.input_size}"

    def showing(self, faces: np.ndarray, sizes: np.ndarray, names: np.ndarray, seed: int) -> Draws:
        """The draws that show these faces of images.

        Args:
            faces: int64 (N,). sizes: as in `draw`. names: S16 (N,), equal for equal images. seed: other views for another one.
        """
        if self.has_views:
            return replace(self.draw(sizes, FixedStream(keys_of(seed, names, faces))), face=faces)
        return Draws(self.input_size, self.mean, self.std, flip_x=faces % 2 == 1, flip_y=faces >= 2, face=faces)

    def draw(self, sizes: np.ndarray, rng: Stream) -> Draws:
        """The draws for images of the given sizes, (N, 2) width and height px; other ones in each call."""
        frame, colours = geometry.Frame.whole(sizes), Colours(len(sizes), self.input_size)
        for step in self.steps:
            row = _row(step)
            compose, values = load(row.compose), row.values(step)
            if row.kind == "both":
                frame, colours = compose(frame, colours, rng, **values)
            elif row.kind == "colours":
                colours = compose(colours, rng, **values)
            else:
                frame = compose(frame, rng, **values)
        draws = Draws(self.input_size, self.mean, self.std, colours=colours.steps)
        if self._resamples:
            return replace(draws, matrix=geometry.to_unit(frame, sizes))
        return self._mirrored(draws, frame)

    def _mirrored(self, draws: Draws, frame: geometry.Frame) -> Draws:
        """Draws of images that are only mirrored, and changed in their colours."""
        flip_x, flip_y = (frame.to_source[:, i, i] < 0 for i in (0, 1))
        return replace(
            draws,
            flip_x=flip_x if "x" in self._axes else None,
            flip_y=flip_y if "y" in self._axes else None,
            face=flip_x + 2 * flip_y.astype(np.int64) if self._only_mirrors else None,
        )


def _row(choice: Choice) -> TransformRow:
    return find("transform", choice.name, TRANSFORMS)


def _moves_pixels(steps: Sequence[Choice]) -> bool:
    """Whether a step does more to the places of pixels than mirroring, so that they have to be resampled."""
    return any(_row(step).kind in ("geometry", "both") and not _row(step).flip for step in steps)


def policy(
    transforms: Sequence[Choice], input_size: int, stored_size: int | Literal["auto"] = AUTO, views: int = 0
) -> Policy:
    """Sort a chain of transforms into those done at decoding and those done for each batch.

    The stored size is the input size if no pixel is enlarged afterwards, else `stored_size`; `"auto"` is twice the input
    size (four times if a fixed number of pixels is cropped from an image of unknown size), so that a crop of a quarter
    of the image loses nothing. `views`: see `Policy`.
    """
    prefix: list[Choice] = []
    pixels: list[Choice] = []
    steps: list[Choice] = []
    mean, std = (0.0,) * 3, (1.0,) * 3
    for transform in transforms:
        row = _row(transform)
        if row.kind == "normalize":
            mean, std = row.values(transform)["mean"], row.values(transform)["std"]
        elif row.kind == "pixels":
            pixels.append(transform)
        elif row.kind not in ("geometry", "colours", "both"):
            raise InvalidValue(f"{transform.name} is a transform of kind {row.kind!r}, which cannot be applied yet")
        elif row.decode and all(_row(step).kind == "colours" for step in steps):
            prefix.append(transform)
        else:
            steps.append(transform)
    stored = _stored_size(prefix, steps, input_size, stored_size)
    return Policy((*prefix, *pixels), tuple(steps), stored, input_size, mean, std, views)


def _stored_size(
    prefix: Sequence[Choice], steps: Sequence[Choice], input_size: int, requested: int | Literal["auto"]
) -> int:
    if not _moves_pixels(steps):
        return input_size
    if prefix:
        return int(_row(prefix[-1]).values(prefix[-1])["input_size"])
    if requested != AUTO:
        return requested
    return input_size * (4 if any(s.name == "random_crop" for s in steps) else 2)
