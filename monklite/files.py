"""Atomic file writing: a temporary file in the same folder is written, flushed and renamed.

Drives and network shares refuse some of these steps. What is not needed is left out then, and what weakens the promise is
said once; see docs/decisions/0019.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import MonkliteError, StorageError
from .printable import printable
from .regular_files import NotReadable
from .transient import attempted, is_transient, passing_trouble

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TEMPORARY = ".monklite-tmp"
# safetensors writes to a file of its own next to our temporary file, then renames it
_SAFETENSORS_TEMPORARY = re.compile(r"\.tmp[A-Za-z0-9]{6}")
_REASONS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "your disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "you may not write there",
    errno.EPERM: "you may not write there",
    errno.ENOENT: "its folder has been removed",
}
# errors of mounted drives and network shares that do not know an operation
UNSUPPORTED = frozenset((errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOTTY, errno.EBADF))
# of a path on Windows, unless the user has enabled long paths
_WINDOWS_PATH_LENGTH = 260
_LOG = logging.getLogger("monklite")
UNITS = ("B", "kB", "MB", "GB", "TB")


def format_bytes(size: float) -> str:
    """A number of bytes for people: `812 B`, `3.1 MB`, `1.2 GB`."""
    power = min(len(UNITS) - 1, max(0, (len(str(round(size))) - 1) // 3))
    return f"{size / 1000**power:,.{int(power > 0)}f} {UNITS[power]}"


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn an `OSError` while writing `path` into a `StorageError` that says what to do."""
    try:
        yield
    except MonkliteError:
        # its message already says what is wrong, and it need not be about this file
        raise
    except OSError as error:
        raise StorageError(
            f"{path} could not be written: {_reason(error, path)}. What was saved before is untouched."
        ) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an `OSError` while reading `path` into a `StorageError` in words; a file that is missing stays that."""
    try:
        yield
    except (MonkliteError, FileNotFoundError):
        raise
    except NotReadable as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}") from error
    except OSError as error:
        if is_transient(error):
            raise passing_trouble(error, path) from error
        raise StorageError(f"{path} cannot be read ({error.strerror}): check its permissions and its drive") from error


def _reason(error: OSError, path: Path) -> str:
    if os.name == "nt" and isinstance(error, FileNotFoundError) and len(str(path)) >= _WINDOWS_PATH_LENGTH:
        return f"its path has {len(str(path))} characters, too many for Windows; use a folder with a shorter path"
    if os.name == "nt" and isinstance(error, PermissionError):
        return "you may not write there, or another program has the file open; close it"
    return _REASONS.get(error.errno or 0, error.strerror or str(error))


def say_once(key: str, message: str) -> None:
    """Log a warning that this process has not logged yet under `key`."""
    if key not in _SAID:
        _SAID.add(key)
        _LOG.warning("%s", printable(message))


_SAID: set[str] = set()


def make_folder(folder: Path) -> None:
    """Create a folder with its parents, unless it is there.

    Raises:
        StorageError: it cannot be created.
    """
    with storing(folder):
        _make_folder(folder)


def _make_folder(folder: Path) -> None:
    # one after the other, each with tries of its own
    try:
        attempted(lambda: folder.mkdir(exist_ok=True))
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        _make_folder(folder.parent)
        attempted(lambda: folder.mkdir(exist_ok=True))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; it becomes `path` when the block succeeds, and is removed otherwise.

    Raises:
        StorageError: the disk is full, or the folder cannot be written. The file at `path`, if any, stays as it was.
    """
    with storing(path), beside(path) as temporary:
        yield temporary
        _make_readable(temporary)
        publish(temporary, path)


def publish(temporary: Path, path: Path) -> None:
    """Flush a complete file and rename it to its final path."""
    _flush_file(temporary)
    rename(temporary, path)
    _flush_folder(path.parent)


def rename(old: Path, new: Path) -> None:
    """Rename a file, replacing one at `new`.

    It is tried for some seconds: an antivirus, an indexer, or a reader on a network share holds a file for a moment.

    Raises:
        OSError: it cannot be renamed.
    """
    attempted(lambda: old.replace(new), lambda error: is_transient(error) or isinstance(error, PermissionError))


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder as `path`; a file that is still there afterwards is removed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
    try:
        yield temporary
    finally:
        discard(temporary)


def discard(file: Path) -> None:
    """Remove a temporary file, if it is there and can be removed; one that stays is removed as a leftover later."""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def _make_readable(file: Path) -> None:
    """Give a file the permissions of this user's new files. Some libraries create files that only their owner can read."""
    mode = stat.S_IMODE(attempted(file.stat).st_mode)
    if os.name == "nt" or mode & 0o077:
        return
    # many network shares refuse permissions; the file is complete without them
    with contextlib.suppress(OSError), beside(file) as probe:
        probe.touch()
        default = stat.S_IMODE(probe.stat().st_mode)
        if default != mode:
            file.chmod(default)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically."""
    # file names in the text need not be valid UTF-8
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically."""
    with replacing(path) as temporary:
        attempted(lambda: temporary.write_bytes(content))


def write_new(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file that is not there yet; if that fails, nothing is left of it.

    Args:
        mode: its permissions, where the drive knows such.

    Raises:
        FileExistsError: there is something. OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError:
        discard(path)
        raise


def replace_symlink(link: Path, target: Path) -> None:
    """Make `link` a symbolic link to `target`, replacing an older one.

    Raises:
        OSError, NotImplementedError: symbolic links are not available here.
    """
    with beside(link) as temporary:
        is_folder = attempted((link.parent / target).is_dir)
        attempted(lambda: temporary.symlink_to(target, target_is_directory=is_folder))
        rename(temporary, link)
        _flush_folder(link.parent)


@dataclass(frozen=True)
class LinkSource:
    """A written file that can be hard-linked to other paths as long as it is unchanged."""

    path: Path
    identity: tuple[int, ...]

    @classmethod
    def of(cls, path: Path) -> LinkSource:
        return cls(path, _identity(path))

    def link(self, path: Path) -> bool:
        """Make `path` a hard link to this file; False if the file is gone or has changed, or links are not available."""
        try:
            if _identity(self.path) != self.identity:
                return False
            # a rename between two links to one file leaves both, so `beside` removes the temporary one
            with beside(path) as temporary:
                os.link(self.path, temporary)
                rename(temporary, path)
                _flush_folder(path.parent)
            return True
        except (OSError, NotImplementedError):
            return False


def _identity(path: Path) -> tuple[int, ...]:
    info = path.stat()
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of killed writers from `folder`; call it only while holding the folder's lock.

    Raises:
        OSError: the folder is there and cannot be listed.
    """
    try:
        files = attempted(lambda: list(folder.iterdir()))
    except FileNotFoundError:
        return
    for file in files:
        if file.match(f".*{TEMPORARY}") or _SAFETENSORS_TEMPORARY.fullmatch(file.name):
            discard(file)


def _flush_file(file: Path) -> None:
    # Windows flushes only what was opened for writing
    descriptor = attempted(lambda: os.open(file, os.O_RDWR | getattr(os, "O_BINARY", 0)))
    try:
        flush(descriptor, file)
    finally:
        os.close(descriptor)


def flush(descriptor: int, file: Path) -> None:
    """Flush an open file to the disk; a drive that cannot flush is reported once.

    It is not tried again after a failure: the system may have dropped the content by then and call the second try a success.

    Raises:
        OSError: the flush failed.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        say_once(
            "flush",
            f"the drive of {file.parent} cannot flush files ({error.strerror}): after a power failure, files that were "
            "saved a moment before may be missing",
        )


def _flush_folder(folder: Path) -> None:
    """Flush a rename to the disk. Where that is refused, the rename is still atomic."""
    # Windows cannot open a folder
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    # a folder that may be written but not listed, or too many open files
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {*UNSUPPORTED, errno.EPERM, errno.EACCES}:
            raise
    finally:
        os.close(descriptor)
