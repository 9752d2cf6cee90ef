"""The values of opened pictures of more than 8 bits, and such pictures as ones of 8."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from .depth import Levels, Range, own_range, to_8_bit
from .image_reader import OpenedImage, deep_colours

DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # modes of more than 8 bits


def is_deep(opened: OpenedImage) -> bool:
    return opened.image.mode in DEEP_MODES or opened.low_bytes is not None or opened.grey_alpha


def scaled(opened: OpenedImage, levels: Levels) -> tuple[Image.Image, Range, Range]:
    """A picture of more than 8 bits as one of 8, grey or colour, with alpha or without; its own range; the range used.

    Pillow's own conversions cut grey above 255 off, and colours to their upper byte.
    """
    values, alpha = _deep_values(opened)
    own = own_range(values)
    scale = levels.range_for(own)
    pixels = to_8_bit(values, scale)
    if opened.white_is_zero:
        np.subtract(255, pixels, out=pixels)
    if alpha is not None:
        pixels = np.dstack([pixels, alpha])
    return Image.fromarray(pixels), own, scale


def _deep_values(opened: OpenedImage) -> tuple[np.ndarray, np.ndarray | None]:
    """The values (height, width) or (height, width, 3), and the alpha uint8 (height, width) if there is one."""
    declared: Any = opened.image.info.get("transparency")
    if opened.image.mode in DEEP_MODES:
        values = np.asarray(opened.image)
        # Pillow has no unsigned mode of 32 bits
        values = values.view(np.uint32) if opened.unsigned and values.dtype == np.int32 else values
        return values, None if declared is None else np.where(values == declared, 0, 255).astype(np.uint8)
    colours = deep_colours(opened)
    if colours.shape[2] == 3:
        if declared is None:
            return colours, None
        return colours, np.where((colours == np.array(declared)).all(2), 0, 255).astype(np.uint8)
    values, alpha = colours[..., :-1], colours[..., -1]
    if opened.premultiplied:
        whole = np.maximum(alpha, 1).astype(np.float64)[..., None]
        values = np.clip(np.rint(values * 65535 / whole), 0, 65535).astype(np.uint16)
    values = values[..., 0] if values.shape[2] == 1 else values
    return values, np.rint(alpha / 257).astype(np.uint8)
