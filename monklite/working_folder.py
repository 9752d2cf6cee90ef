"""The folder that relative paths begin at; it may have been deleted since the program started in it."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import NotFound, shown


def looked_from() -> str:
    """Where relative paths were looked for, as messages about missing files say it."""
    try:
        return f"looked from {Path.cwd()}"
    except OSError:
        return "the working folder has been deleted: give absolute paths"


def absolute(path: str | os.PathLike[str]) -> Path:
    """The absolute form of a path.

    Raises:
        NotFound: it is relative, and the working folder has been deleted.
    """
    try:
        return Path(path).absolute()
    except OSError as error:
        raise NotFound(
            f"{shown(os.fspath(path))} is a relative path, and the working folder has been deleted ({error.strerror}): change to "
            "another one, or give an absolute path"
        ) from None
