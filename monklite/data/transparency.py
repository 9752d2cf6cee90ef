"""Transparent pictures: which are, and how they are laid on a background."""

from __future__ import annotations

from PIL import Image

BACKGROUND = (255, 255, 255)  # under transparent pixels
# not by the letter: the A of LAB is a colour
ALPHA_MODES = ("RGBA", "LA", "PA", "La", "RGBa")
# pixels that are laid on the background at a time
STRIP_PIXELS = 1 << 20


def is_transparent(image: Image.Image) -> bool:
    """Whether any pixel lets the background through."""
    # a colour that is declared transparent need not occur
    if "transparency" in image.info:
        image = image.convert("RGBA")
    return image.mode in ALPHA_MODES and int(image.getchannel(image.getbands()[-1]).getextrema()[0]) < 255  # type: ignore[arg-type]


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode of 8 bits to RGB without losing visible content."""
    if image.mode not in ALPHA_MODES and "transparency" not in image.info:
        return image if image.mode == "RGB" else image.convert("RGB")
    picture = Image.new("RGB", image.size)
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        # as `crop`, which checks the number of pixels against a limit that a notebook may set
        strip = image._new(image.im.crop(box)).convert("RGBA")
        on_white = Image.alpha_composite(Image.new("RGBA", strip.size, (*BACKGROUND, 255)), strip)
        picture.paste(on_white.convert("RGB"), box)
    return picture
