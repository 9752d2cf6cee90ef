"""The files behind PIL images: those not read yet, and those of which Pillow keeps only a part."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from PIL import Image, ImageFile

from ..regular_files import open_regular
from .image_files import is_read
from .png_files import PNG_SIGNATURE
from .tiff_files import BITS_PER_SAMPLE, PHOTOMETRIC

# of a PNG file: where its header has the bits per value and the type of its colours, and the types with several values
_BITS_AT, _COLOURS_AT, _SEVERAL_VALUES = 24, 25, (2, 4, 6)
_HEADER_BYTES = 26


def has_more_in_its_file(picture: Image.Image) -> bool:
    """Whether the file that a picture was opened from says more about its pixels than the picture.

    It is not known of a picture that was turned, copied or converted.
    """
    if not isinstance(picture, ImageFile.ImageFile):
        return False
    tags: Any = getattr(picture, "tag_v2", None)
    if tags is not None:
        is_deep = max(tags.get(BITS_PER_SAMPLE, (1,))) > 8
        return is_deep and (len(picture.getbands()) > 1 or tags.get(PHOTOMETRIC) == 0)
    return picture.format == "PNG" and _is_deep_png(_beginning(picture))


def unread_file(picture: Image.Image) -> bytes | None:
    """The bytes of the file of a picture that nobody can have changed: its first frame, whose pixels were not read yet.

    So it is decoded as its file is: a large JPEG at a reduced size, a truncated file not at all. None of a picture in a format
    that only Pillow reads, or that the caller has told Pillow to read in another way.
    """
    if not isinstance(picture, ImageFile.ImageFile) or picture.fp is None or not picture.tile or _is_reduced(picture):
        return None
    file = picture.fp
    # a file may be closed or stand elsewhere
    with contextlib.suppress(OSError, ValueError, EOFError):
        if picture.tell() != 0:
            return None
        position = file.tell()
        try:
            file.seek(0)
            content = bytes(file.read())
        finally:
            file.seek(position)
        return content if is_read(content) else None
    return None


def _is_reduced(picture: ImageFile.ImageFile) -> bool:
    """Whether the caller has asked for fewer pixels or other colours (`draft` of JPEG, `reduce` of JPEG 2000)."""
    return bool(picture.decoderconfig) or bool(getattr(picture, "_reduce", 0))


def _beginning(picture: ImageFile.ImageFile) -> bytes:
    """The first bytes of the file, empty if it is not at hand."""
    file: Any = getattr(picture, "fp", None) if getattr(picture, "tile", None) else None
    # it may have been closed, moved or changed since; then nothing is known
    with contextlib.suppress(OSError, ValueError):
        if file is None:
            with open_regular(os.fsdecode(picture.filename)) as opened:
                return opened.read(_HEADER_BYTES)
        position = file.tell()
        try:
            file.seek(0)
            return bytes(file.read(_HEADER_BYTES))
        finally:
            file.seek(position)
    return b""


def _is_deep_png(beginning: bytes) -> bool:
    return (
        beginning.startswith(PNG_SIGNATURE)
        and len(beginning) == _HEADER_BYTES
        and beginning[_BITS_AT] == 16
        and beginning[_COLOURS_AT] in _SEVERAL_VALUES
    )
