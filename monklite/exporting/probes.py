"""Drawn pictures of odd sizes and kinds, as files, on which a bundle is compared where no other images are at hand."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

# the lossless formats of Pillow, so that every machine reads the same pixels
PNG, TIFF = "PNG", "TIFF"
ORIENTATION, ON_ITS_SIDE = 0x0112, 6


def drawn() -> dict[str, bytes]:
    """The files by their names."""
    pictures: Mapping[str, tuple[Image.Image, str, dict[str, Any]]] = {
        "colour.png": (_colours(97, 64, 1), PNG, {}),
        "large.png": (_colours(211, 157, 2), PNG, {}),
        "grey.png": (_colours(61, 43, 3).convert("L"), PNG, {}),
        "black_and_white.png": (_colours(40, 50, 4).convert("1"), PNG, {}),
        "palette.png": (_colours(64, 64, 5).quantize(32), PNG, {}),
        "transparent.png": (_transparent(), PNG, {}),
        "deep.png": (_deep(), PNG, {}),
        "printing.tif": (_colours(70, 51, 6).convert("CMYK"), TIFF, {}),
        "turned.png": (_colours(80, 30, 7), PNG, {"exif": _turned()}),
        "line.png": (_colours(200, 1, 8), PNG, {}),
        "column.png": (_colours(1, 90, 9), PNG, {}),
        "wide.png": (_colours(400, 23, 10), PNG, {}),
        "point.png": (_colours(1, 1, 11), PNG, {}),
    }
    return {name: _file(*picture) for name, picture in pictures.items()}


def _colours(width: int, height: int, seed: int) -> Image.Image:
    """Blurred blotches with some noise."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.int64)
    return Image.fromarray(np.clip(smooth + rng.integers(-12, 13, smooth.shape), 0, 255).astype(np.uint8))


def _transparent() -> Image.Image:
    picture = _colours(55, 77, 12)
    picture.putalpha(_colours(55, 77, 13).convert("L"))
    return picture


def _deep() -> Image.Image:
    """16 bits per pixel, of which 12 are used, as in X-rays."""
    return Image.fromarray(np.asarray(_colours(90, 110, 14).convert("L"), np.uint16) * 16)


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = ON_ITS_SIDE
    return exif


def _file(picture: Image.Image, kind: str, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
