"""What is in the files: a digest of each one's bytes, remembered so that an unchanged file is not read again."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from ..errors import NotFound, StorageError
from .arrays import read_arrays, write_arrays
from .discover import Samples
from .prefetch import in_order

SIZE = 16  # bytes of a digest: two different files with the same one are not to be expected on this planet
DTYPE = np.dtype(f"S{SIZE}")
UNREAD = b""  # for a file that cannot be read; decoding finds out why
YOUNG = (
    2 * 10**9
)  # ns: a file may change twice within one tick of its times (FAT counts in 2 s), so wait before trusting them
MOST = 1_000_000  # remembered files; 40 bytes each
MEMO = "digests.npz"
PATIENCE = 10  # seconds to wait for another process that writes the memo; it can always be done without
BLOCK = 1 << 20
GONE = "is no longer there: it has gone since the folder was read; put it back"

Tick = Callable[[int, int], None]  # done, all


@dataclass(frozen=True)
class Contents:
    """Of each sample: `digests` of its bytes, and `stamps` of its place, size and times; both S16 (N,)."""

    digests: np.ndarray
    stamps: np.ndarray


def read(samples: Samples, folder: Path | None, workers: int, tick: Tick | None = None) -> Contents:
    """The digest of every file, from the memo in `folder` where the file has not changed since.

    Args:
        folder: where the memo lies; None does without one.
        workers: threads that read. tick: told how many of the files that have to be read are done.

    Raises:
        NotFound: a file is gone.
    """
    now = time.time_ns()  # before anything is looked at: what changes from here on gets a later time
    stamps, settled = stamp(samples, before=now - YOUNG)
    found, known = _Memo.load(folder).look_up(stamps)
    unknown = np.flatnonzero(~known)
    paths = (f"{samples.root}/{samples.paths[i]}" for i in unknown)
    with ThreadPoolExecutor(max(1, workers), "monklite-reading") as pool:
        for done, (row, digest) in enumerate(zip(unknown, in_order(pool, digest_of, paths, workers), strict=True), 1):
            found[row] = digest
            if tick is not None:
                tick(done, len(unknown))
    fresh = unknown[settled[unknown] & (found[unknown] != UNREAD)]
    if folder is not None and len(fresh):
        _Memo.add(folder, stamps[fresh], found[fresh])
    return Contents(found, stamps)


def stamp(samples: Samples, before: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A stamp of each file's place, size and times, S16 (N,), and whether it last changed before a time, ns since 1970.

    The time of change counts too: it cannot be set back, as unpacking an archive does with the time of writing.

    Raises:
        NotFound: a file is gone.
    """
    root = str(samples.root.resolve())
    stamps, settled = np.empty(len(samples), DTYPE), np.empty(len(samples), bool)
    for i, path in enumerate(samples.paths):
        try:
            info = os.stat(f"{root}/{path}")  # noqa: PTH116 (half the time)
        except FileNotFoundError:
            raise NotFound(f"{samples.root / path} {GONE}") from None
        text = f"{root}\0{path}\0{info.st_size}\0{info.st_mtime_ns}\0{info.st_ctime_ns}"
        stamps[i] = blake2b(text.encode("utf-8", "surrogateescape"), digest_size=SIZE).digest()
        settled[i] = max(info.st_mtime_ns, info.st_ctime_ns) < before
    return stamps, settled


def digest_of(path: str) -> bytes:
    """The digest of one file's bytes, without NULs at its end as NumPy has it; UNREAD where the file cannot be read.

    Raises:
        NotFound: it is gone.
    """
    digest = blake2b(digest_size=SIZE)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (a plain string is faster)
            while block := file.read(BLOCK):
                digest.update(block)
    except FileNotFoundError:
        raise NotFound(f"{path} {GONE}") from None
    except OSError:
        return UNREAD
    return digest.digest().rstrip(b"\0")


@dataclass(frozen=True)
class _Memo:
    """Stamp -> digest, sorted by stamp. `added`: when, seconds since 1970."""

    stamps: np.ndarray
    digests: np.ndarray
    added: np.ndarray

    @classmethod
    def load(cls, folder: Path | None) -> _Memo:
        found = None if folder is None else read_arrays(folder / MEMO, "stamps", "digests", "added")
        if found is not None:
            memo = cls(*found)
            if memo._sound():
                return memo
        return cls(np.empty(0, DTYPE), np.empty(0, DTYPE), np.empty(0, np.int64))

    def _sound(self) -> bool:
        arrays = (self.stamps, self.digests, self.added)
        types = [a.dtype for a in arrays] == [DTYPE, DTYPE, np.dtype(np.int64)]
        return types and {a.shape for a in arrays} == {(self.stamps.size,)}

    def look_up(self, stamps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The digest of each stamp, and whether it is known."""
        if not len(self.stamps):
            return np.full(len(stamps), UNREAD, DTYPE), np.zeros(len(stamps), bool)
        places = np.minimum(np.searchsorted(self.stamps, stamps), len(self.stamps) - 1)
        known = self.stamps[places] == stamps
        return np.where(known, self.digests[places], UNREAD).astype(DTYPE), known

    @classmethod
    def add(cls, folder: Path, stamps: np.ndarray, digests: np.ndarray) -> None:
        """Remember more; where that cannot be, the files are read again next time."""
        with contextlib.suppress(OSError, StorageError, Timeout):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / f"{MEMO}.lock", timeout=PATIENCE):  # what two processes add at once is kept
                before = cls.load(folder)
                everything = np.concatenate([stamps, before.stamps])
                added = np.concatenate([np.full(len(stamps), int(time.time()), np.int64), before.added])
                unique, first = np.unique(everything, return_index=True)
                newest = np.sort(np.argsort(-added[first], kind="stable")[:MOST])
                kept = first[newest]
                merged = np.concatenate([digests, before.digests])[kept]
                write_arrays(folder / MEMO, stamps=unique[newest], digests=merged, added=added[kept])
