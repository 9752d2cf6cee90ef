"""Decoded once: images as one memory-mapped uint8 file, shared by every experiment and process on the same data.

The key is what is in the files, in their order, with everything that decides the pixels: a moved or copied dataset finds its
cache, a changed file never does. Each file is read once: its digest and its pixels come from the same bytes; pixels that some
cache has already are taken from there. Where there is no room for the file, images are decoded again each time they are read,
with the same result.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from filelock import FileLock
from PIL import __version__ as pillow_version

from ..errors import StorageError
from ..files import in_words, storing
from . import cache_limit, decode, digests
from .augment import Policy
from .cache_index import DecodedImage, Index, Known, map_images
from .cache_limit import IMAGES, INDEX, LOCK, Lease
from .cache_writer import FULL, Pixels
from .prefetch import in_order
from .samples import UNREAD, Samples, as_column
from .stores import CachedStore, Store, StreamingStore

FORMAT = 3  # raise it when decoding changes what it gives, or the files of the cache what they hold
Tick = Callable[[int, int], None]  # done, all


def open_store(
    samples: Samples, policy: Policy, folder: Path, workers: int, tick: Tick | None = None, keep: bool = True
) -> tuple[Samples, Store]:
    """Decode every image that is not in the cache yet.

    Args:
        samples: which files; `folder`: where caches lie; `workers`: threads that read and decode.
        tick: told how many of how many images are done.
        keep: False decodes without writing a cache.

    Returns:
        The table with what was found out about the files, and their images.

    Raises:
        NotFound: a file has gone since the folder was read. StorageError: the cache cannot be written.
        InvalidValue: the environment variable that limits the cache holds no number.
    """
    writable = keep and _writable(folder)
    samples = digests.recall(samples, folder if keep else None)
    work = _Work(samples, policy, folder, workers, tick)
    if not keep:
        return work.stream("", None)
    if not writable:  # a workspace that may only be read can still be judged and predicted with
        return work.open() or work.stream(_remark(f"nothing can be written into {folder}"), folder)
    samples, store = work.open() or _open_or_fill(work)
    if isinstance(store, CachedStore):
        cache_limit.make(folder)  # the limit, or what is free, may have become less
    return samples, store


def _open_or_fill(work: _Work) -> tuple[Samples, Store]:
    folder = work.folder
    with FileLock(
        folder / f"{work.place_key()}{LOCK}"
    ):  # two processes with the same data: the second waits, then reads
        work = replace(work, samples=digests.recall(work.samples, folder))
        return work.open() or work.fill()


def _remark(reason: str) -> str:
    return f"the images are decoded again in every epoch, which is slower: {reason}"


@dataclass(frozen=True)
class _Work:
    """What is to be decoded, and how."""

    samples: Samples
    policy: Policy
    folder: Path
    workers: int
    tick: Tick | None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return len(self.samples), self.policy.stored_size, self.policy.stored_size, 3

    @property
    def bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def how(self) -> str:
        """Everything that decides the pixels and the notes, but for the files."""
        return f"{FORMAT} {pillow_version} {self.policy.decoding} {self.policy.input_size}"

    def place_key(self) -> str:
        """32 hexadecimal digits for files of these places and times, before anything is known of their contents."""
        return _hexadecimal(self.how, self.samples.stamps)

    def key(self, contents: np.ndarray) -> str:
        """32 hexadecimal digits for files of these contents."""
        return _hexadecimal(self.how, contents)

    def open(self) -> tuple[Samples, Store] | None:
        """The cache of these files, if it is known which one that is and it is there as a whole."""
        known = self.samples.digests
        return None if (known == UNREAD).any() else self._opened(self.folder / self.key(known))

    def _opened(self, base: Path) -> tuple[Samples, Store] | None:
        """A cache, marked as in use; or what it knows of files that are streamed because there is no room."""
        if not (Path(f"{base}{INDEX}").exists() and Path(f"{base}{IMAGES}").exists()):  # the index is written last
            return None
        lease = Lease(base)  # before looking, so that nobody removes it in between
        index, images = Index.load(Path(f"{base}{INDEX}")), map_images(Path(f"{base}{IMAGES}"), self.shape)
        if index is None or images is None or len(index.digests) != len(self.samples):
            lease.give_up()
            return None
        with contextlib.suppress(OSError):  # a cache that may only be read
            os.utime(f"{base}{INDEX}")  # last use
        store = CachedStore(images, index.sizes)
        lease.hold_for(store)
        return self._with(index), store

    def fill(self) -> tuple[Samples, Store]:
        """Decode everything into the cache, or into none where there is no room for it; call it holding the place's lock."""
        if before := self._streamed_before():
            return before
        known = Known(self.folder, self.how, self.policy.stored_size)
        base = self.folder / self.place_key()
        with contextlib.closing(known), Pixels(base, self.shape, known) as pixels:
            index = self._look(known, pixels)
            self._remember(index)
            if opened := self._kept(index, pixels):
                return opened
        return self._streamed(index, _remark(f"decoded they take {in_words(self.bytes)}, {pixels.refused}"))

    def stream(self, remark: str, folder: Path | None) -> tuple[Samples, Store]:
        """Read every file once, so that an unreadable one is known before training starts, and keep no pixels.

        Args:
            folder: caches that may have the images already, though nothing can be added to them.
        """
        with contextlib.closing(Known(folder, self.how, self.policy.stored_size)) as known:
            index = self._look(known, None)
            opened = self._opened(folder / self.key(index.digests)) if folder else None
        return opened or self._streamed(index, remark)

    def _remember(self, index: Index) -> None:
        digests.remember(self._with(index), np.flatnonzero(self.samples.digests == UNREAD), self.folder)

    def _kept(self, index: Index, pixels: Pixels) -> tuple[Samples, Store] | None:
        """The cache under the name of its contents; None where it cannot be kept, and `pixels` say why."""
        target = self.folder / self.key(index.digests)
        with FileLock(f"{target}{LOCK}"):
            if opened := self._opened(target):  # the same images under other names or in another place
                return opened
            if pixels.keep_as(Path(f"{target}{IMAGES}")) and self._index_kept(index, target, pixels):
                opened = self._opened(target)
                if opened is None:
                    pixels.refused = "and they were removed at once"
                return opened
            with contextlib.suppress(StorageError):  # a full disk: looked at again next time
                index.save(Path(f"{target}{INDEX}"))
        return None

    def _index_kept(self, index: Index, target: Path, pixels: Pixels) -> bool:
        """Whether there was room for the index too; else the images go again."""
        try:
            index.save(Path(f"{target}{INDEX}"))
        except StorageError as error:
            Path(f"{target}{IMAGES}").unlink(missing_ok=True)
            if getattr(error.__cause__, "errno", None) not in FULL:
                raise
            pixels.refused = "and the disk is full"
            return False
        return True

    def _streamed_before(self) -> tuple[Samples, Store] | None:
        """What is known of these files from an earlier time, where there is still no room for them."""
        if (self.samples.digests == UNREAD).any():
            return None
        index = Index.load(self.folder / f"{self.key(self.samples.digests)}{INDEX}")
        refused = index and cache_limit.make(self.folder, self.bytes)
        if not index or not refused or len(index.digests) != len(self.samples):
            return None
        return self._streamed(index, _remark(f"decoded they take {in_words(self.bytes)}, {refused}"))

    def _look(self, known: Known, pixels: Pixels | None) -> Index:
        """Read, and where need be decode, every file once, in their order."""
        index = Index.empty(len(self.samples), self.how)
        with ThreadPoolExecutor(max(1, self.workers), "monklite-decoding") as pool:
            images: Iterator[DecodedImage] = in_order(pool, self._image(known), range(len(self.samples)), self.workers)
            for row, image in enumerate(images):
                index.set(row, image)
                if pixels is not None:
                    pixels.put(row, image)
                if self.tick is not None:
                    self.tick(row + 1, len(self.samples))
        return index

    def _image(self, known: Known) -> Callable[[int], DecodedImage]:
        def image(row: int) -> DecodedImage:
            if found := known.find(bytes(self.samples.digests[row])):
                return found
            content, problem = decode.read_file(self.samples.place(row))
            digest = UNREAD if problem else digests.digest_of(content)
            if found := known.find(digest):
                return found
            if problem:
                return DecodedImage(digest, None, None, (0, 0), 0, problem)
            policy = self.policy
            made = decode.decode(content, policy.stored_size, policy.prefix, policy.input_size)
            return DecodedImage(digest, made.pixels, None, made.size, int(made.notes), made.problem)

        return image

    def _with(self, index: Index) -> Samples:
        """The table with what was found out about the files."""
        problems = as_column([""] * len(self.samples))
        for row, reason in index.reasons.items():
            problems[row] = reason
        return replace(self.samples, digests=index.digests, notes=index.notes, problems=problems)

    def _streamed(self, index: Index, remark: str) -> tuple[Samples, Store]:
        samples = self._with(index)
        return samples, StreamingStore(samples, self.policy, self.workers, index.sizes, remark)


def _hexadecimal(how: str, contents: np.ndarray) -> str:
    return hashlib.sha256(f"{how}\n".encode() + contents.tobytes()).hexdigest()[:32]


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
