"""The images of one folder, whatever their classes are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import DatasetError, NotFound, shown
from ..looking import is_folder
from ..working_folder import looked_from
from .listing import EXTENSIONS, walk
from .unread_formats import describe_unread


def images_in_folder(folder: str | os.PathLike[str]) -> list[str]:
    """The names of the images in a folder and in the folders below it, sorted; relative to it, with `/` on every system.

    Raises:
        NotFound: no such folder. DatasetError: no images in it.
    """
    if not is_folder(Path(folder)):
        raise NotFound(f"there is no folder at {shown(os.fspath(folder))} ({looked_from()})")
    path = os.fspath(folder)
    images, others = walk(path, "", frozenset())
    if not images:
        unread = unread_of(folder, [name.removeprefix("/") for name in others])
        raise DatasetError(f"{folder} holds no images ({endings()}){unread}")
    return sorted(name.removeprefix("/") for names in images.values() for name in names)


def endings() -> str:
    """The endings of the files that count as images, for a message."""
    return f"files ending in {' '.join(sorted(EXTENSIONS))}"


def unread_of(folder: str | os.PathLike[str], others: Sequence[str]) -> str:
    """A sentence to append to an error about missing images: which files are there in their place; empty if none are."""
    unread = describe_unread(folder, others, look_inside=True)
    return f". There are {unread}" if unread else ""
