"""Atomic file writing: a temporary file in the same folder is written, flushed and renamed."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import MonkliteError, StorageError

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
# errors of mounted drives and network shares that cannot flush a folder
_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}
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
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise StorageError(f"{path} could not be written: {reason}. What was saved before is untouched.") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; it becomes `path` when the block succeeds, and is removed otherwise.

    Raises:
        StorageError: the disk is full, or the folder cannot be written. The file at `path`, if any, stays as it was.
    """
    with storing(path), beside(path) as temporary:
        mode = _default_mode(temporary)
        yield temporary
        # some libraries create files that only their owner can read
        temporary.chmod(mode)
        publish(temporary, path)


def publish(temporary: Path, path: Path) -> None:
    """Flush a complete file and rename it to its final path."""
    _flush(temporary)
    temporary.replace(path)
    _flush(path.parent)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder as `path`; a file that is still there afterwards is removed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _default_mode(path: Path) -> int:
    """The permissions of this user's new files, determined by creating one."""
    path.touch()
    mode = path.stat().st_mode & 0o777
    path.unlink()
    return mode


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with replacing(path) as temporary:
        # file names in the text need not be valid UTF-8
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")


def replace_symlink(link: Path, target: Path) -> None:
    """Make `link` a symbolic link to `target`, replacing an older one.

    Raises:
        OSError, NotImplementedError: symbolic links are not available here.
    """
    with beside(link) as temporary:
        temporary.symlink_to(target, target_is_directory=(link.parent / target).is_dir())
        temporary.replace(link)
        _flush(link.parent)


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
                temporary.replace(path)
                _flush(path.parent)
            return True
        except (OSError, NotImplementedError):
            return False


def _identity(path: Path) -> tuple[int, ...]:
    info = path.stat()
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files of killed writers from `folder`; call it only while holding the folder's lock."""
    for file in folder.glob(".*"):
        if file.match(f".*{TEMPORARY}") or _SAFETENSORS_TEMPORARY.fullmatch(file.name):
            file.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":
        # Windows cannot open a folder; the rename is still atomic there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not is_folder or error.errno not in _CANNOT_FLUSH:
            raise
    finally:
        os.close(descriptor)
