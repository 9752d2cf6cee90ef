"""Files that are the old one or the new one, never half of each: written beside, flushed, then renamed."""

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
_OF_SAFETENSORS = re.compile(r"\.tmp[A-Za-z0-9]{6}")  # it writes beside our temporary file, then renames to that
_REASONS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "your disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "you may not write there",
    errno.EPERM: "you may not write there",
    errno.ENOENT: "its folder has been removed",
}


# what mounted drives and network shares say to the flushing of a folder
_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}
UNITS = ("B", "kB", "MB", "GB", "TB")


def in_words(size: float) -> str:
    """A number of bytes as it is read: `812 B`, `3.1 MB`, `1.2 GB`."""
    power = min(len(UNITS) - 1, max(0, (len(str(round(size))) - 1) // 3))
    return f"{size / 1000**power:,.{int(power > 0)}f} {UNITS[power]}"


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn an `OSError` while writing `path` into a `StorageError` that says what to do."""
    try:
        yield
    except MonkliteError:
        raise  # it says already what is wrong, and not every one is about this file
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise StorageError(f"{path} could not be written: {reason}. What was saved before is untouched.") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; when the block ends well it becomes `path`, else it is removed.

    Raises:
        StorageError: the disk is full, or the folder cannot be written. The file at `path`, if any, stays as it was.
    """
    with storing(path), beside(path) as temporary:
        mode = _usual_mode(temporary)
        yield temporary
        temporary.chmod(mode)  # some libraries make files that nobody else may read
        publish(temporary, path)


def publish(temporary: Path, path: Path) -> None:
    """Flush a file that is written to its end, and give it the name that others look for."""
    _flush(temporary)
    temporary.replace(path)
    _flush(path.parent)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A name in the same folder for what becomes `path`; what still bears it afterwards is removed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _usual_mode(path: Path) -> int:
    """The permissions that this user's new files have, found by making one."""
    path.touch()
    mode = path.stat().st_mode & 0o777
    path.unlink()
    return mode


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as a whole."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")  # file names may be odd


def point(link: Path, target: Path) -> None:
    """Make `link` a symbolic link to `target`, in place of an older one.

    Raises:
        OSError, NotImplementedError: it is not to be had.
    """
    with beside(link) as temporary:
        temporary.symlink_to(target, target_is_directory=(link.parent / target).is_dir())
        temporary.replace(link)
        _flush(link.parent)


@dataclass(frozen=True)
class Twin:
    """A file as it was left; the same content can be given other names as long as nobody changed it."""

    path: Path
    identity: tuple[int, ...]

    @classmethod
    def of(cls, path: Path) -> Twin:
        return cls(path, _identity(path))

    def link(self, path: Path) -> bool:
        """Make `path` another name of this file; False where the file is gone or another, or links are not to be had."""
        try:
            if _identity(self.path) != self.identity:
                return False
            with beside(path) as temporary:  # a rename between two names of one file leaves both
                os.link(self.path, temporary)
                temporary.replace(path)
                _flush(path.parent)
            return True
        except (OSError, NotImplementedError):
            return False


def _identity(path: Path) -> tuple[int, ...]:
    info = path.stat()
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns


def sweep(folder: Path) -> None:
    """Remove what killed writers left in `folder`; call it only while holding the folder's lock."""
    for file in folder.glob(".*"):
        if file.match(f".*{TEMPORARY}") or _OF_SAFETENSORS.fullmatch(file.name):
            file.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    folder = path.is_dir()
    if folder and os.name == "nt":
        return  # Windows cannot open a folder; the rename is still atomic there
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not folder or error.errno not in _CANNOT_FLUSH:
            raise
    finally:
        os.close(descriptor)
