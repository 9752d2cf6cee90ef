"""The room that decoded images take on the disk: a limit, and what goes when it is reached.

The least recently used goes first. What a living process uses or writes stays, and so does every file that is not
monklite's own.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import secrets
import shutil
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import InvalidValue
from ..files import TEMPORARY, in_words

VARIABLE = "MONKLITE_CACHE_GB"  # how much the decoded images of a workspace may take; 0: none are kept
SHARE = 0.5  # of the disk's free space (with what the cache has of it already), where the variable is not set
SPARE = 1 << 30  # bytes of disk that are left free in any case
GB = 10**9
IMAGES, INDEX, LOCK, LEASE = ".images.npy", ".index.npz", ".lock", ".in-use"

_ENTRY = re.compile(rf"([0-9a-f]{{32}})(?:{re.escape(IMAGES)}|{re.escape(INDEX)})")
_LEASE = re.compile(rf"([0-9a-f]{{32}})\.\d+-[0-9a-f]+{re.escape(LEASE)}")
_UNFINISHED = re.compile(rf"\.([0-9a-f]{{32}})\..+{re.escape(TEMPORARY)}")


def limit(folder: Path) -> int:
    """Bytes that the cache in `folder` may take.

    Raises:
        InvalidValue: the environment variable holds no such number.
    """
    asked = os.environ.get(VARIABLE, "").strip()
    if not asked:
        return int(SHARE * (free(folder) + sum(e.size for e in _entries(folder))))
    try:
        number = float(asked)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise InvalidValue(f"{VARIABLE} must be a number of gigabytes, 0 or more, not {asked!r}")
    return int(number * GB)


def free(folder: Path) -> int:
    """Bytes free on the disk of a folder that need not be there yet."""
    return shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists())).free


def make(folder: Path, needed: int = 0) -> str:
    """Remove what is used least recently until `needed` more bytes fit.

    Returns:
        "" or why they do not fit; then nothing was removed that would have been in vain.
    """
    unfinished = _sweep(folder)
    entries = sorted(_entries(folder), key=lambda e: e.used)
    taken, most, left = sum(e.size for e in entries) + unfinished, limit(folder), free(folder)
    if needed > most:
        return f"more than the {in_words(most)} that the cache may take ({VARIABLE} sets it)"
    if needed and needed + SPARE > left + taken:
        return f"and the disk has only {in_words(left)} free"
    for entry in entries:
        if taken + needed <= most and (not needed or needed + SPARE <= left):
            break
        if _remove(folder / entry.key):
            taken, left = taken - entry.size, left + entry.size
    if needed and (taken + needed > most or needed + SPARE > left):
        return "and the rest of the cache is in use"
    return ""


def size(folder: Path) -> int:
    """Bytes that the decoded images in `folder` take."""
    return sum(entry.size for entry in _entries(folder))


def clear(folder: Path, tell: Callable[[str], None] = lambda text: None) -> int:
    """Remove every cache that no living process uses; returns the bytes that are free again. `tell`: told what stays."""
    _sweep(folder)
    freed = sum(e.size for e in list(_entries(folder)) if _remove(folder / e.key))
    if left := size(folder):
        tell(f"{in_words(left)} of decoded images stay: they are in use just now, or cannot be removed")
    return freed


class Lease:
    """Marks a cache as in use until it is given up, or its process ends in whatever way."""

    def __init__(self, base: Path) -> None:
        self._lock = FileLock(
            f"{base}.{os.getpid()}-{secrets.token_hex(4)}{LEASE}", thread_local=False
        )  # any thread may give it up
        with contextlib.suppress(OSError):  # a folder that may only be read: nobody can remove anything there either
            self._lock.acquire(timeout=0)

    def give_up(self) -> None:
        self._lock.release(force=True)
        with contextlib.suppress(OSError):
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def hold_for(self, owner: object) -> None:
        """Hold it as long as `owner` lives."""
        weakref.finalize(owner, _give_up, self, os.getpid())


def _give_up(lease: Lease, process: int) -> None:
    if os.getpid() == process:  # a forked copy leaves the lease to its parent
        lease.give_up()


@dataclass(frozen=True)
class _Entry:
    key: str
    size: int
    used: float


def _entries(folder: Path) -> Iterator[_Entry]:
    found: dict[str, tuple[int, float]] = {}
    for name, info in _files(folder, _ENTRY):
        size, used = found.get(name, (0, 0.0))
        found[name] = size + info.st_size, max(used, info.st_mtime)
    return (_Entry(key, *values) for key, values in found.items())


def _files(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Key and stat of the files whose name fits."""
    for path, key in _paths(folder, pattern):
        with contextlib.suppress(OSError):  # another process has just removed it
            yield key, path.stat()


def _paths(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[Path, str]]:
    with contextlib.suppress(OSError):  # there is no cache yet, or it may not be looked into
        for path in list(folder.iterdir()):
            if found := pattern.fullmatch(path.name):
                yield path, found[1]


def _sweep(folder: Path) -> int:
    """Remove what killed processes left; returns the bytes that living ones are writing."""
    for path, _ in _paths(folder, _LEASE):
        _unlink_unheld(path)
    writing = 0
    for path, key in _paths(folder, _UNFINISHED):
        with contextlib.suppress(OSError), _tried(Path(f"{folder / key}{LOCK}")) as held:
            if held:
                path.unlink(missing_ok=True)
            else:
                writing += path.stat().st_size
    return writing


def _remove(base: Path) -> bool:
    """Remove one cache, unless a living process uses or writes it."""
    with contextlib.suppress(OSError), _tried(Path(f"{base}{LOCK}")) as held:
        leases = [path for path, key in _paths(base.parent, _LEASE) if key == base.name]
        if held and all(_unlink_unheld(path) for path in leases):
            for ending in (INDEX, IMAGES):  # half of a cache counts as none
                Path(f"{base}{ending}").unlink(missing_ok=True)
            return True
    return False


def _unlink_unheld(lease: Path) -> bool:
    with contextlib.suppress(OSError), _tried(lease) as held:
        if held:
            lease.unlink(missing_ok=True)
        return held
    return False


@contextlib.contextmanager
def _tried(path: Path) -> Iterator[bool]:
    """Hold a lock if nobody else does."""
    lock = FileLock(path)
    with contextlib.suppress(Timeout):
        lock.acquire(timeout=0)
    try:
        yield lock.is_locked
    finally:
        lock.release()
