"""Read a file with Pillow's readers, so that the result depends on nothing but its bytes.

Pillow has switches for a whole process (`ImageFile.LOAD_TRUNCATED_IMAGES`, `Image.MAX_IMAGE_PIXELS`, registered plug-ins and
others), which a notebook may set while other threads decode. They are neither read nor changed here: the functions of
Pillow's readers run with fixed values in place of the switches.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import types
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from PIL import GifImagePlugin, Image, ImageFile

ORIENTATION = 0x0112  # EXIF tag; values 5 to 8 swap width and height


class OpenedImage(NamedTuple):
    """An image file whose header has been read.

    `image`: of Pillow, not loaded yet. `orientation`: EXIF, 1 to 8. `several`: more than one picture; damage behind the first
    counts as one. `white_is_zero`: the largest value of a deep picture is black. `unsigned`: a picture of 32 bits has no sign.
    `premultiplied`: its 16-bit colours are multiplied by their alpha.
    `low_bytes`: opens the same file again, so that loading it gives the lower bytes of 16-bit colours; None: no such file.
    `grey_alpha`: the bytes of `image` are grey and alpha of 16 bits.
    """

    image: ImageFile.ImageFile
    orientation: int = 1
    several: Callable[[], bool] = lambda: False
    white_is_zero: bool = False
    unsigned: bool = False
    premultiplied: bool = False
    low_bytes: Callable[[], ImageFile.ImageFile] | None = None
    grey_alpha: bool = False


def _no_check(*_: object, **__: object) -> None:
    """In place of Pillow's check of the number of pixels, whose limit a notebook may set; `decode` has its own."""


def _namespace(module: types.ModuleType, **fixed: object) -> types.ModuleType:
    """A copy of a module's names with some of them fixed."""
    copied = types.ModuleType(module.__name__)
    copied.__dict__.update({**vars(module), **fixed})
    return copied


class _TolerantExif(Image.Exif):
    """EXIF data that are empty where they are broken."""

    def load(self, data: bytes) -> None:
        with contextlib.suppress(Exception):
            super().load(data)
            # read now, since each value is read when it is asked for
            dict(self)
            return
        self.clear()


# names of Pillow's modules that can be set, with Pillow's own values, but for the threads: several pictures are decoded at once
_FIXED_FILE: dict[str, object] = {"LOAD_TRUNCATED_IMAGES": False, "MAXBLOCK": 65536, "SAFEBLOCK": 1 << 20}
_FIXED = {
    **_FIXED_FILE,
    "Image": _namespace(Image, _decompression_bomb_check=_no_check, Exif=_TolerantExif),
    "ImageFile": _namespace(ImageFile, **_FIXED_FILE),
    "DECODE_CODEC_CHOICE": "auto",
    "_get_default_max_threads": lambda: 1,
    "LOADING_STRATEGY": GifImagePlugin.LoadingStrategy.RGB_AFTER_FIRST,
    "READ_LIBTIFF": False,
}


def with_fixed_switches(function: types.FunctionType) -> types.FunctionType:
    """A copy of a function of Pillow that sees `_FIXED` in place of the names of its module."""
    fixed = {name: value for name, value in _FIXED.items() if name in function.__globals__}
    copied = types.FunctionType(
        function.__code__,
        {**function.__globals__, **fixed},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copied.__kwdefaults__ = function.__kwdefaults__
    return copied


def _fixed_functions(reader: type) -> dict[str, Any]:
    """The functions of a class of Pillow, with fixed switches."""
    functions = {name: f for name, f in vars(reader).items() if isinstance(f, types.FunctionType)}
    return {name: with_fixed_switches(function) for name, function in functions.items() if name != "__init__"}


load_pixels = with_fixed_switches(ImageFile.ImageFile.load)  # type: ignore[arg-type]


def reader(reader: type[ImageFile.ImageFile], **more: object) -> type[Any]:
    """A subclass of a reader of Pillow, not registered anywhere, with fixed switches."""
    functions = {"load": load_pixels, **_fixed_functions(reader), **more}
    return type(reader.__name__, (reader,), functions)


def opened_file(reader: type[Any], content: bytes) -> Any:
    try:
        image = reader(io.BytesIO(content))
    except SyntaxError as error:
        raise ValueError(f"a damaged or unusual {reader.format} file ({error})") from error
    image.decodermaxblock = _FIXED_FILE["MAXBLOCK"]
    return image


def orientation_of(exif: bytes, xmp: bytes = b"") -> int:
    """The orientation that EXIF data, or else XMP data, declare: 1 to 8; 1 if they cannot be read."""
    value: object = None
    with contextlib.suppress(Exception):
        tags = Image.Exif()
        tags.load(exif)
        value = tags.get(ORIENTATION)
    if value is None and (declared := re.search(rb'tiff:Orientation(?:="|>)([1-8])', xmp)):
        value = int(declared[1])
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def several_pictures(image: Any) -> Callable[[], bool]:
    def several() -> bool:
        # damage after the first picture does not matter
        with contextlib.suppress(Exception):
            return bool(image.is_animated)
        return False

    return several


def rawmode(image: ImageFile.ImageFile) -> str:
    """The layout of the file's pixels, as Pillow names it; of several planes, of the first."""
    arguments: Any = image.tile[0][3] if image.tile else ""
    return str(arguments if isinstance(arguments, str) else (arguments or ("",))[0])


def set_rawmodes(image: Any, change: Callable[[str], str]) -> None:
    tiles = []
    for decoder, extents, offset, arguments in image.tile:
        plain = isinstance(arguments, str)
        changed = change(arguments) if plain else (change(arguments[0]), *arguments[1:])
        tiles.append(ImageFile._Tile(decoder, extents, offset, changed))
    image.tile = tiles


def _other_byte(rawmode: str) -> str:
    """The layout with which Pillow, which takes the upper byte of each 16-bit colour, takes the lower one."""
    order = rawmode[-1]
    if order == "N":
        order = "L" if sys.byteorder == "little" else "B"
    return rawmode[:-1] + ("B" if order == "L" else "L")


def with_low_bytes(opened: OpenedImage, again: Callable[[], Any]) -> OpenedImage:
    def low_bytes() -> ImageFile.ImageFile:
        image = again()
        set_rawmodes(image, _other_byte)
        return image

    deep_colours = opened.image.mode in ("RGB", "RGBA") and ";16" in rawmode(opened.image)
    return opened._replace(low_bytes=low_bytes) if deep_colours else opened


def deep_colours(opened: OpenedImage) -> np.ndarray:
    """The colours of a file with 16 bits for each, uint16 (height, width, 3 or 4); grey and alpha (height, width, 2)."""
    high = np.asarray(opened.image)
    if opened.grey_alpha:
        return high[..., 0::2].astype(np.uint16) << 8 | high[..., 1::2]
    assert opened.low_bytes is not None
    return high.astype(np.uint16) << 8 | np.asarray(opened.low_bytes())
