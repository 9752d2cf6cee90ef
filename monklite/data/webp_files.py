"""Read WebP files."""

from __future__ import annotations

import struct

from PIL import WebPImagePlugin

from .image_reader import OpenedImage, opened_file, orientation_of, reader, several_pictures


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


_WebP = reader(WebPImagePlugin.WebPImageFile)


def open_webp(content: bytes) -> OpenedImage:
    image = opened_file(_WebP, content)
    exif, xmp = image.info.get("exif", b""), image.info.get("xmp", b"")
    return OpenedImage(image, orientation_of(exif, xmp), several_pictures(image))
