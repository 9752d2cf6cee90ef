"""What is in the files: a digest of each one's bytes, remembered so that an unchanged file is not read again."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from ..errors import NotFound, StorageError
from .arrays import read_arrays, write_arrays
from .samples import DIGEST, DIGEST_BYTES, UNREAD, Samples

# ns: a file may change twice within one tick of its times (FAT counts in 2 s), so wait before trusting them
YOUNG = 2 * 10**9
MOST = 1_000_000  # remembered files; 40 bytes each
MEMO = "digests.npz"
PATIENCE = 10  # seconds to wait for another process that writes the memo; it can always be done without
GONE = "is no longer there: it has gone since the folder was read; put it back"


def digest_of(content: bytes) -> bytes:
    """The digest of a file's bytes, without NULs at its end, as NumPy has it."""
    return blake2b(content, digest_size=DIGEST_BYTES).digest().rstrip(b"\0")


def recall(samples: Samples, folder: Path | None) -> Samples:
    """The table with size and times of each file, and its digest where the memo in `folder` has it and it has not changed since.

    The file system is asked once for each file, and not again for a table that has been here.

    Args:
        folder: where the memo lies; None does without one.

    Raises:
        NotFound: a file is gone.
    """
    if len(samples) and samples.stamps[0] == UNREAD:
        samples = _stamped(samples, before=time.time_ns() - YOUNG)
    unread = samples.digests == UNREAD
    if folder is None or not unread.any():
        return samples
    return replace(samples, digests=np.where(unread, _Memo.load(folder).look_up(samples.stamps), samples.digests))


def remember(samples: Samples, rows: np.ndarray, folder: Path) -> None:
    """Keep the digests of files that were read, unless they changed just now."""
    kept = rows[samples.settled[rows] & (samples.digests[rows] != UNREAD)]
    if len(kept):
        _Memo.add(folder, samples.stamps[kept], samples.digests[kept])


def _stamped(samples: Samples, before: int) -> Samples:
    """With size, stamp, and whether the file last changed before a time, ns since 1970.

    The time of change counts too: it cannot be set back, as unpacking an archive does with the time of writing.
    """
    roots = [str(root.resolve()) for root in samples.roots]
    sizes, stamps = np.empty(len(samples), np.int64), np.empty(len(samples), DIGEST)
    settled = np.empty(len(samples), bool)
    for i, (source, path) in enumerate(zip(samples.sources.tolist(), samples.paths, strict=True)):
        try:
            info = os.stat(f"{roots[source]}/{path}")  # noqa: PTH116 (half the time)
        except FileNotFoundError:
            raise NotFound(f"{samples.place(i)} {GONE}") from None
        text = f"{roots[source]}\0{path}\0{info.st_size}\0{info.st_mtime_ns}\0{info.st_ctime_ns}"
        sizes[i], stamps[i] = info.st_size, _stamp(text)
        settled[i] = max(info.st_mtime_ns, info.st_ctime_ns) < before
    return replace(samples, file_sizes=sizes, stamps=stamps, settled=settled)


def _stamp(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=DIGEST_BYTES).digest()


@dataclass(frozen=True)
class _Memo:
    """Stamp -> digest, sorted by stamp. `added`: when, seconds since 1970."""

    stamps: np.ndarray
    digests: np.ndarray
    added: np.ndarray

    @classmethod
    def load(cls, folder: Path) -> _Memo:
        arrays = read_arrays(folder / MEMO, "stamps", "digests", "added")
        if arrays is not None:
            memo = cls(*arrays)
            if memo._sound():
                return memo
        return cls(np.empty(0, DIGEST), np.empty(0, DIGEST), np.empty(0, np.int64))

    def _sound(self) -> bool:
        arrays = (self.stamps, self.digests, self.added)
        types = [a.dtype for a in arrays] == [DIGEST, DIGEST, np.dtype(np.int64)]
        return types and {a.shape for a in arrays} == {(self.stamps.size,)}

    def look_up(self, stamps: np.ndarray) -> np.ndarray:
        """The digest of each stamp, `UNREAD` where it is not known."""
        if not len(self.stamps):
            return np.full(len(stamps), UNREAD, DIGEST)
        places = np.minimum(np.searchsorted(self.stamps, stamps), len(self.stamps) - 1)
        return np.where(self.stamps[places] == stamps, self.digests[places], UNREAD).astype(DIGEST)

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
