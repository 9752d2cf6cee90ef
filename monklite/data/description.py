"""The description of a picture, kept beside its pixels: a thumbnail, and properties of its file that may give its class away.

They are read when the picture is decoded, so that nothing is opened twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from .deep_pictures import is_deep
from .image_reader import OpenedImage

# px of the square thumbnails; near copies are found by them
THUMBNAIL_SIDE = 32
# of more images no thumbnails are kept: they take 1 kB each, in memory too
MAX_THUMBNAILS = 200_000
# the properties, as they are told: those of the file, and those that depend on what the picture shows, too
FILE_TRAITS = (
    "file format", "image width", "image height", "shape (width to height)", "colour mode", "bit depth", "JPEG quality",
)  # fmt: skip
PICTURE_TRAITS = (
    "file size per pixel", "brightness", "contrast", "brightness of the left border", "brightness of the top border",
    "brightness of the right border", "brightness of the bottom border", "sharp edges (such as text) in the top left corner",
    "sharp edges (such as text) in the top right corner", "sharp edges (such as text) in the bottom left corner",
    "sharp edges (such as text) in the bottom right corner",
)  # fmt: skip
TRAITS = (*FILE_TRAITS, *PICTURE_TRAITS)
# shares of a side
BORDER, CORNER = 0.04, 0.2
# steps of brightness between neighbours, 0 to 255, from which on they are a sharp edge
SHARP = 48
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
# of the table for brightness in the annex of the JPEG standard, whose multiples most programs write
_MEAN_OF_QUALITY_50 = 57.625


class Description(NamedTuple):
    """`thumbnail` uint8 (32, 32), grey; `traits` float32, in the order of `TRAITS`."""

    thumbnail: np.ndarray
    traits: np.ndarray


@dataclass(frozen=True)
class Descriptions:
    """Those of many pictures: `thumbnails` uint8 (n, 32, 32), of none if they are very many; `traits` float32 (n, traits).

    A picture that cannot be read has zeros.
    """

    thumbnails: np.ndarray
    traits: np.ndarray

    @classmethod
    def unknown(cls, n: int) -> Descriptions:
        """Of `n` pictures that are still to be described."""
        shape = (n if n <= MAX_THUMBNAILS else 0, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
        return cls(np.zeros(shape, np.uint8), np.zeros((n, len(TRAITS)), np.float32))

    @classmethod
    def joined(cls, parts: Sequence[Descriptions]) -> Descriptions:
        """Of the pictures of all parts, with thumbnails if all have them."""
        traits = np.concatenate([part.traits for part in parts])
        thumbnails = np.concatenate([part.thumbnails for part in parts])
        return cls(thumbnails if len(thumbnails) == len(traits) else thumbnails[:0], traits)

    def fit(self, n: int) -> bool:
        """Whether they are of `n` pictures."""
        shapes = ((n, THUMBNAIL_SIDE, THUMBNAIL_SIDE), (0, THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        return self.thumbnails.shape in shapes and self.traits.shape == (n, len(TRAITS))

    def of(self, row: int) -> Description | None:
        """Of one picture; None if its thumbnail is not kept."""
        return Description(self.thumbnails[row], self.traits[row]) if len(self.thumbnails) else None

    def set(self, row: int, description: Description) -> None:
        self.traits[row] = description.traits
        if len(self.thumbnails):
            self.thumbnails[row] = description.thumbnail


def of_header(opened: OpenedImage, n_bytes: int, size: tuple[int, int]) -> tuple[float, ...]:
    """The first values of `TRAITS`, of a file of `n_bytes` that is not loaded yet. `size`: of the upright picture, px."""
    image, (width, height) = opened.image, size
    return (
        _place(str(image.format), _FORMATS),
        width,
        height,
        width / height,
        _place(image.mode, _MODES),
        16 if is_deep(opened) else 8,
        _jpeg_quality(image),
        n_bytes / (width * height),
    )


def _place(name: str, names: tuple[str, ...]) -> int:
    return names.index(name) if name in names else len(names)


def _jpeg_quality(image: Any) -> float:
    """About the quality, 1 to 100, with which a JPEG was saved; 0 for other files."""
    tables = getattr(image, "quantization", None)
    if not tables:
        return 0.0
    scale = 100 * float(np.mean(tables[min(tables)])) / _MEAN_OF_QUALITY_50
    return 100 - scale / 2 if scale <= 100 else 5000 / scale


def describe(header: tuple[float, ...], picture: Image.Image) -> Description:
    """The description of a file whose upright picture, squeezed into a square, is `picture`."""
    grey = picture.convert("L")
    thumbnail = np.asarray(grey.resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BILINEAR))
    return Description(thumbnail, np.array((*header, *_of_picture(np.asarray(grey), thumbnail)), np.float32))


def _of_picture(grey: np.ndarray, thumbnail: np.ndarray) -> tuple[float, ...]:
    side = len(grey)
    edge, corner = max(1, round(BORDER * side)), max(2, round(CORNER * side))
    borders = (grey[:, :edge], grey[:edge], grey[:, -edge:], grey[-edge:])
    corners = (grey[:corner, :corner], grey[:corner, -corner:], grey[-corner:, :corner], grey[-corner:, -corner:])
    # noise is no contrast
    return (thumbnail.mean(), thumbnail.std(), *(border.mean() for border in borders), *map(_sharp_edges, corners))


def _sharp_edges(part: np.ndarray) -> float:
    """The share of neighbours between which the brightness jumps."""
    steps = np.abs(np.diff(part.astype(np.int16), axis=1))
    return float((steps > SHARP).mean())
