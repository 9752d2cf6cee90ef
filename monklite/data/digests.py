"""Digests of the files' bytes, remembered so that an unchanged file is not read again."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import numpy as np

from ..errors import NotFound, StorageError
from ..files import make_folder
from ..locks import Lock
from ..transient import retried
from .arrays import read_arrays, write_arrays
from .samples import DIGEST, DIGEST_BYTES, UNREAD, Samples, path_in

# ns since the last change before a file's times are trusted: a file may change twice within their resolution (2 s on FAT)
MIN_AGE_NS = 2 * 10**9
MAX_REMEMBERED_FILES = 1_000_000  # 40 bytes each
MEMO = "digests.npz"
# for another process that writes the memo; without the memo, files are only read again
LOCK_TIMEOUT_SECONDS = 10
GONE = "is no longer there: it was removed after the folder was read; put it back"


def digest_of(content: bytes) -> bytes:
    """The digest of a file's bytes, without NULs at its end, as in NumPy's arrays."""
    return blake2b(content, digest_size=DIGEST_BYTES).digest().rstrip(b"\0")


def recall(samples: Samples, folder: Path | None) -> Samples:
    """The table with the size and times of each file, and its digest if the memo has it and the file is unchanged.

    The file system is asked once per file, and not again for a table returned from here.

    Args:
        folder: the folder of the memo; None: no memo.

    Raises:
        NotFound: a file is missing.
    """
    if len(samples) and samples.stamps[0] == UNREAD:
        samples = _stamped(samples, before=time.time_ns() - MIN_AGE_NS)
    unread = samples.digests == UNREAD
    if folder is None or not unread.any():
        return samples
    return replace(samples, digests=np.where(unread, _Memo.load(folder).look_up(samples.stamps), samples.digests))


def remember(samples: Samples, rows: np.ndarray, folder: Path) -> None:
    """Keep the digests of files that were read, unless they changed a moment ago."""
    rows = rows[samples.settled[rows] & (samples.digests[rows] != UNREAD)]
    if len(rows):
        _Memo.add(folder, samples.stamps[rows], samples.digests[rows])


def _stamped(samples: Samples, before: int) -> Samples:
    """The table with sizes, stamps, and whether each file last changed before `before`, ns since 1970.

    The change time counts too: it cannot be set back, as unpacking an archive does with the modification time.
    """
    roots = [str(root.resolve()) for root in samples.roots]
    sizes, stamps = np.empty(len(samples), np.int64), np.empty(len(samples), DIGEST)
    settled = np.empty(len(samples), bool)
    for i, (source, path) in enumerate(zip(samples.sources.tolist(), samples.paths, strict=True)):
        try:
            info = os.stat(path_in(roots[source], path))  # noqa: PTH116 (half the time)
        except OSError:
            info = _stat_again(samples.file_path(i))
        text = f"{roots[source]}\0{path}\0{info.st_size}\0{info.st_mtime_ns}\0{info.st_ctime_ns}"
        sizes[i], stamps[i] = info.st_size, _stamp(text)
        settled[i] = max(info.st_mtime_ns, info.st_ctime_ns) < before
    return replace(samples, file_sizes=sizes, stamps=stamps, settled=settled)


def _stat_again(path: str) -> os.stat_result:
    """Ask for a file's properties after the first try failed."""
    try:
        return retried(lambda: os.stat(path), path)  # noqa: PTH116 (as above)
    except StorageError:
        raise
    except FileNotFoundError:
        raise NotFound(f"{path} {GONE}") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror}): check its permissions and its drive") from error


def _stamp(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=DIGEST_BYTES).digest()


@dataclass(frozen=True)
class _Memo:
    """A map from stamp to digest, sorted by stamp. `added`: time of adding, seconds since 1970."""

    stamps: np.ndarray
    digests: np.ndarray
    added: np.ndarray

    @classmethod
    def load(cls, folder: Path) -> _Memo:
        arrays = read_arrays(folder / MEMO, "stamps", "digests", "added")
        if arrays is not None:
            memo = cls(*arrays)
            if memo._is_valid():
                return memo
        return cls(np.empty(0, DIGEST), np.empty(0, DIGEST), np.empty(0, np.int64))

    def _is_valid(self) -> bool:
        arrays = (self.stamps, self.digests, self.added)
        types_match = [a.dtype for a in arrays] == [DIGEST, DIGEST, np.dtype(np.int64)]
        return types_match and {a.shape for a in arrays} == {(self.stamps.size,)}

    def look_up(self, stamps: np.ndarray) -> np.ndarray:
        """The digest of each stamp, `UNREAD` if unknown."""
        if not len(self.stamps):
            return np.full(len(stamps), UNREAD, DIGEST)
        rows = np.minimum(np.searchsorted(self.stamps, stamps), len(self.stamps) - 1)
        return np.where(self.stamps[rows] == stamps, self.digests[rows], UNREAD).astype(DIGEST)

    @classmethod
    def add(cls, folder: Path, stamps: np.ndarray, digests: np.ndarray) -> None:
        """Add digests to the memo file; if that fails, the files are read again next time."""
        with contextlib.suppress(StorageError):
            make_folder(folder)
            lock = Lock(folder / f"{MEMO}.lock")
            # held from reading to writing, so that nothing is lost if two processes add digests
            if not lock.acquire(LOCK_TIMEOUT_SECONDS):
                return
            try:
                current = cls.load(folder)
                all_stamps = np.concatenate([stamps, current.stamps])
                added = np.concatenate([np.full(len(stamps), int(time.time()), np.int64), current.added])
                unique, first = np.unique(all_stamps, return_index=True)
                newest = np.sort(np.argsort(-added[first], kind="stable")[:MAX_REMEMBERED_FILES])
                kept = first[newest]
                merged = np.concatenate([digests, current.digests])[kept]
                write_arrays(folder / MEMO, stamps=unique[newest], digests=merged, added=added[kept])
            finally:
                lock.release()
