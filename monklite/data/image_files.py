"""Open the bytes of an image file: its first bytes show which format it has.

Metadata that do not affect the pixels (profiles, comments, previews, and EXIF except the orientation) are not given to the
readers, so that damage in them does not matter.
"""

from __future__ import annotations

from collections.abc import Callable

from PIL import BmpImagePlugin, GifImagePlugin

from .image_reader import OpenedImage, opened_file, reader, several_pictures
from .jpeg_files import open_jpeg
from .optional_formats import OPTIONAL_FORMATS
from .png_files import PNG_SIGNATURE, open_png
from .tiff_files import open_tiff
from .webp_files import open_webp

# no other decoder is ever tried on a user's file
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", *(row.name for row in OPTIONAL_FORMATS if row.readable))


def open_image(content: bytes) -> OpenedImage:
    """Read the header of an image file.

    Raises:
        ValueError: not an image in one of `FORMATS`, as the message says. The readers' own errors for damaged files differ.
    """
    for accept, opener in _OPENERS:
        if accept(content):
            return opener(content)
    for row in OPTIONAL_FORMATS:
        if row.shows(content) and row.readable:
            return row.open(content)
        if row.shows(content):
            raise ValueError(f"it is a file of the format {row.name}, which is read after `{row.remedy}`")
    raise ValueError(_unknown_format(content))


def is_read(content: bytes) -> bool:
    """Whether the first bytes of a file are of a format that `open_image` reads."""
    return any(accept(content) for accept, _ in _OPENERS) or any(
        row.shows(content) and row.readable for row in OPTIONAL_FORMATS
    )


def _unknown_format(content: bytes) -> str:
    """The reason why a file of another format is not read, with the format's name where its first bytes show it."""
    name = next((name for shows, name in _OTHER_FORMATS if shows(content)), None)
    listed = ", ".join(FORMATS)
    if name is None:
        return f"it is not an image in any of the formats {listed}"
    return f"it is {name}, which is not read: convert it to PNG or JPEG (read are {listed})"


_OTHER_FORMATS: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (lambda c: c.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")), "a JPEG XL picture"),
    (lambda c: c[128:132] == b"DICM", "a DICOM file"),
    (lambda c: c.startswith(b"%PDF"), "a PDF document"),
    (lambda c: c.startswith(b"8BPS"), "a Photoshop document"),
    (lambda c: c.startswith(b"version https://git-lfs"), "a Git LFS pointer and not the image itself (git lfs pull)"),
    (lambda c: c[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")), "an HTML page"),
)


_Gif = reader(GifImagePlugin.GifImageFile)
_Bmp = reader(BmpImagePlugin.BmpImageFile)


def _open_gif(content: bytes) -> OpenedImage:
    image = opened_file(_Gif, content)
    return OpenedImage(image, several=several_pictures(image))


def _open_bmp(content: bytes) -> OpenedImage:
    return OpenedImage(opened_file(_Bmp, content))


_OPENERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], OpenedImage]], ...] = (
    (lambda c: c.startswith(b"\xff\xd8\xff"), open_jpeg),
    (lambda c: c.startswith(PNG_SIGNATURE), open_png),
    (lambda c: c.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"MM*\0", b"II\0*")), open_tiff),
    (lambda c: c[:4] == b"RIFF" and c[8:12] == b"WEBP", open_webp),
    (lambda c: c.startswith((b"GIF87a", b"GIF89a")), _open_gif),
    (lambda c: c.startswith(b"BM"), _open_bmp),
)
