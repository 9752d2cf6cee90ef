"""Rules for a text, a path, and True or False."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import suggestion
from .rule import Rule

# of a whole path with the zero that ends it, and of each of its parts, bytes, on common file systems
MAX_PATH_LENGTH, MAX_PART_BYTES = 4096, 255


@dataclass(frozen=True)
class Flag(Rule):
    """True or False."""

    @property
    def annotation(self) -> str:
        return "bool"

    def check(self, value: Any) -> bool:
        if type(value).__name__ not in ("bool", "bool_"):
            raise TypeError
        return bool(value)

    def __str__(self) -> str:
        return "True or False"


@dataclass(frozen=True)
class Text(Rule):
    """A string of at least `least` and at most `most` characters; None: of any length."""

    least: int = 1
    most: int | None = None

    @property
    def annotation(self) -> str:
        return "str"

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        if len(value) < self.least or (self.most is not None and len(value) > self.most):
            raise ValueError
        return str(value)

    def __str__(self) -> str:
        if self.most is None:
            return "a string"
        least = f"at least {self.least} and " if self.least else ""
        return f"a text of {least}at most {self.most} characters"


@dataclass(frozen=True)
class OneOf(Rule):
    """One of a few strings."""

    choices: tuple[str, ...]

    @property
    def annotation(self) -> str:
        return f"Literal[{', '.join(map(repr, self.choices))}]"

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        if value not in self.choices:
            raise ValueError(suggestion(value, self.choices))
        return str(value)

    def __str__(self) -> str:
        return "one of " + ", ".join(map(repr, self.choices))


@dataclass(frozen=True)
class PathText(Rule):
    """A path as string or `pathlib.Path`; kept as string."""

    @property
    def annotation(self) -> str:
        return "str | PathLike[str]"

    def check(self, value: Any) -> str:
        if not isinstance(value, (str, os.PathLike)):
            raise TypeError
        text = os.fspath(value)
        if not isinstance(text, str):
            raise TypeError
        if not text or "\0" in text:
            raise ValueError
        try:
            n_bytes = len(text.encode())
        # it could not be stored
        except UnicodeEncodeError:
            raise ValueError("its name is not valid UTF-8, rename it") from None
        if n_bytes >= MAX_PATH_LENGTH or any(len(part.encode()) > MAX_PART_BYTES for part in Path(text).parts):
            raise ValueError("too long for a file system")
        return os.path.expanduser(str(text))  # noqa: PTH111 (a Path would drop the "./" and "/" that the user wrote)

    def __str__(self) -> str:
        return "a path"


@dataclass(frozen=True)
class FileStem(Rule):
    """The beginning of a file name: no path separators, and none of the prefixes that are reserved in its folder."""

    reserved: tuple[str, ...] = ()

    @property
    def annotation(self) -> str:
        return "str"

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,79}", value):
            raise ValueError
        if value.startswith(self.reserved):
            raise ValueError(f"{' and '.join(self.reserved)} are names of other files there")
        return value

    def __str__(self) -> str:
        return "the beginning of a file name: letters, digits, _ - and . only, at most 80"
