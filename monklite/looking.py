"""Looking at the disk: whether a path exists, and what a folder holds. Trouble that passes is tried again, never an answer."""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .errors import StorageError
from .transient import retried

T = TypeVar("T")
# nothing of that name can be there
_ABSENT = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG))
# of Windows: a name that no file can have, a link that leads nowhere
_ABSENT_ON_WINDOWS = frozenset((123, 1921))


def exists(path: Path) -> bool:
    """Whether a file or folder is there; False for a link to nothing.

    Raises:
        StorageError: the disk does not say.
    """
    return _mode(path) != 0


def is_file(path: Path) -> bool:
    """Whether a regular file, or a link to one, is there. Raises as `exists`."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether a folder, or a link to one, is there. Raises as `exists`."""
    return stat.S_ISDIR(_mode(path))


def is_link(path: Path) -> bool:
    """Whether a symbolic link is there, wherever it leads. Raises as `exists`."""
    info = _in_words(path.lstat, path, "read")
    return info is not None and stat.S_ISLNK(info.st_mode)


def entries(folder: Path) -> list[Path]:
    """The paths directly in a folder, sorted; none if there is no such folder.

    Raises:
        StorageError: it cannot be listed.
    """
    return sorted(_in_words(lambda: list(folder.iterdir()), folder, "listed") or ())


def walk(folder: Path) -> list[Path]:
    """Every path below a folder, sorted; links to folders are not followed. Raises as `entries`."""
    found: list[Path] = []
    for path in entries(folder):
        found.append(path)
        if not is_link(path) and is_folder(path):
            found += walk(path)
    return sorted(found)


def _mode(path: Path) -> int:
    info = _in_words(path.stat, path, "read")
    return info.st_mode if info is not None else 0


def _in_words(action: Callable[[], T], path: Path, verb: str) -> T | None:
    try:
        return retried(action, path, verb)
    except StorageError:
        raise
    except ValueError:
        # a NUL in the name
        return None
    except OSError as error:
        if error.errno in _ABSENT or getattr(error, "winerror", None) in _ABSENT_ON_WINDOWS:
            return None
        raise StorageError(
            f"{path} cannot be {verb} ({error.strerror}): check its permissions and its drive"
        ) from error
