"""A heat map over its image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .picture_sheets import Picture

# from a little heat to the most; the darkest and the brightest part of the colours would not be seen on such an image
COLOURS, FIRST_COLOUR, LAST_COLOUR = "inferno", 0.35, 0.85
# of the strongest heat, beneath which the image stays visible; of the grey of the image beside white, on which no colour shows
OPACITY, BRIGHTNESS = 0.75, 0.85
# red, green, blue to grey (ITU-R BT.601)
LUMA = (0.299, 0.587, 0.114)

NO_HEAT = "(nothing speaks for it)"


def overlaid(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """The image in grey, coloured where there is heat; uint8 (height, width, 3).

    Args:
        image: uint8 (height, width, 3). heat: float (rows, columns), 0 to 1, of the whole image; it is enlarged smoothly.
    """
    from matplotlib import colormaps
    from PIL import Image

    height, width = image.shape[:2]
    enlarged = Image.fromarray(heat.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    strength = np.clip(np.asarray(enlarged), 0, 1)
    grey = BRIGHTNESS * (image @ np.array(LUMA))[..., None]
    colours = 255 * colormaps[COLOURS](FIRST_COLOUR + (LAST_COLOUR - FIRST_COLOUR) * strength)[..., :3]
    opacity = OPACITY * strength[..., None]
    return np.rint((1 - opacity) * grey + opacity * colours).astype(np.uint8)


def heated(image: np.ndarray, heat: np.ndarray, lines: Sequence[str]) -> Picture:
    """The picture of an image with a heat map over it, as `overlaid`, and lines of text above it."""
    return Picture(overlaid(image, heat), [*lines, *([] if heat.any() else [NO_HEAT])])


def heat_note(method: str = "") -> str:
    """The explanation of the colours, for below the pictures. `method`: how the heat was computed, in words."""
    by = f", by {method}" if method else ""
    return (
        f"Colours show where the network sees the class{by}: grey where nothing speaks for it, then purple, red and "
        "orange where most does. Each picture has a scale of its own, so that faint evidence looks as strong as plenty, and none "
        "says that the place is the right one."
    )
