"""A file that is read with retries: trouble of its drive that passes is tried again, and never looks like damage of the file."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from .errors import StorageError
from .files import reading
from .regular_files import open_regular
from .transient import attempted


class RetryingFile(io.RawIOBase):
    """A file open for reading, opened again and read again after trouble that may pass.

    Libraries turn an error of reading into errors of their own, which look like damage of the file. `trouble`: the error
    itself, None if there was none that stayed.
    """

    def __init__(self, path: Path, most: int | None = None) -> None:
        super().__init__()
        self._most = most
        self.trouble: OSError | None = None
        self._path, self._position = path, 0
        self._file: io.FileIO | None = None
        self._file = attempted(self._open)
        self._version = _version(self._file)

    def _open(self) -> io.FileIO:
        return open_regular(self._path, self._most)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._version[0]}[whence]
        if start + offset < 0:
            raise ValueError(f"negative position {start + offset}")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            n_read = attempted(lambda: self._read(buffer))
        except OSError as error:
            self.trouble = error
            raise
        self._position += n_read
        return n_read

    def _read(self, buffer: bytearray | memoryview) -> int:
        file = self._file
        if file is None:
            file = self._open()
            # parts of two files would be read as one
            if _version(file) != self._version:
                file.close()
                raise StorageError(f"{self._path} was changed while it was read: run it again")
            self._file = file
        try:
            file.seek(self._position)
            return file.readinto(buffer) or 0
        except OSError:
            # a stale handle stays stale
            self._file = None
            file.close()
            raise

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()


def _version(file: io.FileIO) -> tuple[int, int]:
    """The size of an open file in bytes, and its time of change in ns."""
    info = os.fstat(file.fileno())
    return info.st_size, info.st_mtime_ns


@contextmanager
def open_with_retries(path: Path, most: int | None = None) -> Iterator[io.BufferedReader]:
    """Yield a file open for reading, whose drive is tried again; whatever its reader raises or hides, its trouble is told.

    It has no descriptor, so that libraries read it through Python.

    Args:
        most: bytes; a larger file is refused.

    Raises:
        FileNotFoundError: no such file. StorageError: the drive does not give it, or it is no regular file, or too large.
    """
    with reading(path):
        file = RetryingFile(path, most)
    # the type stubs ask for more than is needed
    with io.BufferedReader(cast(Any, file)) as buffered:
        try:
            yield buffered
        finally:
            if file.trouble is not None:
                with reading(path):
                    raise file.trouble
