"""Turn whatever shows an image into bytes that the decoder reads as it reads a file: so equal pixels give equal predictions."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from ..errors import InvalidType, InvalidValue, StorageError, UnreadableImage, cut, shown
from ..looking import is_file
from ..rules import PathText
from ..transient import is_transient
from . import decode, pillow_pictures
from .array_pixels import is_array, pixels_of, to_numpy
from .depth import UNDECIDED, Levels
from .picture_files import picture_file, png

KINDS = (
    "a path, the bytes of an image file, an open file, a PIL image, an array or a tensor (grey, RGB or RGBA), or a list "
    "or generator of these"
)
WEB_SCHEMES, INLINE = ("http", "https"), re.compile(r"data:[^,]{0,200},", re.IGNORECASE)
# at least two letters, because "C:" begins a path on Windows
SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
URL_TIMEOUT, MAX_URL_BYTES = 30, 256 << 20  # seconds, bytes


class ImageInput(NamedTuple):
    """One image as it was given. `source`: a path, an address, the bytes of a file, a PIL image or a NumPy array; all of them
    independent of what the caller does with the original afterwards. `problem`: why there is no source, since it could not be
    read; said when it is asked for, so that the others of a list are predicted."""

    name: str
    source: Any = None
    problem: str = ""

    @property
    def where(self) -> str:
        """The place that messages name: the path of a file, or else the name."""
        return cut(self.source) if isinstance(self.source, str) else self.name

    @property
    def is_missing(self) -> bool:
        """Whether it is a path at which there is no file."""
        return isinstance(self.source, str) and not _scheme(self.source) and not is_file(Path(self.source))

    def content(self) -> bytes:
        """The bytes of an image file with exactly these pixels.

        Raises:
            NotFound: no such file. UnreadableImage: it cannot be read, or not be fetched.
        """
        if isinstance(self.source, bytes):
            return self.source
        if self.problem:
            raise UnreadableImage(decode.unreadable_message(self.where, self.problem))
        if isinstance(self.source, (Image.Image, np.ndarray)):
            return self._written()
        if _scheme(self.source):
            return _fetch(self.source)
        content, problem = decode.read_file(self.source)
        if problem:
            raise UnreadableImage(decode.unreadable_message(self.source, problem))
        return content

    def _written(self) -> bytes:
        """The pixels that were given, as a file."""
        try:
            if isinstance(self.source, np.ndarray):
                decode.check_size((self.source.shape[1], self.source.shape[0]))
                return png(self.source)
            decode.check_size(self.source.size)
            return picture_file(self.source)
        # a mode that Pillow cannot convert, or too many pixels
        except Exception as error:
            if is_transient(error):
                raise
            raise UnreadableImage(decode.unreadable_message(self.where, cut(str(error)))) from None


def images_in(
    value: Any, argument: str, allow_url: bool = False, levels: Levels = UNDECIDED
) -> Iterator[ImageInput] | None:
    """The images of a list, a generator or an array of several images, one after the other; None if `value` is one image.

    Raises:
        InvalidType, InvalidValue: as `image_input`, when the iterator comes to an item that is not an image.
    """
    # of a dictionary and of a table, the names would be taken
    if isinstance(value, Mapping) or hasattr(value, "columns"):
        raise _wrong_kind(value, argument)
    if _is_single(value):
        return None
    items = value
    if is_array(value):
        items = to_numpy(value, argument)
        if items.ndim != 4 and not _holds_text(items):
            return None
    if not isinstance(items, Iterable):
        return None
    return (image_input(item, f"{argument}[{i}]", f"image {i}", allow_url, levels) for i, item in enumerate(items))


def image_input(
    value: Any, argument: str, name: str = "image 0", allow_url: bool = False, levels: Levels = UNDECIDED
) -> ImageInput:
    """One image of any kind.

    Args:
        value: path, `file://` or `data:` address, bytes, file open for reading, PIL image, or array of NumPy, PyTorch, MXNet
            and the like: (height, width), or with 1, 3 (RGB) or 4 (RGBA) channels last or first; uint8 0 to 255, or float 0 to
            1. Its memory is copied.
        argument: what errors call it. name: of an image without a path.
        allow_url: also take an address on the web, fetched by `content`. levels: by which the training images of more than 8
            bits were scaled; they say what the numbers of an array mean.

    Raises:
        InvalidType: none of these. InvalidValue: an array of another shape or range, or an address that was not allowed.
    """
    if isinstance(value, (str, os.PathLike)):
        return _of_text(os.fspath(value), argument, name, allow_url)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return ImageInput(name, bytes(value))
    if isinstance(value, Image.Image):
        return _of_picture(value, _file_name(getattr(value, "filename", ""), name), argument, levels)
    if _is_file(value):
        return _of_open_file(value, _file_name(getattr(value, "name", ""), name), argument)
    if is_array(value):
        is_tensor = hasattr(value, "detach") or hasattr(value, "asnumpy")
        return ImageInput(name, pixels_of(to_numpy(value, argument), argument, is_tensor, levels))
    raise _wrong_kind(value, argument)


def _wrong_kind(value: Any, argument: str) -> InvalidType:
    return InvalidType(f"{argument} must be {KINDS}, not {shown(value)} ({type(value).__name__})")


def _is_single(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)) or _is_file(value)


def _is_file(value: Any) -> bool:
    return callable(getattr(value, "read", None))


def _holds_text(array: np.ndarray) -> bool:
    """Whether an array lists paths or other objects."""
    return array.ndim == 1 and array.dtype.kind in "OUS"


def _file_name(given: Any, name: str) -> str:
    return str(given) if isinstance(given, (str, os.PathLike)) and str(given) else name


def _scheme(text: Any) -> str:
    found = SCHEME.match(text) if isinstance(text, str) else None
    return found[1].lower() if found else ""


def _of_text(text: str, argument: str, name: str, allow_url: bool) -> ImageInput:
    if isinstance(text, str) and INLINE.match(text):
        return ImageInput(name, _inline(text, argument))
    scheme = _scheme(text)
    if scheme == "file":
        parts = urllib.parse.urlsplit(text)
        # the name of a server, before a share of Windows
        server = "" if parts.netloc in ("", "localhost") else f"//{parts.netloc}"
        return ImageInput(cut(text), PathText()(argument, urllib.request.url2pathname(server + parts.path)))
    if scheme in WEB_SCHEMES:
        if not allow_url:
            raise InvalidValue(
                f"{argument} is an address, {shown(text)}, and nothing is fetched unasked: give allow_url=True, or fetch the "
                "file and give its path"
            )
        return ImageInput(cut(text), text)
    if scheme:
        raise InvalidValue(
            f"{argument} is an address that monklite cannot fetch, {shown(text)}: copy the file here and give its path"
        )
    path = PathText()(argument, text)
    return ImageInput(path, path)


def _inline(address: str, argument: str) -> bytes:
    """The bytes inside a `data:` address."""
    head, _, body = address.partition(",")
    raw = urllib.parse.unquote_to_bytes(body)
    if not head.lower().endswith(";base64"):
        return raw
    try:
        return base64.b64decode(raw)
    except (binascii.Error, ValueError):
        raise InvalidValue(f"{argument} is a data: address that is not valid base64: {shown(address)}") from None


def _of_open_file(file: Any, name: str, argument: str) -> ImageInput:
    # from its beginning, as Pillow reads it: a buffer that was just written stands at its end
    # a pipe has no beginning
    with contextlib.suppress(AttributeError, OSError, ValueError):
        file.seek(0)
    try:
        content = file.read()
    # closed, or open for writing
    except ValueError as error:
        raise InvalidValue(
            f"{argument}: the file cannot be read ({cut(str(error))}): open it with open(path, 'rb')"
        ) from None
    except OSError as error:
        if is_transient(error):
            raise StorageError(f"{name} cannot be read: {cut(str(error))}") from error
        return ImageInput(name, problem=cut(error.strerror or str(error)))
    if not isinstance(content, (bytes, bytearray, memoryview)):
        raise InvalidType(
            f"{argument} is a file that gives {type(content).__name__}, not bytes: open it with open(path, 'rb')"
        )
    return ImageInput(name, bytes(content))


def _fetch(address: str) -> bytes:
    place = cut(address)
    try:
        request = urllib.request.Request(address, headers={"User-Agent": "monklite"})  # noqa: S310 (http and https only)
        with urllib.request.urlopen(request, timeout=URL_TIMEOUT) as answer:  # noqa: S310
            content: bytes = answer.read(MAX_URL_BYTES + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise UnreadableImage(f"{place} could not be fetched ({cut(str(error))})") from None
    if len(content) > MAX_URL_BYTES:
        raise UnreadableImage(f"{place} could not be fetched: it is larger than {MAX_URL_BYTES >> 20} MiB")
    return content


def _of_picture(picture: Image.Image, name: str, argument: str, levels: Levels) -> ImageInput:
    """The bytes of the file behind a picture that was not read yet, else a copy of the picture."""
    if 0 in picture.size:
        width, height = picture.size
        raise InvalidValue(
            f"{argument} is a picture of {width} x {height} px: an image has at least one pixel on each side"
        )
    content = pillow_pictures.unread_file(picture)
    if content is not None:
        return ImageInput(name, content)
    if pillow_pictures.has_more_in_its_file(picture) and levels.decided_kind("integer"):
        raise InvalidValue(
            f"{argument} is a picture of more than 8 bits of which Pillow keeps only a part (8 bits of each colour, or not "
            "that its white is zero): give the path or the bytes of its file"
        )
    try:
        return ImageInput(name, _upright(picture))
    # Pillow may read the file only now; its decoders raise errors of many kinds
    except Exception as error:
        if is_transient(error):
            raise
        return ImageInput(name, problem=cut(str(error) or type(error).__name__))


def _upright(picture: Image.Image) -> Image.Image:
    """A copy of a picture, turned as its EXIF data say, because a copy need not keep them."""
    picture.load()
    # fails if the EXIF data are broken
    with contextlib.suppress(Exception):
        return ImageOps.exif_transpose(picture)
    return picture.copy()
