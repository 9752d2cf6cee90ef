"""The files in the body of a form, `multipart/form-data` (RFC 7578)."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import HeaderParser
from itertools import pairwise

# bytes of the headers of a part
MOST_HEAD = 8 << 10
END_OF_HEADERS, LINE = b"\r\n\r\n", b"\r\n"
FORM = "multipart/form-data"
# a name as browsers send it, without the escapes and the charsets of mails
_NAME = re.compile(r'^content-disposition:[^\r\n]*;\s*filename="([^"\\\r\n]+)"', re.IGNORECASE | re.MULTILINE)


class TooManyParts(ValueError):
    """A form has more parts than it may have."""


def is_form(content_type: str) -> bool:
    return _parsed(content_type).get_content_type() == FORM


def files_of(body: bytes, content_type: str, most: int) -> list[tuple[str, bytes]]:
    """The name and the content of each part; one without a name is `picture 1` after its place.

    Args:
        most: parts.

    Raises:
        TooManyParts: it has more. ValueError: the body is damaged, as the message says.
    """
    boundary = _parsed(content_type).get_boundary("")
    if not boundary:
        raise ValueError("the type of the form names no boundary")
    delimiter = re.compile(rb"\r\n--" + re.escape(boundary.encode("latin-1", "replace")) + rb"(--)?[ \t]*(?=\r\n|\Z)")
    # the first one may have no line before it
    text, marks = LINE + body, []
    for mark in delimiter.finditer(text):
        marks.append(mark)
        if len(marks) > most + 1:
            raise TooManyParts
        if mark[1]:
            return [_file(text[one.end() : other.start()], i) for i, (one, other) in enumerate(pairwise(marks), 1)]
    raise ValueError("the form ends before its last boundary")


def _file(part: bytes, number: int) -> tuple[str, bytes]:
    head, found, content = part.partition(END_OF_HEADERS)
    if not found:
        raise ValueError(f"part {number} of the form has no content")
    if len(head) > MOST_HEAD:
        raise ValueError(f"the headers of part {number} of the form have more than {MOST_HEAD:,} bytes")
    # browsers and curl send UTF-8
    text = head.lstrip(LINE).decode("utf-8", "replace")
    plain = _NAME.search(text)
    name = plain[1] if plain else HeaderParser().parsestr(f"{text}\n\n").get_filename("")
    return name or f"picture {number}", content


def _parsed(content_type: str) -> Message:
    message = Message()
    message["Content-Type"] = content_type
    return message
