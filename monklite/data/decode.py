"""One file -> one uint8 array: grey, RGB, RGBA, palette, CMYK, 16-bit and EXIF-rotated files come out right."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..errors import NotFound, UnreadableImage
from ..spec import Choice

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")  # no other decoder is ever tried on a user's file
MOST_PIXELS = 178_956_970  # Pillow's own limit for decompression bombs
BACKGROUND = (255, 255, 255)  # under transparent pixels
DRAFT = 2  # a JPEG is decoded at no less than this many times the size that is wanted; mean error 0.4 of 255

ORIENTATION = 0x0112  # EXIF tag; 5 to 8 lie on their side

Size = tuple[int, int]


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
    try:
        with Image.open(path, formats=FORMATS) as image:
            return _load(image, side, prefix)
    except FileNotFoundError:
        raise NotFound(f"{path} is not there") from None
    except UnreadableImage:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        raise UnreadableImage(f"{path} cannot be read: {_reason(path, error)}") from None


def _load(image: Image.Image, side: int, prefix: Sequence[Choice]) -> tuple[np.ndarray, Size]:
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(f"{image.width} x {image.height} px, more than {MOST_PIXELS:,} in all")
    full = _upright_size(image)  # before draft, which changes the size that the image reports
    drafted = image.format == "JPEG" and not prefix
    if drafted:
        image.draft(None, (DRAFT * side, DRAFT * side))
    image = to_rgb(ImageOps.exif_transpose(image))
    for step in prefix:
        image = _PREFIX[step.name](image, step.params["input_size"])
    size = full if drafted else image.size  # Pillow turns TIFFs itself, at a time that depends on its version
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR)), size


def _upright_size(image: Image.Image) -> Size:
    turned = image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    return (image.height, image.width) if turned else (image.width, image.height)


def to_rgb(image: Image.Image) -> Image.Image:
    """Turn any mode into RGB without losing what can be seen."""
    if image.mode in ("I;16", "I;16L", "I;16B", "I;16N", "I", "F"):
        image = Image.fromarray(_to_8_bit(np.asarray(image)), "L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*BACKGROUND, 255)), image)
    return image.convert("RGB")


def _to_8_bit(pixels: np.ndarray) -> np.ndarray:
    """Scale deep grey to 0..255 by the smallest usual depth that holds it: a 12-bit X-ray in a 16-bit file keeps its range.

    Pillow's own conversion cuts off everything above 255 instead.
    """
    values = pixels.astype(np.float64)
    finite = values[np.isfinite(values)]
    top, bottom = finite.max(initial=0), min(finite.min(initial=0), 0)
    values = np.nan_to_num(values, posinf=top, neginf=bottom)
    if pixels.dtype.kind == "f" and top < 16:  # shares of 1, or somewhat over it: no depth in bits
        full = max(top, 1.0)
    else:
        full = next((2.0**bits - 1 for bits in (8, 10, 12, 14, 16) if top <= 2**bits - 1), top)
    scaled = (values - bottom) / max(full - bottom, 1e-12) * 255
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _resize(image: Image.Image, size: int) -> Image.Image:
    return image.resize((size, size), Image.Resampling.BILINEAR)


def _center_crop(image: Image.Image, size: int) -> Image.Image:
    width, height = min(size, image.width), min(size, image.height)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


_PREFIX = {"resize": _resize, "center_crop": _center_crop}


def _reason(path: str | os.PathLike[str], error: BaseException) -> str:
    size = Path(path).stat().st_size if Path(path).exists() else 0
    if size == 0:
        return "the file is empty (0 bytes)"
    text = str(error)
    if "cannot identify image file" in text:
        return f"it is not an image in any of the formats {', '.join(FORMATS)}"
    if "truncated" in text or "broken data stream" in text or "unexpected end" in text.lower():
        return f"truncated (the file ends after {size:,} bytes)"
    return text or type(error).__name__
