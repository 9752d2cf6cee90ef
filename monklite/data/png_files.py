"""Read PNG files, of which only the chunks that affect the pixels are given to Pillow."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from PIL import PngImagePlugin

from .image_reader import OpenedImage, opened_file, orientation_of, rawmode, reader, set_rawmodes, with_low_bytes

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS")  # whose checksums count


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


_Png = reader(PngImagePlugin.PngImageFile)


def open_png(content: bytes) -> OpenedImage:
    pixels, orientation, several = _png_without_metadata(content)
    image = opened_file(_Png, pixels)
    opened = OpenedImage(image, orientation, lambda: several)
    if rawmode(image) == "LA;16B":
        set_rawmodes(image, lambda _: "RGBA")
        return opened._replace(grey_alpha=True)
    return with_low_bytes(opened, lambda: opened_file(_Png, pixels))
