"""Pretrained weights in a framework's cache folder: trouble of its drive is neither a failed download nor a wrong file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..errors import StorageError
from ..looking import exists, is_file
from ..retrying_file import open_with_retries
from ..transient import attempted, is_transient, passing_trouble

T = TypeVar("T")
CHUNK_BYTES = 1 << 20  # bytes


def load(action: Callable[[], T], file: Path) -> T:
    """The result of `action`, a call of a framework that loads a file of its cache, or downloads it there first.

    Raises:
        StorageError: the file is in the cache, and the drive does not give it, or it is no file. Other errors: those of
            `action`.
    """
    if not is_file(file):
        # frameworks would wait for a named pipe
        if exists(file):
            raise StorageError(f"{file} is in the place of pretrained weights, and is not a file: remove it")
        return action()
    try:
        return attempted(action)
    except OSError as error:
        if is_transient(error):
            raise passing_trouble(error, file) from error
        _read_through(file)
    # readers in C++ turn an error of the drive into one of their own, which looks like damage
    except Exception:
        _read_through(file)
    # the drive gives it now: what is wrong with the file is wrong again
    return action()


def _read_through(file: Path) -> None:
    """Read a file to its end.

    Raises:
        StorageError: the drive does not give it.
    """
    with open_with_retries(file) as content:
        while content.read(CHUNK_BYTES):
            pass
