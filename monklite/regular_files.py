"""The one place where files are opened for reading: regular files only, without waiting for what is in their place.

Opening a named pipe waits for somebody who writes into it, a device gives bytes without an end, and a run folder or an archive
may have been made by anybody. What is open is asked, not the name: that costs no system call more than Python's own `open`,
and nobody can put something else there in between.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import Final

# Of tables and other texts that are read whole; a split of five million images has about so much. A larger file is not read
MAX_TEXT_BYTES: Final = 1 << 30
# of JSON files, which take many times their size in memory
MAX_JSON_BYTES: Final = 64 << 20
# bytes that are asked for beyond the size of a file: it may have grown, and some systems give sizes of 0
_MORE = 4096
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}
_FLAGS = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_CLOEXEC", 0)
# not of Windows, whose folders hold no pipes; a terminal must not become that of the process
_NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


class NotReadable(OSError):
    """There is something that is not read, whoever asks: not a regular file, or a larger one than is read."""


def open_regular(path: str | os.PathLike[str], most: int | None = None, writable: bool = False) -> io.FileIO:
    """Open an existing file to read it, without a buffer.

    Args:
        most: bytes; a larger file is refused. writable: it can also be written to.

    Raises:
        NotReadable: it is no regular file, or larger. OSError: the system does not open it.
    """
    descriptor, _ = _opened(path, most, os.O_RDWR if writable else os.O_RDONLY)
    return io.FileIO(descriptor, "r+" if writable else "r")


def open_or_create(path: str | os.PathLike[str]) -> io.FileIO:
    """Open a file to read and write it, without a buffer and as it is; a missing one is created. Raises as `open_regular`."""
    descriptor, _ = _opened(path, None, os.O_RDWR | os.O_CREAT)
    return io.FileIO(descriptor, "r+")


def read_regular(path: str | os.PathLike[str], most: int = MAX_TEXT_BYTES) -> bytes:
    """The content of a file of at most `most` bytes. Raises as `open_regular`."""
    descriptor, info = _opened(path, most, os.O_RDONLY)
    try:
        parts, size = [], 0
        while part := os.read(descriptor, max(info.st_size - size, 0) + _MORE):
            parts.append(part)
            size += len(part)
            # it grew while it was read, or its system does not tell its size
            _check_size(path, size, most)
        return parts[0] if len(parts) == 1 else b"".join(parts)
    finally:
        os.close(descriptor)


def check_regular(path: str | os.PathLike[str], most: int | None = None) -> None:
    """Check a file that a library opens by its name. Raises as `open_regular`."""
    _check(path, Path(path).stat(), most)


def _opened(path: str | os.PathLike[str], most: int | None, access: int) -> tuple[int, os.stat_result]:
    """The descriptor of a file, and its properties."""
    try:
        descriptor = os.open(path, access | _FLAGS | _NO_WAITING, 0o666)
    except OSError as error:
        if not _NO_WAITING or error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENXIO):
            raise
        # a pipe or a device that nobody is behind, or a regular file that another machine holds or its drive has to fetch:
        # for the file it may wait
        check_regular(path, most)
        descriptor = os.open(path, access | _FLAGS)
    try:
        info = os.fstat(descriptor)
        _check(path, info, most)
        return descriptor, info
    except BaseException:
        os.close(descriptor)
        raise


def _check(path: str | os.PathLike[str], info: os.stat_result, most: int | None) -> None:
    kind = stat.S_IFMT(info.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if kind != stat.S_IFREG:
        raise NotReadable(errno.EINVAL, f"it is {_KINDS.get(kind, 'something else')}, not a file", os.fspath(path))
    _check_size(path, info.st_size, most)


def _check_size(path: str | os.PathLike[str], size: int, most: int | None) -> None:
    if most is not None and size > most:
        raise NotReadable(errno.EFBIG, f"it has {size:,} bytes, and at most {most:,} are read", os.fspath(path))
