"""Read JPEG files, of which only the segments that affect the pixels are given to Pillow."""

from __future__ import annotations

from typing import Any

from PIL import JpegImagePlugin

from .image_reader import OpenedImage, opened_file, orientation_of, reader

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


_Jpeg = reader(JpegImagePlugin.JpegImageFile, load_read=_read_bytes)


def open_jpeg(content: bytes) -> OpenedImage:
    pixels, orientation = _jpeg_without_metadata(content)
    return OpenedImage(opened_file(_Jpeg, pixels), orientation)
