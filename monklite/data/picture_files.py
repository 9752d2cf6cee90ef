"""Write pixels as the bytes of a file that the decoder reads without loss.

It depends on pixels and transparency alone: not on the other notes that Pillow keeps of a picture (`info`), which may be those of
another mode or of no use, nor on Pillow's register of writers, which a notebook may change.
"""

from __future__ import annotations

import operator
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from .png_files import PNG_SIGNATURE
from .tiff_files import BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT
from .transparency import ALPHA_MODES

# number of channels -> colour type in the header of a PNG file
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}
# modes whose `info` may declare a value as transparent, and the number of its parts
_DECLARING_MODES = {"1": 1, "L": 1, "P": 1, "RGB": 3, "I": 1}
_MOST_OF_16_BITS = 65535


def picture_file(picture: Image.Image) -> bytes:
    """A picture of any mode, loaded and of at least one pixel, as the bytes of a file."""
    deep = picture.mode in ("I", "F") or picture.mode.startswith("I;16")
    transparent = _transparent(picture)
    if deep:
        values = np.asarray(picture)
        if picture.mode == "F":
            return _tiff(values)
        in_16_bits = values.dtype == np.uint16 or (values.min() >= 0 and values.max() <= _MOST_OF_16_BITS)
        # only PNG files declare a value as transparent
        if picture.mode == "I" and not (in_16_bits and transparent is not None):
            return _tiff(values)
        return png(values.astype(np.uint16), transparent)
    # with nothing noted but what is right for the mode, or Pillow's conversions fail
    plain = picture._new(picture.im)
    plain.info = {} if transparent is None else {"transparency": transparent}
    palette_mode = plain.im.getpalettemode() if plain.mode == "P" else ""
    if plain.mode in ALPHA_MODES or transparent is not None or palette_mode == "RGBA":
        # Pillow converts grey with premultiplied transparency into nothing else
        plain = plain.convert("LA") if plain.mode == "La" else plain
        return png(np.asarray(plain.convert("RGBA")))
    return png(np.asarray(plain.convert("L" if plain.mode in ("1", "L") else "RGB")))


def png(pixels: np.ndarray, transparent: int | None = None) -> bytes:
    """The bytes of a PNG file of 8 or 16 bits per channel; Pillow writes no colours of 16 bits.

    Args:
        pixels: uint8 or uint16 (height, width) or (height, width, 3 or 4). transparent: a value of grey pixels.
    """
    height, width, channels = (*pixels.shape, 1)[:3]
    bits = pixels.dtype.itemsize * 8
    header = struct.pack(">IIBBBBB", width, height, bits, _COLOUR_TYPES[channels], 0, 0, 0)
    rows = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    # each row begins with its filter: none
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)
    declared = [] if transparent is None else [(b"tRNS", struct.pack(">H", transparent))]
    # stored, because compressing takes longer than anything else here
    chunks = [(b"IHDR", header), *declared, (b"IDAT", zlib.compress(lines.data, 0)), (b"IEND", b"")]
    return PNG_SIGNATURE + b"".join(
        b"".join((struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))))
        for kind, body in chunks
    )


def _tiff(values: np.ndarray) -> bytes:
    """The bytes of a grey TIFF file of int32 or float32 (height, width)."""
    height, width = values.shape
    body = values.astype(values.dtype.newbyteorder("<")).tobytes()
    tags = (
        (256, "L", width),
        (257, "L", height),
        (BITS_PER_SAMPLE, "H", 32),
        (259, "H", 1),  # no compression
        (PHOTOMETRIC, "H", 1),
        (273, "L", 0),  # where the pixels are
        (277, "H", 1),
        (278, "L", height),
        (279, "L", len(body)),
        (SAMPLE_FORMAT, "H", 3 if values.dtype.kind == "f" else 2),
    )
    start = 8 + 2 + 12 * len(tags) + 4
    fields = [
        struct.pack("<HHL", tag, 3 if kind == "H" else 4, 1) + struct.pack(f"<{kind}", value or start).ljust(4, b"\0")
        for tag, kind, value in tags
    ]
    return b"II*\0" + struct.pack("<LH", 8, len(tags)) + b"".join(fields) + bytes(4) + body


def _transparent(picture: Image.Image) -> Any:
    """The transparency that a picture's notes declare, as Pillow notes it of a file; None if it does not fit the mode."""
    declared = picture.info.get("transparency")
    n_parts = _DECLARING_MODES.get("I" if picture.mode.startswith("I;16") else picture.mode)
    if declared is None or n_parts is None:
        return None
    if picture.mode == "P" and isinstance(declared, bytes):
        return declared if 0 < len(declared) <= 256 else None
    parts = declared if isinstance(declared, tuple) else (declared,)
    most = _MOST_OF_16_BITS if picture.mode.startswith("I") else 255
    try:
        numbers = tuple(operator.index(part) for part in parts)
    except TypeError:
        return None
    if len(numbers) != n_parts or not all(0 <= number <= most for number in numbers):
        return None
    return numbers if n_parts > 1 else numbers[0]
