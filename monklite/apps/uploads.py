"""The pictures of a request: its whole body, or the parts of a form. They stay in memory and are not written to the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from ..errors import cut
from ..printable import printable
from .refusals import Refusal

# of one request
MOST_PICTURES = 64
MOST_NAME = 200
FORM = "multipart/form-data"


class Upload(NamedTuple):
    """A picture as it was sent. `name`: of its file, or `picture 1` after its place. `field`: its name in a form."""

    name: str
    content: bytes
    field: str = ""


async def body_of(request: Request) -> bytes:
    """The body of a request. Raises Refusal: it was cut off."""
    try:
        return await request.body()
    except ClientDisconnect:
        raise Refusal("BadRequestImageStream", "the request was cut off") from None


async def pictures_of(request: Request) -> list[Upload]:
    """The pictures of a request, at least one.

    Raises:
        Refusal: of another type, without pictures, with too many of them, or cut off.
    """
    given = request.headers.get("content-type", "")
    kind, options = parse_options_header(given)
    kind_name = kind.decode("latin-1").lower()
    is_form = kind_name == FORM
    _check_type(kind_name, request)
    body = await body_of(request)
    # the bytes of a form are searched for its parts, which takes a while
    found = (
        await asyncio.to_thread(parts_of, body, options.get(b"boundary", b""))
        if is_form
        else [Upload("picture 1", body)]
    )
    if not any(upload.content for upload in found):
        raise Refusal("BadRequestImageStream", "no picture was sent: the request is empty")
    return found


def _check_type(kind: str, request: Request) -> None:
    if kind not in ("", FORM, "application/octet-stream") and not kind.startswith("image/"):
        raise Refusal(
            "UnsupportedMediaType",
            f"a picture is sent as image/..., application/octet-stream, or in parts of {FORM}, not as {kind}",
        )
    packed = request.headers.get("content-encoding", "identity")
    if packed.lower() != "identity":
        raise Refusal("UnsupportedMediaType", f"the request is packed ({packed}): send the picture as it is")


def parts_of(body: bytes, boundary: bytes) -> list[Upload]:
    """The parts of a form, each a picture. Raises Refusal: it is damaged, or has too many parts."""
    collected = _Parts()
    try:
        parser = MultipartParser(boundary, collected.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise Refusal("BadRequestImageStream", f"the form cannot be read: {error}") from None
    if not collected.is_complete:
        raise Refusal("BadRequestImageStream", "the form cannot be read: it ends before its last boundary")
    return collected.uploads


class _Parts:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.uploads: list[Upload] = []
        self.is_complete = False
        self._content, self._header, self._value, self._name, self._field = bytearray(), b"", b"", "", ""

    def callbacks(self) -> Any:
        names = "part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "end"
        return {f"on_{name}": getattr(self, f"_{name}") for name in names}

    def _part_begin(self) -> None:
        if len(self.uploads) >= MOST_PICTURES:
            raise Refusal(
                "BadRequestImageExceededCount",
                f"a request has at most {MOST_PICTURES} pictures: send the others in another",
            )
        self._content, self._field, self._name = bytearray(), "", f"picture {len(self.uploads) + 1}"

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._content += memoryview(data)[start:end]

    def _part_end(self) -> None:
        self.uploads.append(Upload(self._name, bytes(self._content), self._field))

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            options = parse_options_header(self._value)[1]
            self._name = _file_name(options) or self._name
            self._field = cut(options.get(b"name", b"").decode("utf-8", "replace"), MOST_NAME)
        self._header = self._value = b""

    def _end(self) -> None:
        self.is_complete = True


def _file_name(options: Mapping[bytes, bytes]) -> str:
    """The name of a file without its folders."""
    given = options.get(b"filename", b"").decode("utf-8", "replace")
    return cut(printable(PurePosixPath(given.replace("\\", "/")).name), MOST_NAME)
