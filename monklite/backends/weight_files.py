"""Weight files that users bring: what is inside a file that holds no weights, and prefixes of names."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from ..retrying_file import open_with_retries

BEGINNING = 1024  # bytes
HTML = re.compile(rb"^(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body|\?xml|!--)", re.IGNORECASE)
GIT_LFS = b"version https://git-lfs"
ZIP = b"PK\x03\x04"


def describe_other_content(path: Path) -> str:
    """The content of a file that should hold weights, such as `a web page (HTML)`; empty if its beginning does not show it.

    Raises:
        FileNotFoundError: no such file. StorageError: the drive does not give it.
    """
    with open_with_retries(path) as file:
        beginning = file.read(BEGINNING)
        is_unfinished = beginning.startswith(ZIP) and not zipfile.is_zipfile(file)
    if not beginning:
        return "an empty file (0 bytes)"
    if HTML.match(beginning):
        return "a web page (HTML), such as a login or error page that was saved in place of the file"
    if beginning.startswith(GIT_LFS):
        return "a Git LFS pointer, a text that stands for the file: `git lfs pull` fetches the file"
    if is_unfinished:
        return "the beginning of a file whose download or copy did not finish"
    return "a text" if _is_text(beginning) else ""


def _is_text(beginning: bytes) -> bool:
    try:
        text = beginning.decode("utf-8")
    except UnicodeDecodeError as error:
        # a character that is cut at the end
        if error.start < len(beginning) - 3:
            return False
        text = beginning[: error.start].decode("utf-8")
    return all(character.isprintable() or character.isspace() for character in text)


class Prefix(NamedTuple):
    """A prefix of the names in a file that the network does not have, and the names without it, which are not weights of it."""

    text: str
    others: list[str]


def find_prefix(names: Collection[str], needed: Collection[str]) -> list[Prefix]:
    """The prefixes, such as `module.`, with which a file has all the names that a network needs; `[""]` means no prefix.

    If there are none, the prefix that all names share is the only one, so that messages show the names behind it.
    """
    first = next(iter(needed), "")
    beginnings = {name[: len(name) - len(first)] for name in names if first and name.endswith(first)}
    prefixes = [b for b in beginnings if (not b or b.endswith(".")) and all(b + n in names for n in needed)]
    if "" in prefixes:
        return [Prefix("", [])]
    if not prefixes:
        prefixes = [_shared_prefix(names, needed)]
    return [Prefix(p, [n for n in names if not n.startswith(p)]) for p in sorted(prefixes)]


def _shared_prefix(names: Collection[str], needed: Iterable[str]) -> str:
    """The first parts of dotted names that all names share and no name of the network begins with."""
    own = {name.split(".")[0] for name in needed}
    prefix = ""
    while True:
        parts = {name[len(prefix) :].split(".")[0] for name in names}
        part = parts.pop() if len(parts) == 1 else ""
        if not part or part in own or any(name == prefix + part for name in names):
            return prefix
        prefix += f"{part}."
