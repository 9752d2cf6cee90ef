"""Open the bytes of an image file with Pillow's readers, so that the result depends on nothing but the bytes.

Pillow has switches for a whole process (`ImageFile.LOAD_TRUNCATED_IMAGES`, `Image.MAX_IMAGE_PIXELS`, registered plug-ins and
others), which a notebook may set while other threads decode. They are neither read nor changed here: the format is found by
its first bytes, and the functions of Pillow's readers run with fixed values in place of the switches. Metadata that do not
affect the pixels (profiles, comments, previews, and EXIF except the orientation) are not given to the readers, so that
damage in them does not matter.
"""

from __future__ import annotations

import contextlib
import io
import re
import struct
import sys
import types
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

# no other decoder is ever tried on a user's file
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")
ORIENTATION = 0x0112  # EXIF tag; values 5 to 8 swap width and height
PHOTOMETRIC, BITS_PER_SAMPLE, PLANAR, SAMPLE_FORMAT = 262, 258, 284, 339  # TIFF tags
XMP = 700
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS")  # whose checksums count
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


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


def open_image(content: bytes) -> OpenedImage:
    """Read the header of an image file.

    Raises:
        ValueError: not an image in one of `FORMATS`, as the message says. The readers' own errors for damaged files differ.
    """
    for accept, opener in _OPENERS:
        if accept(content):
            return opener(content)
    raise ValueError(_unknown_format(content))


def _unknown_format(content: bytes) -> str:
    """The reason why a file of another format is not read, with the format's name where its first bytes show it."""
    name = next((name for shows, name in _OTHER_FORMATS if shows(content)), None)
    listed = ", ".join(FORMATS)
    if name is None:
        return f"it is not an image in any of the formats {listed}"
    return f"it is {name}, which is not read: convert it to PNG or JPEG (read are {listed})"


def _brand(content: bytes) -> bytes:
    """The main brand of an ISO base media file (HEIC, AVIF); empty for other files."""
    return content[8:12] if content[4:8] == b"ftyp" else b""


_OTHER_FORMATS: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (
        lambda c: _brand(c) in (b"avif", b"avis") or (_brand(c) in HEIF_BRANDS and b"avif" in c[12:64]),
        "an AVIF picture",
    ),
    (
        lambda c: _brand(c) in HEIF_BRANDS,
        "a HEIC picture (phones can be set to take JPEG: on an iPhone Settings, Camera, Formats, Most Compatible)",
    ),
    (lambda c: c.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")), "a JPEG 2000 picture"),
    (lambda c: c.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")), "a JPEG XL picture"),
    (lambda c: c[128:132] == b"DICM", "a DICOM file"),
    (lambda c: c.startswith(b"%PDF"), "a PDF document"),
    (lambda c: c.startswith(b"8BPS"), "a Photoshop document"),
    (lambda c: c.startswith(b"version https://git-lfs"), "a Git LFS pointer and not the image itself (git lfs pull)"),
    (lambda c: c[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")), "an HTML page"),
)


def _no_check(*_: object, **__: object) -> None:
    """In place of Pillow's check of the number of pixels, whose limit a notebook may set; `decode` has its own."""


def _namespace(module: types.ModuleType, **fixed: object) -> types.ModuleType:
    """A copy of a module's names with some of them fixed."""
    copied = types.ModuleType(module.__name__)
    copied.__dict__.update({**vars(module), **fixed})
    return copied


# names of Pillow's modules that can be set, with Pillow's own values
_FIXED_FILE: dict[str, object] = {"LOAD_TRUNCATED_IMAGES": False, "MAXBLOCK": 65536, "SAFEBLOCK": 1 << 20}
_FIXED = {
    **_FIXED_FILE,
    "Image": _namespace(Image, _decompression_bomb_check=_no_check),
    "ImageFile": _namespace(ImageFile, **_FIXED_FILE),
    "LOADING_STRATEGY": GifImagePlugin.LoadingStrategy.RGB_AFTER_FIRST,
    "READ_LIBTIFF": False,
}


def _with_fixed_switches(function: types.FunctionType) -> types.FunctionType:
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
    return {name: _with_fixed_switches(function) for name, function in functions.items() if name != "__init__"}


_load = _with_fixed_switches(ImageFile.ImageFile.load)  # type: ignore[arg-type]


def _reader(reader: type[ImageFile.ImageFile], **more: object) -> type[Any]:
    """A subclass of a reader of Pillow, not registered anywhere, with fixed switches."""
    functions = {"load": _load, **_fixed_functions(reader), **more}
    return type(reader.__name__, (reader,), functions)


def _opened(reader: type[Any], content: bytes) -> Any:
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


def _several(image: Any) -> Callable[[], bool]:
    def several() -> bool:
        # damage after the first picture does not matter
        with contextlib.suppress(Exception):
            return bool(image.is_animated)
        return False

    return several


_XMP_SEGMENT, _EXIF_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0\0"
# JFIF and Adobe: the only application segments that affect the pixels
_JPEG_KEPT_SEGMENTS = (0xE0, 0xEE)


def _jpeg_without_metadata(content: bytes) -> tuple[bytes, int]:
    """A JPEG without the segments that do not affect its pixels, and its orientation.

    The first picture of a file with several (a phone's MPO) is a JPEG like any other.
    """
    kept, exif, xmp, at = [content[:2]], b"", b"", 2
    # up to the scan, or to what is no segment, which the decoder judges
    while content[at : at + 1] == b"\xff" and len(content) >= at + 4:
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == 0xDA or marker < 0xC0 or 0xD0 <= marker <= 0xD9 or end > len(content):
            break
        body = content[at + 4 : end]
        if marker == 0xE1 and body.startswith(_EXIF_SEGMENT):
            exif += body[len(_EXIF_SEGMENT) :] if exif else body
        elif marker == 0xE1 and body.startswith(_XMP_SEGMENT):
            xmp = body
        if marker in _JPEG_KEPT_SEGMENTS or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(content[at:end])
        at = end
    return b"".join((*kept, content[at:])), orientation_of(exif, xmp)


def _read_bytes(self: Any, size: int) -> bytes:
    """The next bytes of a JPEG, without the end marker that Pillow may add to a truncated one."""
    return bytes(self.fp.read(size))


_Jpeg = _reader(JpegImagePlugin.JpegImageFile, load_read=_read_bytes)


def _open_jpeg(content: bytes) -> OpenedImage:
    pixels, orientation = _jpeg_without_metadata(content)
    return OpenedImage(_opened(_Jpeg, pixels), orientation)


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yield the name and the bytes of each chunk, and whether it is whole and its checksum right."""
    at = len(PNG_SIGNATURE)
    while at + 8 <= len(content):
        length, name = struct.unpack(">I4s", content[at : at + 8])
        chunk = content[at : at + 12 + length]
        # the pixels have a checksum of their own, which the decoder checks
        sound = name == b"IDAT" or chunk[-4:] == struct.pack(">I", zlib.crc32(chunk[4:-4]))
        yield name, chunk, sound and len(chunk) == 12 + length
        at += 12 + length


def _png_without_metadata(content: bytes) -> tuple[bytes, int, bool]:
    """A PNG with only the chunks that affect its pixels, its orientation, and whether it has several pictures."""
    kept, exif, xmp, frames, first_is_a_frame = [PNG_SIGNATURE], b"", b"", 0, False
    for name, chunk, sound in _png_chunks(content):
        if name in PNG_PIXEL_CHUNKS and not sound:
            raise ValueError(f"a damaged PNG file (checksum of its chunk {name.decode()})")
        if name in (*PNG_PIXEL_CHUNKS, b"IDAT", b"IEND"):
            kept.append(chunk)
        if name == b"IEND":
            break
        if not sound:
            continue
        if name == b"eXIf":
            exif = chunk[8:-4]
        elif name == b"iTXt" and chunk[8:].startswith(b"XML:com.adobe.xmp\0"):
            xmp = chunk
        elif name == b"acTL" and len(chunk) == 20:
            frames = int.from_bytes(chunk[8:12], "big")
        elif name == b"fcTL" and b"IDAT" not in (k[4:8] for k in kept):
            first_is_a_frame = True
    # a first picture that is not part of the animation counts too
    several = frames > 0 and frames + (not first_is_a_frame) > 1
    return b"".join(kept), orientation_of(exif, xmp), several


_Png = _reader(PngImagePlugin.PngImageFile)


def _open_png(content: bytes) -> OpenedImage:
    pixels, orientation, several = _png_without_metadata(content)
    image = _opened(_Png, pixels)
    opened = OpenedImage(image, orientation, lambda: several)
    if _rawmode(image) == "LA;16B":
        _set_rawmodes(image, lambda _: "RGBA")
        return opened._replace(grey_alpha=True)
    return _with_low_bytes(opened, lambda: _opened(_Png, pixels))


def _rawmode(image: ImageFile.ImageFile) -> str:
    """The layout of the file's pixels, as Pillow names it; of several planes, of the first."""
    arguments: Any = image.tile[0][3] if image.tile else ""
    return str(arguments if isinstance(arguments, str) else (arguments or ("",))[0])


def _set_rawmodes(image: Any, change: Callable[[str], str]) -> None:
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


def _with_low_bytes(opened: OpenedImage, again: Callable[[], Any]) -> OpenedImage:
    def low_bytes() -> ImageFile.ImageFile:
        image = again()
        _set_rawmodes(image, _other_byte)
        return image

    deep_colours = opened.image.mode in ("RGB", "RGBA") and ";16" in _rawmode(opened.image)
    return opened._replace(low_bytes=low_bytes) if deep_colours else opened


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
            _set_rawmodes(self, lambda layout: _NATIVE_LAYOUTS.get(layout, layout))
        elif tags.get(PLANAR) == 2 and max(bits) == 16:
            order = "L" if tags.prefix == b"II" else "B"
            # Pillow takes the planes for planes of 8 bits
            _set_rawmodes(self, lambda layout: f"{layout[0]};16{order}" if len(layout) == 1 else layout)
        if "RGBa;16" in _rawmode(self):  # type: ignore[arg-type]
            self.premultiplied = True
            _set_rawmodes(self, lambda layout: layout.replace("RGBa", "RGBA"))

    def load(self) -> Any:
        if self.tile and self.use_load_libtiff:  # type: ignore[attr-defined]
            return self._load_libtiff()  # type: ignore[attr-defined]
        return _load(self)

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


_tiff_setup: Any = _with_fixed_switches(TiffImagePlugin.TiffImageFile._setup)  # type: ignore[arg-type]
_Tiff = _reader(
    TiffImagePlugin.TiffImageFile,
    **{name: value for name, value in vars(_TiffSetup).items() if not name.startswith("__")},
)


def _open_tiff(content: bytes) -> OpenedImage:
    image = _opened(_Tiff, content)
    opened = OpenedImage(
        image, image.orientation, _several(image), image.white_is_zero, image.unsigned, image.premultiplied
    )
    return _with_low_bytes(opened, lambda: _opened(_Tiff, content))


def webp_size(content: bytes) -> tuple[int, int]:
    """The width and height that a WebP file declares, px; 0 and 0 for other files, and where its first chunk is damaged."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or len(content) < 30:
        return 0, 0
    if content[12:16] == b"VP8X":
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if content[12:16] == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if content[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", content[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


_WebP = _reader(WebPImagePlugin.WebPImageFile)
_Gif = _reader(GifImagePlugin.GifImageFile)
_Bmp = _reader(BmpImagePlugin.BmpImageFile)


def _open_webp(content: bytes) -> OpenedImage:
    image = _opened(_WebP, content)
    exif, xmp = image.info.get("exif", b""), image.info.get("xmp", b"")
    return OpenedImage(image, orientation_of(exif, xmp), _several(image))


def _open_gif(content: bytes) -> OpenedImage:
    image = _opened(_Gif, content)
    return OpenedImage(image, several=_several(image))


def _open_bmp(content: bytes) -> OpenedImage:
    return OpenedImage(_opened(_Bmp, content))


_OPENERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], OpenedImage]], ...] = (
    (lambda c: c.startswith(b"\xff\xd8\xff"), _open_jpeg),
    (lambda c: c.startswith(PNG_SIGNATURE), _open_png),
    (lambda c: c.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"MM*\0", b"II\0*")), _open_tiff),
    (lambda c: c[:4] == b"RIFF" and c[8:12] == b"WEBP", _open_webp),
    (lambda c: c.startswith((b"GIF87a", b"GIF89a")), _open_gif),
    (lambda c: c.startswith(b"BM"), _open_bmp),
)


def deep_colours(opened: OpenedImage) -> np.ndarray:
    """The colours of a file with 16 bits for each, uint16 (height, width, 3 or 4); grey and alpha (height, width, 2)."""
    high = np.asarray(opened.image)
    if opened.grey_alpha:
        return high[..., 0::2].astype(np.uint16) << 8 | high[..., 1::2]
    assert opened.low_bytes is not None
    return high.astype(np.uint16) << 8 | np.asarray(opened.low_bytes())
