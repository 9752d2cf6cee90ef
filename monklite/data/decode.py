"""Decode the bytes of a file into a uint8 array: grey, RGB, RGBA, palette, CMYK, 16-bit and EXIF-rotated pictures."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from enum import IntFlag
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from ..catalog.backends import load as load_function
from ..catalog.transforms import TRANSFORMS
from ..errors import NotFound, UnreadableImage
from ..spec import Choice

# no other decoder is ever tried on a user's file
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
MAX_PIXELS = 178_956_970  # Pillow's own limit for decompression bombs
# of pictures with more, only one at a time is in memory, whatever the number of threads
LARGE_PIXELS = 64_000_000
STRIP_PIXELS = 1 << 20
BACKGROUND = (255, 255, 255)  # under transparent pixels
# errors of the system, not of the file; Pillow's own errors have no number
TRANSIENT_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE)
# a JPEG is decoded at no less than this many times the requested size; see docs/decisions/0002
DRAFT_FACTOR = 2
DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # modes of more than 8 bits
MULTI_PICTURE_FORMATS = ("GIF", "PNG", "TIFF", "WEBP")
ORIENTATION = 0x0112  # EXIF tag; values 5 to 8 swap width and height

Size = tuple[int, int]


class Oddity(IntFlag):
    """A property of a file that is converted or reported."""

    SEVERAL = 1
    CMYK = 2
    DEEP = 4
    TURNED = 8
    TRANSPARENT = 16
    SMALL = 32


REASONS = {
    Oddity.SEVERAL: "several pictures in one file: the first is taken",
    Oddity.CMYK: "colours for printing (CMYK): turned into RGB",
    Oddity.DEEP: "more than 8 bits per channel: scaled to 8",
    Oddity.TURNED: "its EXIF data say that it lies on its side or is mirrored: set upright",
    Oddity.TRANSPARENT: "transparent: laid on white",
    Oddity.SMALL: "smaller than the input of the network: enlarged",
}


class Decoded(NamedTuple):
    """A decoded file. `pixels` uint8 (side, side, 3), or None and `problem`, the reason why it cannot be read."""

    pixels: np.ndarray | None
    size: Size = (0, 0)
    oddities: Oddity = Oddity(0)
    problem: str = ""


def load(path: str | os.PathLike[str], side: int, prefix: Sequence[Choice] = ()) -> tuple[np.ndarray, Size]:
    """Decode a file into a square.

    Args:
        path: JPEG, PNG, BMP, TIFF, WebP or GIF (its first frame).
        side: side of the resulting square, px; the picture is squeezed into it.
        prefix: `resize` and `center_crop` choices to apply first, at full resolution.

    Returns:
        Array uint8 (side, side, 3) in RGB, and (width, height) of the image after `prefix`.

    Raises:
        NotFound: no such file.
        UnreadableImage: truncated, not an image, or too many pixels, as the message says.
    """
    content, problem = read_file(path)
    pixels, size, _, problem = decode(content, side, prefix) if not problem else Decoded(None, problem=problem)
    if pixels is None:
        raise UnreadableImage(unreadable_message(path, problem))
    return pixels, size


def unreadable_message(path: str | os.PathLike[str], problem: str) -> str:
    """The message about a file that cannot be read."""
    return f"{path} cannot be read: {problem}"


def read_file(path: str | os.PathLike[str]) -> tuple[bytes, str]:
    """The bytes of a file, and the reason why it cannot be read (the bytes are empty then).

    Raises:
        NotFound: no such file. OSError: a transient error, for which the file must not be remembered as unreadable.
    """
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (a plain string is faster)
            return file.read(), ""
    except FileNotFoundError:
        raise NotFound(f"{path} is not there") from None
    except OSError as error:
        if error.errno in TRANSIENT_ERRORS:
            raise
        return b"", error.strerror or type(error).__name__


def decode(content: bytes, side: int, prefix: Sequence[Choice] = (), smallest_side: int = 0) -> Decoded:
    """Decode a file's bytes into a square, with its oddities; a file that is not an image is no error but a `problem`.

    Args:
        smallest_side: a picture with a side shorter than this is noted as small, px. The others as in `load`.
    """
    try:
        with _without_pillow_warnings(), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return _read(image, side, prefix, smallest_side)
    # the errors that a decoder may raise for a damaged file are not documented
    except Exception as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in TRANSIENT_ERRORS):
            raise  # not the file's fault
        return Decoded(None, problem=_reason(len(content), error))


def _read(image: Image.Image, side: int, prefix: Sequence[Choice], smallest_side: int) -> Decoded:
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"{image.width} x {image.height} px, more than {MAX_PIXELS:,} in all")
    # before `draft`, which changes the properties of the image
    oddities, full_size = _header_oddities(image, smallest_side), _upright_size(image)
    drafted = image.format in ("JPEG", "MPO") and not prefix
    if drafted:
        image.draft(None, (DRAFT_FACTOR * side, DRAFT_FACTOR * side))
    with _LARGE_LOCK if image.width * image.height > LARGE_PIXELS else contextlib.nullcontext():
        pixels, size, pixel_oddities = _to_square(image, side, prefix)
    oddities |= pixel_oddities
    # checked last, because it seeks in the file
    if _has_several_pictures(image):
        oddities |= Oddity.SEVERAL
    # `size`, except of drafted images: when Pillow rotates a TIFF depends on Pillow's version
    return Decoded(pixels, full_size if drafted else size, oddities)


def _to_square(image: Image.Image, side: int, prefix: Sequence[Choice]) -> tuple[np.ndarray, Size, Oddity]:
    """The pixels, the size of the picture before it is squeezed, and the oddities that only the pixels show."""
    oddities = Oddity(0)
    upright = ImageOps.exif_transpose(image)
    if _is_transparent(upright):
        oddities |= Oddity.TRANSPARENT
    picture = to_rgb(upright)
    for step in prefix:
        picture = load_function(TRANSFORMS[step.name].decode)(picture, **step.params)
    return np.asarray(resize(picture, side)), picture.size, oddities


def _header_oddities(image: Image.Image, smallest_side: int) -> Oddity:
    """The oddities that the file's header shows."""
    tiles: Any = getattr(image, "tile", None) or [("", (), 0, "")]
    # the decoder itself cuts 16-bit colours to 8; only the layout shows it
    layout = tiles[0][3]
    conditions = {
        Oddity.CMYK: image.mode == "CMYK",
        Oddity.DEEP: image.mode in DEEP_MODES or ";16" in str(layout),
        Oddity.TURNED: image.getexif().get(ORIENTATION, 1) in range(2, 9),
        Oddity.SMALL: min(image.size) < smallest_side,
    }
    return Oddity(sum(oddity for oddity, present in conditions.items() if present))


def _is_transparent(image: Image.Image) -> bool:
    # a colour that is declared transparent need not occur
    if "transparency" in image.info:
        image = image.convert("RGBA")
    return "A" in image.getbands() and int(np.asarray(image.getchannel("A")).min()) < 255


def _has_several_pictures(image: Image.Image) -> bool:
    # damage after the first picture does not matter
    with contextlib.suppress(Exception):
        return image.format in MULTI_PICTURE_FORMATS and bool(getattr(image, "is_animated", False))
    return False


@contextlib.contextmanager
def _without_pillow_warnings() -> Iterator[None]:
    """Hide Pillow's warnings about odd files: the relevant ones are recorded as oddities.

    `warnings.catch_warnings` would restore a list that another thread has changed since; this removes only its own entry.
    """
    filters: Any = warnings.filters
    filters.insert(0, _PILLOW_FILTER)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            filters.remove(_PILLOW_FILTER)


_LARGE_LOCK = threading.Lock()
_PILLOW_FILTER = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


def _upright_size(image: Image.Image) -> Size:
    on_side = image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    return (image.height, image.width) if on_side else (image.width, image.height)


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB without losing visible content."""
    if image.mode in DEEP_MODES:
        image = Image.fromarray(_to_8_bit(np.asarray(image)), "L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*BACKGROUND, 255)), image)
    return image.convert("RGB")


def _to_8_bit(pixels: np.ndarray) -> np.ndarray:
    """Scale deep grey to 0..255 by the smallest common depth that holds it: a 12-bit X-ray in a 16-bit file keeps its range.

    Pillow's own conversion cuts off everything above 255 instead.
    """
    top = bottom = 0.0
    for values in map(_as_float, _strips(pixels)):
        finite = values[np.isfinite(values)]
        top, bottom = finite.max(initial=top), finite.min(initial=bottom)
    # floats from 0 to about 1 have no depth in bits
    if pixels.dtype.kind == "f" and top < 16:
        white = max(top, 1.0)
    else:
        white = next((2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if top <= 2**bits - 1), top)
    out = np.empty(pixels.shape, np.uint8)
    for values, strip in zip(map(_as_float, _strips(pixels)), _strips(out), strict=True):
        values = np.nan_to_num(values, posinf=top, neginf=bottom)
        strip[:] = np.clip(np.rint((values - bottom) / max(white - bottom, 1e-12) * 255), 0, 255)
    return out


def _strips(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Views of a few rows each, so that a large picture is never in memory as float64."""
    rows = max(1, STRIP_PIXELS // max(1, pixels.shape[1]))
    return (pixels[start : start + rows] for start in range(0, len(pixels), rows))


def _as_float(pixels: np.ndarray) -> np.ndarray:
    # NaN may cause a warning when it is converted
    with np.errstate(invalid="ignore"):
        return pixels.astype(np.float64)


def resize(image: Image.Image, input_size: int) -> Image.Image:
    return image.resize((input_size, input_size), Image.Resampling.BILINEAR)


def center_crop(image: Image.Image, input_size: int) -> Image.Image:
    width, height = min(input_size, image.width), min(input_size, image.height)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _reason(size: int, error: BaseException) -> str:
    if size == 0:
        return "the file is empty (0 bytes)"
    text = str(getattr(error, "strerror", None) or error)
    if "cannot identify image file" in text:
        return f"it is not an image in any of the formats {', '.join(FORMATS)}"
    if "truncated" in text or "broken data stream" in text or "unexpected end" in text.lower():
        return f"truncated (the file ends after {size:,} bytes)"
    return text or type(error).__name__
