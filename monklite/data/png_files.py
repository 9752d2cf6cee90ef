"""Read PNG files, of which only the chunks that affect the pixels are given to Pillow."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from PIL import PngImagePlugin

from .image_reader import OpenedImage, opened_file, orientation_of, rawmode, reader, set_rawmodes, with_low_bytes

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")  # whose checksums count
_LAST_CHUNK = b"\0\0\0\0IEND\xaeB`\x82"
# where the header has the type of the colours, and the type whose colours are in a palette
_COLOURS_AT, _PALETTE = 17, 3


class _Chunk:
    """A chunk of a file. `all`: its bytes with length and checksum; `whole`: the file does not end within it."""

    def __init__(self, content: memoryview, at: int) -> None:
        length = int.from_bytes(content[at : at + 4], "big")
        self.name = bytes(content[at + 4 : at + 8])
        self.all = content[at : at + 12 + length]
        self.whole = len(self.all) == 12 + length

    def body(self) -> bytes:
        return bytes(self.all[8:-4])

    def is_sound_as(self, name: bytes) -> bool:
        """Whether its checksum is right if its name is `name`."""
        return self.whole and int.from_bytes(self.all[-4:], "big") == zlib.crc32(self.all[8:-4], zlib.crc32(name))


def _chunks(content: bytes) -> Iterator[_Chunk]:
    view, at = memoryview(content), len(PNG_SIGNATURE)
    while at + 8 <= len(content):
        chunk = _Chunk(view, at)
        yield chunk
        at += len(chunk.all)


def _check(chunk: _Chunk, sound: bool, after_pixels: bool, has_end: bool) -> None:
    """Raise ValueError if a chunk shows that the pixels, or what decides their colours, are damaged."""
    name = chunk.name
    if name in PNG_PIXEL_CHUNKS and not sound:
        if not chunk.whole and not has_end:
            raise ValueError("truncated")
        part = "checksum" if chunk.whole else "length"
        raise ValueError(f"a damaged PNG file ({part} of its chunk {name.decode()})")
    if not sound and (meant := next((n for n in PNG_PIXEL_CHUNKS if chunk.is_sound_as(n)), None)):
        raise ValueError(f"a damaged PNG file (name of its chunk {meant.decode()})")
    # behind the pixels, where damaged metadata may lead anywhere, the decoder judges whether all of them are there
    if after_pixels and not sound:
        return
    if not name.isalpha():
        raise ValueError("a damaged PNG file (a chunk has no name, so the length or name of one is damaged)")
    # a capital letter says that the pixels cannot be understood without the chunk
    if name[:1].isupper() and name not in (*PNG_PIXEL_CHUNKS, b"IEND"):
        raise ValueError(f"a PNG file with a chunk {name.decode()}, which is damaged or of no PNG standard")


def _without_metadata(content: bytes) -> tuple[bytes, int, bool]:
    """A PNG with only the chunks that affect its pixels, its orientation, and whether it has several pictures.

    Raises:
        ValueError: damage in one of these chunks, as the message says.
    """
    kept: list[bytes | memoryview] = [PNG_SIGNATURE]
    names: set[bytes] = set()
    exif, xmp, frames, first_is_a_frame, has_end = b"", b"", 0, False, content.endswith(_LAST_CHUNK)
    colours = content[len(PNG_SIGNATURE) + _COLOURS_AT :][:1]
    for chunk in _chunks(content):
        name = chunk.name
        sound = chunk.is_sound_as(name)
        _check(chunk, sound, b"IDAT" in names, has_end)
        if name in (*PNG_PIXEL_CHUNKS, b"IEND"):
            kept.append(chunk.all)
            names.add(name)
        if name == b"IEND":
            break
        if not sound:
            continue
        if name == b"eXIf":
            exif = chunk.body()
        elif name == b"iTXt" and chunk.all[8:26] == b"XML:com.adobe.xmp\0":
            xmp = bytes(chunk.all)
        elif name == b"acTL" and len(chunk.all) == 20:
            frames = int.from_bytes(chunk.all[8:12], "big")
        elif name == b"fcTL" and b"IDAT" not in names:
            first_is_a_frame = True
    if b"IDAT" not in names and not has_end:
        raise ValueError("truncated")
    if colours == bytes([_PALETTE]) and b"PLTE" not in names:
        raise ValueError("a damaged PNG file (no chunk PLTE, which has its colours)")
    # a first picture that is not part of the animation counts too
    several = frames > 0 and frames + (not first_is_a_frame) > 1
    return b"".join(kept), orientation_of(exif, xmp), several


_Png = reader(PngImagePlugin.PngImageFile)


def open_png(content: bytes) -> OpenedImage:
    pixels, orientation, several = _without_metadata(content)
    image = opened_file(_Png, pixels)
    opened = OpenedImage(image, orientation, lambda: several)
    if rawmode(image) == "LA;16B":
        set_rawmodes(image, lambda _: "RGBA")
        return opened._replace(grey_alpha=True)
    return with_low_bytes(opened, lambda: opened_file(_Png, pixels))
