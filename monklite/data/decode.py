"""Decode the bytes of a file into a uint8 array: grey, RGB, RGBA, palette, CMYK, 16-bit and EXIF-rotated pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntFlag
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..catalog.backends import load as load_function
from ..catalog.transforms import TRANSFORMS
from ..errors import NotFound, StorageError, UnreadableImage
from ..free_memory import give_back
from ..regular_files import read_regular
from ..spec import Choice
from ..transient import is_transient, retried
from . import description
from .deep_pictures import is_deep, scaled
from .depth import UNDECIDED, Levels, Range
from .description import Description
from .image_files import open_image
from .image_reader import OpenedImage
from .memory_budget import MemoryBudget
from .pillow_warnings import without_pillow_warnings
from .transparency import is_transparent, to_rgb
from .webp_files import webp_size

MAX_PIXELS = 178_956_970  # Pillow's own limit for decompression bombs
MAX_FILE_BYTES = 2 << 30  # what so many pixels take without compression, 12 bytes each
# px; resizing takes memory for each pixel of a row or column, and no picture of a camera or scanner is longer
MAX_SIDE = 1_000_000
# bytes that decoding uses at once, over all threads; a single picture may use more
MEMORY = 1 << 30
# bytes of a picture's pixels; those of a larger one are given back to the system, or each thread's heap would keep as many
LARGE = 64 << 20
# bytes per pixel: as Pillow holds a picture, its RGB copy, what transparency and 16-bit colours need beside them, and what
# libjpeg keeps of a progressive JPEG at full size; measured with benchmarks/decoding_memory.py
PIXEL_BYTES = 4
PROGRESSIVE_BYTES = 6
# what other decoders keep beside the picture, by Pillow's name of the format
DECODER_BYTES = {"AVIF": 10, "HEIC": 10, "JPEG2000": 8}
# the decoder's canvases, what it hands over, and the picture
WEBP_BYTES = 28
# a JPEG is decoded at no less than this many times the requested size; see docs/decisions/0002
DRAFT_FACTOR = 2
# by EXIF orientation
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ON_SIDE = (5, 6, 7, 8)  # orientations that swap width and height

Size = tuple[int, int]


class Oddity(IntFlag):
    """A property of a file that is converted or reported."""

    SEVERAL = 1
    CMYK = 2
    DEEP = 4
    TURNED = 8
    TRANSPARENT = 16
    SMALL = 32
    WHITE_IS_ZERO = 64
    CUT = 128


REASONS = {
    Oddity.SEVERAL: "several pictures in one file: the first is taken",
    Oddity.CMYK: "colours for printing (CMYK): turned into RGB",
    Oddity.DEEP: "more than 8 bits per channel: scaled to 8",
    Oddity.TURNED: "its EXIF data say that it lies on its side or is mirrored: set upright",
    Oddity.TRANSPARENT: "transparent: laid on white",
    Oddity.SMALL: "smaller than the input of the network: enlarged",
    Oddity.WHITE_IS_ZERO: "more than 8 bits, and its largest value is black: inverted",
    Oddity.CUT: "values outside the range of the training images: cut",
}


class Decoded(NamedTuple):
    """A decoded file. `pixels` uint8 (side, side, 3), or None and `problem`, the reason why it cannot be read.

    Of a file of more than 8 bits: `own_range` of its values, and `scaled_by`, the range that became 0 to 255. `description`: None
    if it was not asked for.
    """

    pixels: np.ndarray | None
    size: Size = (0, 0)
    oddities: Oddity = Oddity(0)
    problem: str = ""
    own_range: Range | None = None
    scaled_by: Range | None = None
    description: Description | None = None


def load(
    path: str | os.PathLike[str], side: int, prefix: Sequence[Choice] = (), levels: Levels = UNDECIDED
) -> tuple[np.ndarray, Size]:
    """Decode a file into a square.

    Args:
        path: JPEG, PNG, BMP, TIFF, WebP or GIF (its first frame).
        side: side of the resulting square, px; the picture is squeezed into it.
        prefix: `resize` and `center_crop` choices to apply first, at full resolution, and changes of the colours of the square.
        levels: by which pictures of more than 8 bits are scaled; undecided: each by its own range.

    Returns:
        Array uint8 (side, side, 3) in RGB, and (width, height) of the image after `prefix`.

    Raises:
        NotFound: no such file.
        UnreadableImage: truncated, not an image, or too many pixels, as the message says.
    """
    content, problem = read_file(path)
    decoded = Decoded(None, problem=problem) if problem else decode(content, side, prefix, levels=levels)
    if decoded.pixels is None:
        raise UnreadableImage(unreadable_message(path, decoded.problem))
    return decoded.pixels, decoded.size


def unreadable_message(path: str | os.PathLike[str], problem: str) -> str:
    """The message about a file that cannot be read."""
    return f"{path} cannot be read: {problem}"


def read_file(path: str | os.PathLike[str]) -> tuple[bytes, str]:
    """The bytes of a file, and the reason why it cannot be read (the bytes are empty then).

    Raises:
        NotFound: no such file. StorageError: trouble of the drive or the system that did not pass in time; the file must
            not be remembered as unreadable.
    """
    try:
        return retried(lambda: _content(path), path), ""
    except FileNotFoundError:
        raise NotFound(f"{path} is not there") from None
    except StorageError:
        raise
    except OSError as error:
        return b"", error.strerror or type(error).__name__


def _content(path: str | os.PathLike[str]) -> bytes:
    return read_regular(path, MAX_FILE_BYTES)


def decode(
    content: bytes,
    side: int,
    prefix: Sequence[Choice] = (),
    smallest_side: int = 0,
    levels: Levels = UNDECIDED,
    described: bool = False,
) -> Decoded:
    """Decode a file's bytes into a square, with its oddities; a file that is not an image is no error but a `problem`.

    Args:
        smallest_side: a picture with a side shorter than this is noted as small, px. described: describe it, too. The others as
            in `load`.
    """
    try:
        with _opened(content) as opened:
            return _read(opened, len(content), side, prefix, smallest_side, levels, described)
    # the errors that a decoder may raise for a damaged file are not documented
    except Exception as error:
        return Decoded(None, problem=_problem(len(content), error))


class Header(NamedTuple):
    """The header of a file. `size`: width and height of the upright picture, px; `problem`: why it cannot be read."""

    size: Size = (0, 0)
    format: str = ""
    mode: str = ""
    problem: str = ""


def header(content: bytes) -> Header:
    """Read the header of a file's bytes; a file that is not an image is no error but a `problem`."""
    try:
        with _opened(content) as opened:
            check_size(opened.image.size)
            deep = " (more than 8 bits)" if is_deep(opened) else ""
            return Header(_upright_size(opened), str(opened.image.format), f"{opened.image.mode}{deep}")
    except Exception as error:
        return Header(problem=_problem(len(content), error))


@contextmanager
def _opened(content: bytes) -> Iterator[OpenedImage]:
    """A file whose header has been read."""
    webp = webp_size(content)
    check_size(webp)
    # its decoder takes memory for the whole picture when the header is read
    with without_pillow_warnings(), _MEMORY.take(WEBP_BYTES * webp[0] * webp[1]):
        opened = open_image(content)
        with opened.image:
            yield opened


def _problem(size: int, error: Exception) -> str:
    """The reason why a file of so many bytes cannot be read; an error of the drive or the memory, not of the file, is raised."""
    if is_transient(error):
        raise error
    return _reason(size, error)


def check_size(size: Size) -> None:
    """Raise ValueError if a picture is too large to be decoded."""
    width, height = size
    if width * height > MAX_PIXELS:
        raise ValueError(f"{width} x {height} px, more than {MAX_PIXELS:,} in all")
    if max(size) > MAX_SIDE:
        raise ValueError(f"{width} x {height} px, more than {MAX_SIDE:,} on a side")


def _read(
    opened: OpenedImage,
    n_bytes: int,
    side: int,
    prefix: Sequence[Choice],
    smallest_side: int,
    levels: Levels,
    described: bool,
) -> Decoded:
    """Decode a picture of a file of `n_bytes`, whose header has been read; the picture is closed."""
    image = opened.image
    check_size(image.size)
    # before `draft`, which changes the properties of the image
    oddities, full_size = _header_oddities(opened, smallest_side), _upright_size(opened)
    header = description.of_header(opened, n_bytes, full_size) if described else None
    drafted = image.format == "JPEG" and all(TRANSFORMS[step.name].kind == "pixels" for step in prefix)
    if drafted:
        image.draft(None, (DRAFT_FACTOR * side, DRAFT_FACTOR * side))
    held = _picture_bytes(opened)
    # taken for WebP already, before its header was read
    needed = 0 if image.format == "WEBP" else held + _decoder_bytes(image, full_size) + n_bytes
    with _MEMORY.take(needed):
        decoded = _to_square(opened, side, prefix, levels, header)
        # checked last, because it seeks in the file
        several = opened.several()
        # before others take the memory
        image.close()
        if held > LARGE:
            give_back()
    oddities |= decoded.oddities | (Oddity.SEVERAL if several else Oddity(0))
    return decoded._replace(size=full_size if drafted else decoded.size, oddities=oddities)


def _to_square(
    opened: OpenedImage, side: int, prefix: Sequence[Choice], levels: Levels, header: tuple[float, ...] | None
) -> Decoded:
    """The pixels, the size of the picture before it is squeezed, and the oddities that only the pixels show.

    Args:
        header: what describes the file; None: the picture is not described.
    """
    oddities, own, scale = Oddity(0), None, None
    image: Image.Image = opened.image
    if is_deep(opened):
        image, own, scale = scaled(opened, levels)
        if own.black < scale.black or own.white > scale.white:
            oddities |= Oddity.CUT
    if is_transparent(image):
        oddities |= Oddity.TRANSPARENT
    picture = to_rgb(image)
    if opened.orientation in TURNS:
        picture = picture.transpose(TURNS[opened.orientation])
    upright, rows = picture, [(TRANSFORMS[step.name], step) for step in prefix]
    for row, step in rows:
        if row.kind != "pixels":
            picture = load_function(row.decode)(picture, **row.values(step))
    squeezed = resize(picture, side)
    pixels = np.asarray(squeezed)
    for row, step in rows:
        if row.kind == "pixels":
            pixels = load_function(row.decode)(pixels, **row.values(step))
    # of the whole picture, also where a part is trained on
    described = None
    if header is not None:
        described = description.describe(header, squeezed if picture is upright else resize(upright, side))
    return Decoded(pixels, picture.size, oddities, "", own, scale, described)


def _header_oddities(opened: OpenedImage, smallest_side: int) -> Oddity:
    """The oddities that the file's header shows."""
    image = opened.image
    conditions = {
        Oddity.CMYK: image.mode == "CMYK",
        Oddity.DEEP: is_deep(opened),
        Oddity.TURNED: opened.orientation in TURNS,
        Oddity.SMALL: min(image.size) < smallest_side,
        Oddity.WHITE_IS_ZERO: opened.white_is_zero,
    }
    return Oddity(sum(oddity for oddity, present in conditions.items() if present))


_MEMORY = MemoryBudget(MEMORY)


def _picture_bytes(opened: OpenedImage) -> int:
    """About the bytes that the pixels of a picture and their copies take at once."""
    image = opened.image
    copies = 2 if opened.orientation in TURNS or image.mode != "RGB" else 1
    if is_deep(opened):
        copies += 3
    elif "transparency" in image.info:
        copies += 2
    return image.width * image.height * PIXEL_BYTES * copies


def _decoder_bytes(image: Image.Image, full_size: Size) -> int:
    """About the bytes that the decoder itself keeps; `full_size`: before the picture is reduced while it is decoded."""
    per_pixel = DECODER_BYTES.get(str(image.format), PROGRESSIVE_BYTES if image.info.get("progressive") else 0)
    return full_size[0] * full_size[1] * per_pixel


def _upright_size(opened: OpenedImage) -> Size:
    width, height = opened.image.size
    return (height, width) if opened.orientation in ON_SIDE else (width, height)


def resize(image: Image.Image, input_size: int) -> Image.Image:
    return image.resize((input_size, input_size), Image.Resampling.BILINEAR)


def center_crop(image: Image.Image, input_size: int) -> Image.Image:
    width, height = min(input_size, image.width), min(input_size, image.height)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    # as `crop`, which checks the number of pixels against a limit that a notebook may set
    box = (left, top, left + width, top + height)
    return image.resize((width, height), Image.Resampling.NEAREST, box)


def _reason(size: int, error: BaseException) -> str:
    if size == 0:
        return "the file is empty (0 bytes)"
    text = str(getattr(error, "strerror", None) or error)
    if any(word in text.lower() for word in ("truncated", "broken data stream", "unexpected end")):
        return f"truncated (the file ends after {size:,} bytes)"
    return text or type(error).__name__
