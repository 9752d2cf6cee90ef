"""The bytes of a file -> one uint8 array: grey, RGB, RGBA, palette, CMYK, 16-bit and EXIF-rotated pictures come out right."""

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

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")  # no other decoder is ever tried on a user's file
MOST_PIXELS = 178_956_970  # Pillow's own limit for decompression bombs
LARGE = 64_000_000  # pixels; of pictures beyond that, one at a time is in memory, whatever the number of threads
STRIP = 1 << 20  # pixels
BACKGROUND = (255, 255, 255)  # under transparent pixels
PASSING = (
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.ESTALE,
)  # trouble that passes; Pillow's own errors have no number
DRAFT = 2  # a JPEG is decoded at no less than this many times the size that is wanted; see docs/decisions/0002
DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # modes of more than 8 bits
SEVERAL = ("GIF", "PNG", "TIFF", "WEBP")  # formats whose files may hold more than one picture

ORIENTATION = 0x0112  # EXIF tag; 5 to 8 lie on their side

Size = tuple[int, int]


class Note(IntFlag):
    """What was done to a file that is not as most are."""

    SEVERAL = 1
    CMYK = 2
    DEEP = 4
    TURNED = 8
    TRANSPARENT = 16
    SMALL = 32


REASONS = {
    Note.SEVERAL: "several pictures in one file: the first is taken",
    Note.CMYK: "colours for printing (CMYK): turned into RGB",
    Note.DEEP: "more than 8 bits a channel: scaled to 8",
    Note.TURNED: "its EXIF data say that it lies on its side or is mirrored: set upright",
    Note.TRANSPARENT: "transparent: laid on white",
    Note.SMALL: "smaller than the input of the network: enlarged",
}


class Decoded(NamedTuple):
    """One file. `pixels` uint8 (side, side, 3), None where it cannot be read and `problem` says why."""

    pixels: np.ndarray | None
    size: Size = (0, 0)
    notes: Note = Note(0)
    problem: str = ""


def load(path: str | os.PathLike[str], side: int, prefix: Sequence[Choice] = ()) -> tuple[np.ndarray, Size]:
    """Decode a file into a square.

    Args:
        path: JPEG, PNG, BMP, TIFF, WebP or GIF (its first frame).
        side: side of the square that comes out, px; the shape is squeezed, and `size` tells the original one.
        prefix: `resize` and `center_crop` choices to do first, at full resolution.

    Returns:
        Array uint8 (side, side, 3) in RGB, and (width, height) of the image after `prefix`.

    Raises:
        NotFound: no such file.
        UnreadableImage: truncated, not an image, or too many pixels; the message says which.
    """
    content, problem = read_file(path)
    pixels, size, _, problem = decode(content, side, prefix) if not problem else Decoded(None, problem=problem)
    if pixels is None:
        raise UnreadableImage(sentence(path, problem))
    return pixels, size


def sentence(path: str | os.PathLike[str], problem: str) -> str:
    """What is said of a file that cannot be read."""
    return f"{path} cannot be read: {problem}"


def read_file(path: str | os.PathLike[str]) -> tuple[bytes, str]:
    """The bytes of a file, and why it cannot be read (then there are none).

    Raises:
        NotFound: no such file. OSError: trouble that passes; remembered as unreadable, the file would be left out for ever.
    """
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (a plain string is faster)
            return file.read(), ""
    except FileNotFoundError:
        raise NotFound(f"{path} is not there") from None
    except OSError as error:
        if error.errno in PASSING:
            raise
        return b"", error.strerror or type(error).__name__


def decode(content: bytes, side: int, prefix: Sequence[Choice] = (), least: int = 0) -> Decoded:
    """One file's bytes as a square, with what was noted on the way; no error for what cannot be read as an image.

    Args:
        least: a picture with a side shorter than this is noted as small, px. The others as in `load`.
    """
    try:
        with _quiet(), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return _read(image, side, prefix, least)
    except Exception as error:  # what a decoder may raise on a damaged file is written nowhere
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in PASSING):
            raise  # not the file's fault
        return Decoded(None, problem=_reason(len(content), error))


def _read(image: Image.Image, side: int, prefix: Sequence[Choice], least: int) -> Decoded:
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"{image.width} x {image.height} px, more than {MOST_PIXELS:,} in all")
    notes, full = _notes(image, least), _upright_size(image)  # before draft, which changes what the image reports
    drafted = image.format in ("JPEG", "MPO") and not prefix
    if drafted:
        image.draft(None, (DRAFT * side, DRAFT * side))
    with _LARGE if image.width * image.height > LARGE else contextlib.nullcontext():
        pixels, size, found = _square(image, side, prefix)
    notes |= found | (Note.SEVERAL if _holds_several(image) else Note(0))  # looked at last: it moves on in the file
    return Decoded(pixels, full if drafted else size, notes)  # Pillow turns TIFFs at a time that depends on its version


def _square(image: Image.Image, side: int, prefix: Sequence[Choice]) -> tuple[np.ndarray, Size, Note]:
    """The pixels, the size of the picture before it is squeezed, and what was seen on the way."""
    notes = Note(0)
    upright = ImageOps.exif_transpose(image)
    if _is_transparent(upright):
        notes |= Note.TRANSPARENT
    picture = to_rgb(upright)
    for step in prefix:
        picture = load_function(TRANSFORMS[step.name].decode)(picture, **step.params)
    return np.asarray(resize(picture, side)), picture.size, notes


def _notes(image: Image.Image, least: int) -> Note:
    """What the head of the file tells."""
    tiles: Any = getattr(image, "tile", None) or [("", (), 0, "")]
    layout = tiles[0][3]  # 16-bit colours are cut to 8 by the decoder itself; only this tells of them
    found = {
        Note.CMYK: image.mode == "CMYK",
        Note.DEEP: image.mode in DEEP or ";16" in str(layout),
        Note.TURNED: image.getexif().get(ORIENTATION, 1) in range(2, 9),
        Note.SMALL: min(image.size) < least,
    }
    return Note(sum(note for note, is_so in found.items() if is_so))


def _is_transparent(image: Image.Image) -> bool:
    if "transparency" in image.info:  # a colour that is declared transparent need not occur
        image = image.convert("RGBA")
    return "A" in image.getbands() and int(np.asarray(image.getchannel("A")).min()) < 255


def _holds_several(image: Image.Image) -> bool:
    with contextlib.suppress(Exception):  # what follows the first picture is damaged: that does not matter
        return image.format in SEVERAL and bool(getattr(image, "is_animated", False))
    return False


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Pillow's warnings about odd files are not shown: what matters of them goes into the notes.

    `warnings.catch_warnings` would put back a list that another thread has changed since; this takes out what it put in.
    """
    filters: Any = warnings.filters
    filters.insert(0, _PILLOW)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            filters.remove(_PILLOW)


_LARGE = threading.Lock()
_PILLOW = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


def _upright_size(image: Image.Image) -> Size:
    turned = image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    return (image.height, image.width) if turned else (image.width, image.height)


def to_rgb(image: Image.Image) -> Image.Image:
    """Turn any mode into RGB without losing what can be seen."""
    if image.mode in DEEP:
        image = Image.fromarray(_to_8_bit(np.asarray(image)), "L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*BACKGROUND, 255)), image)
    return image.convert("RGB")


def _to_8_bit(pixels: np.ndarray) -> np.ndarray:
    """Scale deep grey to 0..255 by the smallest usual depth that holds it: a 12-bit X-ray in a 16-bit file keeps its range.

    Pillow's own conversion cuts off everything above 255 instead.
    """
    top = bottom = 0.0
    for values in map(_as_float, _strips(pixels)):
        finite = values[np.isfinite(values)]
        top, bottom = finite.max(initial=top), finite.min(initial=bottom)
    if pixels.dtype.kind == "f" and top < 16:  # shares of 1, or somewhat over it: no depth in bits
        full = max(top, 1.0)
    else:
        full = next((2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if top <= 2**bits - 1), top)
    out = np.empty(pixels.shape, np.uint8)
    for values, strip in zip(map(_as_float, _strips(pixels)), _strips(out), strict=True):
        values = np.nan_to_num(values, posinf=top, neginf=bottom)
        strip[:] = np.clip(np.rint((values - bottom) / max(full - bottom, 1e-12) * 255), 0, 255)
    return out


def _strips(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """Some rows at a time, so that a large picture is never in memory as float64."""
    rows = max(1, STRIP // max(1, pixels.shape[1]))
    return (pixels[start : start + rows] for start in range(0, len(pixels), rows))


def _as_float(pixels: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # what is not a number may say so when it is copied
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
