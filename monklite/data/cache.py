"""Decoded once: images as one memory-mapped uint8 file, shared by every experiment and process on the same data.

The key covers the folder, every file's name, size and times, and everything that decides the pixels. Where the disk is too
small for the file, images are decoded again each time they are read, with the same result.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock
from PIL import __version__ as pillow_version

from ..errors import UnreadableImage
from ..files import TEMPORARY, replacing, storing
from . import decode
from .ahead import in_order
from .augment import Policy
from .discover import Samples

FORMAT = 1  # raise it when decoding changes what it gives
SPARE = 1 << 30  # bytes of disk that a cache leaves free
IMAGES, INDEX, LOCK = ".images.npy", ".index.npz", ".lock"

Tick = Callable[[int, int], None]  # done, all


class Store(Protocol):
    """Decoded images. `sizes` (N, 2): width and height before squeezing; `problems`: row -> why it is unreadable."""

    sizes: np.ndarray
    problems: dict[int, str]

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The images of these rows, uint8 (n, side, side, 3)."""
        ...


@dataclass
class CachedStore:
    """Images that lie decoded in a memory-mapped file."""

    images: np.ndarray
    sizes: np.ndarray
    problems: dict[int, str]

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

    def read(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), self.policy.stored_size, self.policy.stored_size, 3), np.uint8)
        for i, pixels, _, problem in _decode_all(self.samples.take(rows), self.policy, self.workers):
            if problem:
                raise UnreadableImage(problem)
            out[i] = pixels
        return out


def open_store(
    samples: Samples, policy: Policy, folder: Path, workers: int, tick: Tick | None = None, keep: bool = True
) -> Store:
    """Decode every image that is not in the cache yet, and return them all.

    Args:
        samples: which files; `folder`: where caches lie; `workers`: threads that decode.
        tick: told how many of how many are done.
        keep: False decodes without writing a cache.

    Raises:
        StorageError: the cache cannot be written.
    """
    needed = len(samples) * policy.stored_size**2 * 3
    base = folder / _key(samples, policy)
    if not keep or (not _complete(base) and needed + SPARE > _free(folder)):
        return _stream(samples, policy, workers, tick)
    store = _open(base)
    if store is not None:
        return store
    if not _writable(folder):  # a workspace that may only be read can still be judged and predicted with
        return _stream(samples, policy, workers, tick)
    with FileLock(f"{base}{LOCK}"):  # two processes with the same data: the second waits, then reads
        store = _open(base)
        if store is None:
            _sweep(base)
            _write(base, samples, policy, workers, tick)
            store = _open(base)
        assert store is not None
        return store


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


def _free(folder: Path) -> int:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    return shutil.disk_usage(existing).free


def _key(samples: Samples, policy: Policy) -> str:
    """Folder, names, sizes and times (the time of change cannot be set back, as unpacking an archive does with the other)."""
    digest = hashlib.sha256(f"{FORMAT} {pillow_version} {policy.decoding} {samples.root.resolve()}\n".encode())
    for path in samples.paths:
        info = (samples.root / path).stat()
        digest.update(
            f"{path}\0{info.st_size}\0{info.st_mtime_ns}\0{info.st_ctime_ns}\n".encode("utf-8", "surrogateescape")
        )
    return digest.hexdigest()[:32]


def _complete(base: Path) -> bool:
    return Path(f"{base}{INDEX}").exists() and Path(f"{base}{IMAGES}").exists()


def _sweep(base: Path) -> None:
    """Remove what a killed writer of this cache left; other processes may be writing others beside it."""
    for leftover in base.parent.glob(f".{base.name}.*{TEMPORARY}"):
        leftover.unlink(missing_ok=True)


def _open(base: Path) -> CachedStore | None:
    if not _complete(base):  # the index is written last
        return None
    with np.load(f"{base}{INDEX}", allow_pickle=False) as index:
        problems = {int(row): str(text) for row, text in zip(index["rows"], index["problems"], strict=True)}
        sizes = index["sizes"]
    try:
        images = np.load(f"{base}{IMAGES}", mmap_mode="r", allow_pickle=False)
    except ValueError:  # cut short: decode again
        return None
    with contextlib.suppress(OSError):  # a cache that may only be read
        os.utime(f"{base}{INDEX}")  # last use
    return CachedStore(images, sizes, problems)


def _write(base: Path, samples: Samples, policy: Policy, workers: int, tick: Tick | None) -> None:
    sizes, problems = np.zeros((len(samples), 2), np.int32), {}
    shape = (len(samples), policy.stored_size, policy.stored_size, 3)
    with replacing(Path(f"{base}{IMAGES}")) as temporary:
        images = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
        _reserve(temporary)
        for done, (i, pixels, size, problem) in enumerate(_decode_all(samples, policy, workers), 1):
            if problem:
                problems[i] = problem
            else:
                images[i], sizes[i] = pixels, size
            _tick(tick, done, len(samples))
        images.flush()
        del images
    rows = sorted(problems)
    with replacing(Path(f"{base}{INDEX}")) as temporary, temporary.open("wb") as file:
        np.savez(
            file, sizes=sizes, rows=np.array(rows, np.int64), problems=np.array([problems[r] for r in rows], dtype=str)
        )


def _reserve(path: Path) -> None:
    """Take the whole file's space now: a disk that fills while a memory map is written kills the process."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _stream(samples: Samples, policy: Policy, workers: int, tick: Tick | None) -> StreamingStore:
    """Every file is read once here, so that an unreadable one is known before training starts."""
    sizes, problems = np.zeros((len(samples), 2), np.int32), {}
    for done, (i, _, size, problem) in enumerate(_decode_all(samples, policy, workers), 1):
        sizes[i] = size
        if problem:
            problems[i] = problem
        _tick(tick, done, len(samples))
    return StreamingStore(samples, policy, workers, sizes, problems)


Decoded = tuple[int, np.ndarray | None, decode.Size, str]


def _decode_all(samples: Samples, policy: Policy, workers: int) -> Iterator[Decoded]:
    """Decode in threads (Pillow works outside Python's lock), in order, with few images in memory at a time."""

    def one(i: int) -> Decoded:
        try:
            pixels, size = decode.load(samples.root / samples.paths[i], policy.stored_size, policy.prefix)
            return i, pixels, size, ""
        except UnreadableImage as error:
            return i, None, (0, 0), str(error)

    with ThreadPoolExecutor(max(1, workers)) as pool:
        yield from in_order(pool, one, range(len(samples)), workers)


def _tick(tick: Tick | None, done: int, total: int) -> None:
    if tick is not None:
        tick(done, total)
