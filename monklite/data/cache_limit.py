"""The limit on the disk space of the cache, and what is removed when it is reached.

The least recently used caches are removed first. Caches that a running process uses or writes stay, and so do all files that
are not monklite's.
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

from ..errors import InvalidValue, StorageError
from ..files import TEMPORARY, discard, format_bytes, say_once
from ..locks import Lock
from ..transient import attempted

LIMIT_VARIABLE = "MONKLITE_CACHE_GB"  # for the decoded images of a workspace; 0: none are kept
DEFAULT_SHARE = 0.5  # of the disk space that is free or used by the cache, if the variable is not set
MIN_FREE_BYTES = 1 << 30  # of the disk, in any case
UNKNOWN_FREE_BYTES = 1 << 50
GB = 10**9
IMAGES_SUFFIX, INDEX_SUFFIX, LOCK_SUFFIX, LEASE_SUFFIX = ".images.npy", ".index.npz", ".lock", ".in-use"
FEATURES_SUFFIX, FEATURES_INDEX_SUFFIX = ".features.bin", ".features.npz"
NETWORK_SUFFIX = ".network.npz"
# index first: without it the rest counts as no cache
_SUFFIXES = (INDEX_SUFFIX, IMAGES_SUFFIX, FEATURES_INDEX_SUFFIX, FEATURES_SUFFIX, NETWORK_SUFFIX)

_ENTRY = re.compile(rf"([0-9a-f]{{32}})(?:{'|'.join(map(re.escape, _SUFFIXES))})")
_LEASE = re.compile(rf"([0-9a-f]{{32}})\.\d+-[0-9a-f]+{re.escape(LEASE_SUFFIX)}")
_UNFINISHED = re.compile(rf"\.([0-9a-f]{{32}})\..+{re.escape(TEMPORARY)}")


def limit(folder: Path) -> int:
    """The bytes that the cache in `folder` may use.

    Raises:
        InvalidValue: the environment variable is not a number of gigabytes.
    """
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    if not text:
        return int(DEFAULT_SHARE * (free_bytes(folder) + sum(e.size for e in _entries(folder))))
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = math.nan
    if not 0 <= gigabytes < math.inf:
        raise InvalidValue(f"{LIMIT_VARIABLE} must be a number of gigabytes, 0 or more, not {text!r}")
    return int(gigabytes * GB)


def free_bytes(folder: Path) -> int:
    """The free bytes on the disk of a folder, which need not exist yet."""
    try:
        return attempted(lambda: shutil.disk_usage(next(p for p in (folder, *folder.parents) if p.exists())).free)
    # some network drives do not say; a disk that is full is noticed while writing
    except OSError as error:
        say_once("free space", f"the drive of {folder} does not tell its free space ({error.strerror})")
        return UNKNOWN_FREE_BYTES


def make_space(folder: Path, needed: int = 0) -> str:
    """Remove the least recently used caches until `needed` more bytes fit.

    Returns:
        "", or the reason why they do not fit; if that is certain in advance, nothing was removed.
    """
    unfinished = _remove_leftovers(folder)
    entries = sorted(_entries(folder), key=lambda e: e.last_use)
    used, allowed, free = sum(e.size for e in entries) + unfinished, limit(folder), free_bytes(folder)
    if reason := _never_fits(needed, used, allowed, free):
        return reason
    for entry in entries:
        if used + needed <= allowed and (not needed or needed + MIN_FREE_BYTES <= free):
            break
        if _remove(folder / entry.key):
            used, free = used - entry.size, free + entry.size
    if needed and (used + needed > allowed or needed + MIN_FREE_BYTES > free):
        return "and the rest of the cache is in use"
    return ""


def refusal(folder: Path, needed: int) -> str:
    """The reason why `needed` bytes would not fit even if all caches were removed; empty if they would."""
    return _never_fits(needed, size(folder), limit(folder), free_bytes(folder))


def _never_fits(needed: int, used: int, allowed: int, free: int) -> str:
    if needed > allowed:
        return f"more than the {format_bytes(allowed)} that the cache may take ({LIMIT_VARIABLE} sets it)"
    if needed and needed + MIN_FREE_BYTES > free + used:
        return f"and the disk has only {format_bytes(free)} free"
    return ""


def size(folder: Path) -> int:
    """The bytes that the decoded images in `folder` use."""
    return sum(entry.size for entry in _entries(folder))


def clear(folder: Path, say: Callable[[str], None] = lambda text: None) -> int:
    """Remove every cache that no running process uses; returns the freed bytes. `say`: gets a message about the rest."""
    _remove_leftovers(folder)
    freed = sum(e.size for e in list(_entries(folder)) if _remove(folder / e.key))
    if remaining := size(folder):
        say(f"{format_bytes(remaining)} of decoded images are kept: they are in use, or cannot be removed")
    return freed


class Lease:
    """A mark that a cache is in use, until it is released or its process ends in any way."""

    def __init__(self, base: Path) -> None:
        self._lock = Lock(Path(f"{base}.{os.getpid()}-{secrets.token_hex(4)}{LEASE_SUFFIX}"))
        # in a read-only folder no lease is needed: nothing can be removed there
        with contextlib.suppress(StorageError):
            self._lock.acquire(timeout=0)

    def release(self) -> None:
        self._lock.release()
        discard(self._lock.path)

    def hold_for(self, owner: object) -> None:
        """Hold it until `owner` is garbage-collected."""
        weakref.finalize(owner, _release_in, os.getpid(), self)


def _release_in(process: int, lease: Lease) -> None:
    # a forked copy leaves the lease to its parent
    if os.getpid() == process:
        lease.release()


@dataclass(frozen=True)
class _Entry:
    key: str
    size: int
    last_use: float


def _entries(folder: Path) -> Iterator[_Entry]:
    totals: dict[str, tuple[int, float]] = {}
    for key, info in _files(folder, _ENTRY):
        size, last_use = totals.get(key, (0, 0.0))
        totals[key] = size + info.st_size, max(last_use, info.st_mtime)
    return (_Entry(key, *values) for key, values in totals.items())


def _files(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the key and stat result of each file whose name matches."""
    for path, key in _paths(folder, pattern):
        # another process may have removed it
        with contextlib.suppress(OSError):
            yield key, path.stat()


def _paths(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[Path, str]]:
    # there may be no cache yet, or no permission to list it
    with contextlib.suppress(OSError):
        for path in list(folder.iterdir()):
            if match := pattern.fullmatch(path.name):
                yield path, match[1]


def _remove_leftovers(folder: Path) -> int:
    """Remove files of killed processes; returns the size in bytes of the files that running ones are writing."""
    for path, _ in _paths(folder, _LEASE):
        _unlink_unheld(path)
    unfinished = 0
    for path, key in _paths(folder, _UNFINISHED):
        with contextlib.suppress(OSError), _trying_lock(Path(f"{folder / key}{LOCK_SUFFIX}")) as held:
            if held:
                path.unlink(missing_ok=True)
            else:
                unfinished += path.stat().st_size
    return unfinished


def _remove(base: Path) -> bool:
    """Remove one cache, unless a running process uses or writes it; returns whether it was removed."""
    with contextlib.suppress(OSError), _trying_lock(Path(f"{base}{LOCK_SUFFIX}")) as held:
        leases = [path for path, key in _paths(base.parent, _LEASE) if key == base.name]
        if held and all(_unlink_unheld(path) for path in leases):
            for suffix in _SUFFIXES:
                Path(f"{base}{suffix}").unlink(missing_ok=True)
            return True
    return False


def _unlink_unheld(lease: Path) -> bool:
    with contextlib.suppress(OSError), _trying_lock(lease) as held:
        if held:
            lease.unlink(missing_ok=True)
        return held
    return False


@contextlib.contextmanager
def _trying_lock(path: Path) -> Iterator[bool]:
    """Try to acquire a lock for the block; yields whether it keeps others out."""
    lock = Lock(path)
    lock.acquire(timeout=0)
    try:
        yield lock.is_held and lock.protects()
    finally:
        lock.release()
