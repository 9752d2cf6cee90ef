"""Decoded once: images as one memory-mapped uint8 file, shared by every experiment and process on the same data.

The key is what is in the files, in their order, with everything that decides the pixels: a moved or copied dataset finds its
cache, a changed file never does. Where there is no room for the file, images are decoded again each time they are read,
with the same result.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from filelock import FileLock
from PIL import __version__ as pillow_version

from ..errors import DatasetError, StorageError, UnreadableImage
from ..files import TEMPORARY, in_words, replacing, storing
from . import cache_limit, decode, digests
from .arrays import read_arrays, write_arrays
from .augment import Policy
from .cache_limit import IMAGES, INDEX, LOCK
from .digests import Contents, Tick
from .discover import Samples
from .prefetch import in_order

FORMAT = 2  # raise it when decoding changes what it gives
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Store(Protocol):
    """Decoded images.

    `sizes` (N, 2): width and height before squeezing; `problems`: row -> why it is unreadable; `notes` uint16 (N,): what was
    done to odd files, as `decode.Note`; `digests` S16 (N,): of the files' bytes; `remark`: why they are not kept decoded.
    """

    sizes: np.ndarray
    problems: dict[int, str]
    notes: np.ndarray
    digests: np.ndarray
    remark: str

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The images of these rows, uint8 (n, side, side, 3)."""
        ...


def _nothing(kind: type) -> np.ndarray:
    return np.zeros(0, kind)


@dataclass
class CachedStore:
    """Images that lie decoded in a memory-mapped file."""

    images: np.ndarray
    sizes: np.ndarray
    problems: dict[int, str]
    notes: np.ndarray = field(default_factory=lambda: _nothing(np.uint16))
    digests: np.ndarray = field(default_factory=lambda: np.zeros(0, digests.DTYPE))
    remark: str = ""

    def read(self, rows: np.ndarray) -> np.ndarray:
        return self.images[rows]


@dataclass
class StreamingStore:
    """Images that are decoded each time they are read."""

    samples: Samples
    policy: Policy
    workers: int
    sizes: np.ndarray
    problems: dict[int, str]
    notes: np.ndarray
    digests: np.ndarray
    stamps: np.ndarray
    remark: str = ""

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max(1, self.workers), "monklite-decoding")

    def read(self, rows: np.ndarray) -> np.ndarray:
        """As of every store.

        Raises:
            NotFound: a file is gone. DatasetError: it holds something else now. UnreadableImage: it never could be read.
        """
        out = np.empty((len(rows), self.policy.stored_size, self.policy.stored_size, 3), np.uint8)
        some = self.samples.take(rows)
        for i, found in enumerate(_decode_all(some, self.policy, self.workers, self._pool)):
            if found.pixels is None:
                raise UnreadableImage(decode.sentence(some.root / some.paths[i], found.problem))
            out[i] = found.pixels
        self._check_unchanged(some, rows)
        return out

    def _check_unchanged(self, some: Samples, rows: np.ndarray) -> None:
        """Every epoch must see the same images; other times alone, as after a copy put back, do not matter."""
        for i in np.flatnonzero(digests.stamp(some)[0] != self.stamps[rows]):
            path = f"{some.root}/{some.paths[i]}"
            if digests.digest_of(path) not in (self.digests[rows[i]], digests.UNREAD):
                raise DatasetError(f"{path} has changed since the dataset was read: train a new version with it")


def open_store(
    samples: Samples, policy: Policy, folder: Path, workers: int, tick: Tick | None = None, keep: bool = True
) -> Store:
    """Decode every image that is not in the cache yet, and return them all.

    Args:
        samples: which files; `folder`: where caches lie; `workers`: threads that decode.
        tick: told how many of how many files are read, then how many of how many images are decoded.
        keep: False decodes without writing a cache.

    Raises:
        NotFound: a file has gone since the folder was read. DatasetError: one changed while it was decoded.
        StorageError: the cache cannot be written.
        InvalidValue: the environment variable that limits the cache holds no number.
    """
    writable = keep and _writable(folder)
    work = _Work(samples, policy, workers, tick, digests.read(samples, folder if keep else None, workers, tick))
    base = folder / work.key()
    if not keep:
        return work.stream("")
    store: Store | None = _open(base, work)
    if store is None and not writable:  # a workspace that may only be read can still be judged and predicted with
        return work.stream(_remark(f"nothing can be written into {folder}"))
    if store is None:
        with FileLock(f"{base}{LOCK}"):  # two processes with the same data: the second waits, then reads
            store = _open(base, work) or _fill(base, work)
    else:
        cache_limit.make(folder)  # the limit, or what is free, may have become less
    return store


def _fill(base: Path, work: _Work) -> Store:
    """Decode everything into the cache, or into none where there is no room for it."""
    _sweep(base)
    refused = cache_limit.make(base.parent, work.bytes) or _write(base, work)
    store = None if refused else _open(base, work)
    return store or _stream_with_index(base, work, refused or "and they were removed at once")


def _stream_with_index(base: Path, work: _Work, refused: str) -> StreamingStore:
    """Decode at every reading; what was found out about the files is kept all the same."""
    remark = _remark(f"decoded they take {in_words(work.bytes)}, {refused}")
    index = Index.load(base, len(work.samples))
    if index is None:
        index = work.look()
        with contextlib.suppress(StorageError):  # a full disk: looked at again next time
            index.save(base)
    return work.streaming(index, remark)


def _remark(reason: str) -> str:
    return f"the images are decoded again in every epoch, which is slower: {reason}"


@dataclass(frozen=True)
class Index:
    """What was found out about the files. `reasons`: row -> why it is unreadable, without the path, which may change."""

    sizes: np.ndarray
    notes: np.ndarray
    reasons: dict[int, str]

    @classmethod
    def load(cls, base: Path, n: int) -> Index | None:
        found = read_arrays(Path(f"{base}{INDEX}"), "sizes", "notes", "rows", "reasons")
        if found is None or found[0].shape != (n, 2) or found[1].shape != (n,) or found[2].shape != found[3].shape:
            return None
        sizes, notes, rows, reasons = found
        return cls(sizes, notes, {int(row): str(text) for row, text in zip(rows, reasons, strict=True)})

    def save(self, base: Path) -> None:
        rows = sorted(self.reasons)
        write_arrays(
            Path(f"{base}{INDEX}"),
            sizes=self.sizes,
            notes=self.notes,
            rows=np.array(rows, np.int64),
            reasons=np.array([self.reasons[row] for row in rows], dtype=str),
        )


@dataclass(frozen=True)
class _Work:
    """What is to be decoded, and how."""

    samples: Samples
    policy: Policy
    workers: int
    tick: Tick | None
    contents: Contents

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return len(self.samples), self.policy.stored_size, self.policy.stored_size, 3

    @property
    def bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    def key(self) -> str:
        """32 hexadecimal digits over the files' contents and everything that decides the pixels and the notes."""
        how = f"{FORMAT} {pillow_version} {self.policy.decoding} {self.policy.input_size}\n"
        return hashlib.sha256(how.encode() + self.contents.digests.tobytes()).hexdigest()[:32]

    def look(self, keep: Callable[[Any], object] | None = None) -> Index:
        """Decode every file once; `keep` gets the images in their order, black where one cannot be read.

        Raises:
            DatasetError: a file changed meanwhile.
        """
        index = Index(np.zeros((len(self.samples), 2), np.int32), np.zeros(len(self.samples), np.uint16), {})
        black = np.zeros(self.shape[1:], np.uint8)
        for i, found in enumerate(_decode_all(self.samples, self.policy, self.workers)):
            index.sizes[i], index.notes[i] = found.size, found.notes
            if found.pixels is None:
                index.reasons[i] = found.problem
            if keep is not None:
                keep(black if found.pixels is None else found.pixels)
            if self.tick is not None:
                self.tick(i + 1, len(self.samples))
        changed = np.flatnonzero(digests.stamp(self.samples)[0] != self.contents.stamps)
        if len(changed):
            first = self.samples.root / self.samples.paths[changed[0]]
            raise DatasetError(
                f"{first} changed while the images were read: wait until they are all in place, then again"
            )
        return index

    def problems(self, index: Index) -> dict[int, str]:
        root, paths = self.samples.root, self.samples.paths
        return {row: decode.sentence(root / paths[row], reason) for row, reason in index.reasons.items()}

    def stream(self, remark: str) -> StreamingStore:
        """Every file is read once here, so that an unreadable one is known before training starts."""
        return self.streaming(self.look(), remark)

    def streaming(self, index: Index, remark: str) -> StreamingStore:
        return StreamingStore(
            self.samples,
            self.policy,
            self.workers,
            index.sizes,
            self.problems(index),
            index.notes,
            self.contents.digests,
            self.contents.stamps,
            remark,
        )


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        return False
    except OSError as error:
        if error.errno == errno.EROFS:
            return False
        with storing(folder):
            raise
    return os.access(folder, os.W_OK)


def _sweep(base: Path) -> None:
    """Remove what a killed writer of this cache left; call it only while holding its lock."""
    for leftover in base.parent.glob(f".{base.name}.*{TEMPORARY}"):
        leftover.unlink(missing_ok=True)


def _open(base: Path, work: _Work) -> CachedStore | None:
    """The cache, marked as in use; None where it is not there as a whole."""
    if not (Path(f"{base}{INDEX}").exists() and Path(f"{base}{IMAGES}").exists()):  # the index is written last
        return None
    lease = cache_limit.Lease(base)  # before looking, so that nobody removes it in between
    index, images = Index.load(base, len(work.samples)), _map(Path(f"{base}{IMAGES}"), work.shape)
    if index is None or images is None:
        lease.give_up()
        return None
    with contextlib.suppress(OSError):  # a cache that may only be read
        os.utime(f"{base}{INDEX}")  # last use
    store = CachedStore(images, index.sizes, work.problems(index), index.notes, work.contents.digests)
    lease.hold_for(store)
    return store


def _map(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):  # removed, cut short, or something else
        return None
    return images if images.shape == shape and images.dtype == np.uint8 else None


def _write(base: Path, work: _Work) -> str:
    """Decode everything into the cache; returns "" or why there is no room for it.

    Written from the first byte to the last, so that a disk that fills up is an error, not the end of the process as it is
    where a memory map is written.
    """
    images = Path(f"{base}{IMAGES}")
    try:
        with replacing(images) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": work.shape})
            index = work.look(file.write)
        index.save(base)
    except StorageError as error:
        if getattr(error.__cause__, "errno", None) not in FULL:
            raise
        images.unlink(missing_ok=True)  # there may have been room for it, and none for its index
        return "and the disk is full"
    return ""


def _decode_all(
    samples: Samples, policy: Policy, workers: int, pool: ThreadPoolExecutor | None = None
) -> Iterator[decode.Decoded]:
    """Decode in threads (Pillow works outside Python's lock), in order, with few images in memory at a time."""

    def one(path: str) -> decode.Decoded:
        return decode.read(samples.root / path, policy.stored_size, policy.prefix, policy.input_size)

    with contextlib.ExitStack() as stack:
        threads = pool or stack.enter_context(ThreadPoolExecutor(max(1, workers), "monklite-decoding"))
        yield from in_order(threads, one, samples.paths, workers)
