"""Text from outside as it may be printed: names of files and classes, and whatever an imported run says."""

from __future__ import annotations

import re
import unicodedata

_PLAIN = re.compile(r"[ -~]*")
# they belong to words of several scripts and to emoji
_JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    """A text as one line that cannot disturb a terminal: line ends, other control characters, and characters that turn the
    direction of the text around them or are not seen are escaped, such as `\\x1b`; all other ones stay."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(c if _is_harmless(c) else repr(c)[1:-1] for c in text)


def _is_harmless(character: str) -> bool:
    return character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"
