"""Locks between processes, on files; where the file system has none, nothing is locked and that is said once.

A file that merely exists is no substitute: a killed process leaves it, and on a mounted drive nobody can tell that its
process is dead. See docs/decisions/0019.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path
from typing import Any

from filelock import FileLock, SoftFileLock, Timeout

from .files import TEMPORARY, discard, say_once, storing
from .transient import attempted

# errors of file systems without locks; EACCES and EROFS mean that the file cannot be written, or that it is another's
_NO_LOCKS = frozenset(
    getattr(errno, name)
    for name in ("ENOSYS", "ENOTSUP", "EOPNOTSUPP", "ENOLCK", "EINVAL", "EPERM")
    if hasattr(errno, name)
)
_supported: dict[Path, bool] = {}


class Lock:
    """A lock that one object at a time has, among all processes that see the file.

    `is_held`: this object has it; without locks on this file system, it was acquired.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # not local to the thread: any thread may release it
        self._lock = _file_lock(path)
        self._acquired_unprotected = False

    @property
    def is_held(self) -> bool:
        return self._acquired_unprotected or bool(self._lock.is_locked)

    def protects(self) -> bool:
        """Whether the lock keeps others out: False where the file system has no locks."""
        return are_supported(self.path.parent)

    def acquire(self, timeout: float = -1) -> bool:
        """Acquire it; False if another has it and still has it after `timeout` seconds. Negative: wait as long as it takes.

        Raises:
            StorageError: the lock file cannot be opened.
        """
        with storing(self.path):
            if self.protects():
                try:
                    attempted(lambda: self._lock.acquire(timeout=timeout))
                    return True
                # it is an OSError, which `storing` would convert
                except Timeout:
                    return False
                # a drive that was mounted again since
                except (OSError, NotImplementedError) as error:
                    if _is_refused_otherwise(error):
                        raise
                    _note_no_locks(self.path.parent, error)
            self._acquired_unprotected = True
            return True

    def release(self) -> None:
        """Give it up; does nothing without it."""
        self._acquired_unprotected = False
        # of a share that has gone; the lock went with it
        with contextlib.suppress(OSError):
            self._lock.release(force=True)

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


def are_supported(folder: Path) -> bool:
    """Whether files in a folder can be locked; True if that cannot be tried, for example in a read-only folder."""
    if folder not in _supported:
        _try_out(folder)
    return _supported.get(folder, True)


def _try_out(folder: Path, tries: int = 3) -> None:
    """Lock a new file in the folder, which nobody else can have locked; nothing is noted if it cannot be created.

    Args:
        tries: another process that removes leftovers may remove the file before it is locked, which looks as if it were taken.
    """
    path = folder / f".{os.getpid()}-{secrets.token_hex(4)}.lock{TEMPORARY}"
    lock = _file_lock(path)
    try:
        attempted(lambda: lock.acquire(timeout=0))
        # filelock's own substitute, where it could not be told to leave it
        if isinstance(lock, SoftFileLock):
            _note_no_locks(folder, NotImplementedError("no flock"))
        else:
            _supported[folder] = True
    except (OSError, NotImplementedError) as error:
        if isinstance(error, Timeout) and tries > 1:
            _try_out(folder, tries - 1)
        elif not _is_refused_otherwise(error):
            _note_no_locks(folder, error)
    finally:
        with contextlib.suppress(OSError):
            lock.release(force=True)
        discard(path)


def _is_refused_otherwise(error: Exception) -> bool:
    return isinstance(error, OSError) and not isinstance(error, Timeout) and error.errno not in _NO_LOCKS


def _note_no_locks(folder: Path, error: Exception) -> None:
    _supported[folder] = False
    reason = getattr(error, "strerror", None) or type(error).__name__
    say_once(
        "lock",
        f"the file system of {folder} has no file locks ({reason}): do not work on one experiment in two processes at "
        "a time, and remove decoded images by hand (the folder .cache of the workspace) when nothing is running",
    )


def _file_lock(path: Path) -> Any:
    options: dict[str, Any] = {"thread_local": False}
    try:
        return FileLock(path, fallback_to_soft=False, **options)
    # an older filelock, which has no such argument
    except TypeError:
        return FileLock(path, **options)
