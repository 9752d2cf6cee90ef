"""Read TIFF files: deep, signed, white-is-zero, big-endian, planar and tiled ones."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from PIL import TiffImagePlugin

from .image_reader import (
    ORIENTATION,
    OpenedImage,
    load_pixels,
    opened_file,
    orientation_of,
    rawmode,
    reader,
    set_rawmodes,
    several_pictures,
    with_fixed_switches,
    with_low_bytes,
)

PHOTOMETRIC, BITS_PER_SAMPLE, PLANAR, SAMPLE_FORMAT = 262, 258, 284, 339  # tags
XMP = 700

# libtiff hands over the bytes in the order of the machine
_NATIVE_LAYOUTS = {
    "I;16S": "I;16NS",
    "I;16BS": "I;16NS",
    "I;32S": "I;32NS",
    "I;32BS": "I;32NS",
    "F;32F": "F;32NF",
    "F;32BF": "F;32NF",
}


_TIFF_REMEDY = "which is not read: save it with 8 or 16 bits without sign, or as grey floats of 32 bits"


def _tiff_values(bits: Sequence[int], formats: Sequence[int]) -> str:
    """How the values of a TIFF are stored, in words."""
    kinds = sorted({_TIFF_FORMATS.get(number, f"kind {number}") for number in formats})
    return f"{len(bits)} channels of {max(bits)} bits ({', '.join(kinds)})"


_TIFF_FORMATS = {1: "integers without sign", 2: "integers with sign", 3: "floats", 5: "complex", 6: "complex"}


class _TiffSetup:
    """The parts of reading a TIFF in which Pillow mistakes a layout, or fails for damaged metadata."""

    tag_v2: Any
    tile: list[Any]
    white_is_zero = unsigned = premultiplied = False
    orientation = 1

    def _setup(self) -> None:
        """Prepare to read the pixels; whether white is zero in a deep picture is left to the caller."""
        tags = self.tag_v2
        self.orientation = _tiff_orientation(tags)
        # the caller sets the picture upright
        tags.pop(ORIENTATION, None)
        bits, formats = tags.get(BITS_PER_SAMPLE, (1,)), tags.get(SAMPLE_FORMAT, (1,))
        # Pillow would take negative values for the brightest
        if max(bits) <= 8 and 2 in formats:
            raise ValueError(f"a TIFF file of {_tiff_values(bits, formats)}, {_TIFF_REMEDY}")
        if max(bits) > 8 and tags.get(PHOTOMETRIC) == 0:
            self.white_is_zero = True
            tags[PHOTOMETRIC] = 1
        if tuple(bits) == (32,) and tuple(formats) == (1,):
            self.unsigned = True
            tags[SAMPLE_FORMAT] = (2,)
        try:
            _tiff_setup(self)
        except SyntaxError as error:
            if "unknown pixel mode" not in str(error):
                raise
            raise ValueError(f"a TIFF file of {_tiff_values(bits, formats)}, {_TIFF_REMEDY}") from error
        if self.use_load_libtiff:  # type: ignore[attr-defined]
            set_rawmodes(self, lambda layout: _NATIVE_LAYOUTS.get(layout, layout))
        elif tags.get(PLANAR) == 2 and max(bits) == 16:
            order = "L" if tags.prefix == b"II" else "B"
            # Pillow takes the planes for planes of 8 bits
            set_rawmodes(self, lambda layout: f"{layout[0]};16{order}" if len(layout) == 1 else layout)
        if "RGBa;16" in rawmode(self):  # type: ignore[arg-type]
            self.premultiplied = True
            set_rawmodes(self, lambda layout: layout.replace("RGBa", "RGBA"))

    def load(self) -> Any:
        if self.tile and self.use_load_libtiff:  # type: ignore[attr-defined]
            return self._load_libtiff()  # type: ignore[attr-defined]
        return load_pixels(self)

    def load_end(self) -> None:
        """Nothing: Pillow would read the EXIF data and turn the picture."""


def _tiff_orientation(tags: Any) -> int:
    value: object = None
    with contextlib.suppress(Exception):
        value = tags.get(ORIENTATION)
    if value is None:
        with contextlib.suppress(Exception):
            packet = tags.get(XMP, b"")
            return orientation_of(b"", packet if isinstance(packet, bytes) else b"")
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


_tiff_setup: Any = with_fixed_switches(TiffImagePlugin.TiffImageFile._setup)  # type: ignore[arg-type]
_Tiff = reader(
    TiffImagePlugin.TiffImageFile,
    **{name: value for name, value in vars(_TiffSetup).items() if not name.startswith("__")},
)


def open_tiff(content: bytes) -> OpenedImage:
    image = opened_file(_Tiff, content)
    opened = OpenedImage(
        image, image.orientation, several_pictures(image), image.white_is_zero, image.unsigned, image.premultiplied
    )
    return with_low_bytes(opened, lambda: opened_file(_Tiff, content))
