"""The cache of decoded images: one memory-mapped uint8 file, shared by all experiments and processes on the same data.

The key is computed from the contents of the files, in their order, and all settings that affect the pixels: a moved or copied
dataset finds its cache, a dataset with a changed file does not. Each file is read once: its digest and its pixels come from
the same bytes. Pixels that any cache holds are copied from there. If the disk has no space for the file, images are decoded
each time they are read, with the same result.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import __version__ as pillow_version

from ..errors import DatasetError, StorageError
from ..files import DISK_FULL, UNSUPPORTED, discard, format_bytes, make_folder
from ..locks import Lock
from ..looking import exists
from ..transient import retried
from . import cache_limit, decode, digests
from .augment import Policy
from .cache_index import DecodedImage, Index, KnownImages, descriptions_in, map_images
from .cache_limit import IMAGES_SUFFIX, INDEX_SUFFIX, LOCK_SUFFIX, Lease
from .cache_writer import PixelWriter
from .depth import UNDECIDED, Levels, Range, scaling_remark
from .optional_formats import decoders
from .prefetch import in_order
from .samples import UNREAD, Samples, as_column
from .stores import CachedStore, Store, StreamingStore

FORMAT = 6  # to be increased when the results of decoding or the files of the cache change
# errors of drives on which a cache cannot be kept, though images can be read
_REFUSALS = {*UNSUPPORTED, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENODEV}
Tick = Callable[[int, int], None]  # number done, total


def open_store(
    samples: Samples,
    policy: Policy,
    folder: Path,
    workers: int,
    tick: Tick | None = None,
    keep: bool = True,
    levels: Levels = UNDECIDED,
) -> tuple[Samples, Store]:
    """Decode every image that is not in the cache yet.

    Args:
        samples: the files. folder: of the caches. workers: threads that read and decode.
        tick: called with the number of finished images and of all.
        keep: False decodes without writing a cache.
        levels: by which images of more than 8 bits are scaled; what is undecided is decided by these files.

    Returns:
        The table with the properties of the files filled in, and their images.

    Raises:
        NotFound: a file was removed after the folder was read. StorageError: the cache cannot be written.
        InvalidValue: the environment variable that limits the cache is not a number.
    """
    writable = keep and _writable(folder)
    samples = digests.recall(samples, folder if keep else None)
    job = _DecodingJob(samples, policy, folder, workers, tick, levels)
    if not keep:
        return job.stream("", None)
    # a read-only workspace can still be used to evaluate and predict
    if not writable:
        return job.open() or job.stream(_remark(f"nothing can be written into {folder}"), folder)
    try:
        samples, store = job.open() or _open_or_fill(job)
    except StorageError as error:
        if getattr(error.__cause__, "errno", None) not in _REFUSALS:
            raise
        # a drive that does not take the files of the cache can still hold the images and the runs
        return job.stream(_remark(str(error)), folder)
    if isinstance(store, CachedStore):
        # the limit, or the free space, may have decreased
        cache_limit.make_space(folder)
    return samples, store


def _open_or_fill(job: _DecodingJob) -> tuple[Samples, Store]:
    folder = job.folder
    # of two processes with the same data, the second waits, then opens the cache
    with Lock(folder / f"{job.stamp_key()}{LOCK_SUFFIX}"):
        job = replace(job, samples=digests.recall(job.samples, folder))
        return job.open() or job.fill()


def _remark(reason: str) -> str:
    return f"the images are decoded again in every epoch, which is slower: {reason}"


def decoding_settings(policy: Policy) -> str:
    """All settings that affect the decoded pixels and the oddities, as text."""
    return f"{FORMAT} {pillow_version} {decoders()}{policy.decoding} {policy.input_size}"


@dataclass(frozen=True)
class _DecodingJob:
    """The files to decode, and the settings."""

    samples: Samples
    policy: Policy
    folder: Path
    workers: int
    tick: Tick | None
    levels: Levels

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return len(self.samples), self.policy.stored_size, self.policy.stored_size, 3

    @property
    def bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def decoding(self) -> str:
        return decoding_settings(self.policy)

    def stamp_key(self) -> str:
        """32 hexadecimal digits for files of these paths, sizes and times, before their contents are known."""
        return _hexadecimal(f"{self.decoding} {self.levels.as_text()}", self.samples.stamps)

    def content_key(self, contents: np.ndarray, levels: Levels = UNDECIDED) -> str:
        """32 hexadecimal digits for files of these contents, given their digests.

        Args:
            levels: undecided: for files without deep images, or whose deep images are scaled as they decide themselves.
        """
        return _hexadecimal(f"{self.decoding} {levels.as_text()}".rstrip(), contents)

    def _bases(self, contents: np.ndarray) -> list[Path]:
        """The paths at which a cache of these files can be, without their endings."""
        keys = dict.fromkeys(self.content_key(contents, levels) for levels in (UNDECIDED, self.levels))
        return [self.folder / key for key in keys]

    def _base(self, index: Index) -> Path:
        """The path at which the cache of this index is kept, without its ending."""
        ranges = index.deep_ranges()
        usual = _same_scaling(UNDECIDED.decided_by(ranges), index.levels, ranges)
        return self.folder / self.content_key(index.digests, UNDECIDED if usual else self.levels)

    def _fits(self, index: Index) -> bool:
        """Whether an index is of as many files, whose deep images are scaled as they should be."""
        ranges = index.deep_ranges()
        wanted = self.levels.decided_by(ranges)
        return len(index.digests) == len(self.samples) and _same_scaling(wanted, index.levels, ranges)

    def open(self) -> tuple[Samples, Store] | None:
        """Open the cache of these files; None if a digest is unknown, or the cache is absent or incomplete."""
        contents = self.samples.digests
        if (contents == UNREAD).any():
            return None
        return next((cached for base in self._bases(contents) if (cached := self._open_cache(base))), None)

    def _open_cache(self, base: Path) -> tuple[Samples, Store] | None:
        """Open a cache and mark it as in use; None if it is absent or incomplete."""
        if not (exists(Path(f"{base}{INDEX_SUFFIX}")) and exists(Path(f"{base}{IMAGES_SUFFIX}"))):
            return None
        # before reading, so that no process removes it in between
        lease = Lease(base)
        index = Index.load(Path(f"{base}{INDEX_SUFFIX}"))
        images = map_images(Path(f"{base}{IMAGES_SUFFIX}"), self.shape)
        if index is None or images is None or not self._fits(index):
            lease.release()
            return None
        # the time of last use; fails in a read-only cache
        with contextlib.suppress(OSError):
            os.utime(f"{base}{INDEX_SUFFIX}")
        levels = self.levels.decided_by(index.deep_ranges())
        described = partial(descriptions_in, Path(f"{base}{INDEX_SUFFIX}"), len(index.digests))
        store = CachedStore(images, index.sizes, levels=levels, descriptions=described)
        lease.hold_for(store)
        return self._samples_with(index), store

    def fill(self) -> tuple[Samples, Store]:
        """Decode all files into the cache, or stream them if there is no space; call it while holding the lock of `stamp_key`."""
        if streamed := self._streamed_before():
            return streamed
        known = KnownImages(self.folder, self.decoding, self.policy.stored_size)
        base = self.folder / self.stamp_key()
        with contextlib.closing(known), PixelWriter(base, self.shape, known) as writer:
            index = self._read_all(known, writer)
            self._remember(index)
            if cached := self._keep(index, writer):
                return cached
        return self._streamed(index, _remark(f"decoded they take {format_bytes(self.bytes)}, {writer.refusal}"))

    def stream(self, remark: str, folder: Path | None) -> tuple[Samples, Store]:
        """Read every file once, so that unreadable ones are known before training starts, and keep no pixels.

        Args:
            folder: of caches that may hold the images already, though it is read-only; None: no caches.
        """
        with contextlib.closing(KnownImages(folder, self.decoding, self.policy.stored_size)) as known:
            index = self._read_all(known, None)
            cached = self._open_cache(self._base(index)) if folder else None
        return cached or self._streamed(index, remark)

    def _remember(self, index: Index) -> None:
        digests.remember(self._samples_with(index), np.flatnonzero(self.samples.digests == UNREAD), self.folder)

    def _keep(self, index: Index, writer: PixelWriter) -> tuple[Samples, Store] | None:
        """Name the cache by its contents and open it; None if it cannot be kept, for the reason in `writer.refusal`."""
        target = self._base(index)
        with Lock(Path(f"{target}{LOCK_SUFFIX}")):
            # the same images under other paths
            if cached := self._open_cache(target):
                return cached
            if writer.keep_as(Path(f"{target}{IMAGES_SUFFIX}")) and self._keep_index(index, target, writer):
                cached = self._open_cache(target)
                if cached is None:
                    writer.refusal = "and they were removed at once, or the drive cannot map files into memory"
                return cached
            # on a full disk, the files are read again next time
            with contextlib.suppress(StorageError):
                index.save(Path(f"{target}{INDEX_SUFFIX}"))
        return None

    def _keep_index(self, index: Index, target: Path, writer: PixelWriter) -> bool:
        """Save the index; on a full disk, remove the images again and return False."""
        try:
            index.save(Path(f"{target}{INDEX_SUFFIX}"))
        except StorageError as error:
            discard(Path(f"{target}{IMAGES_SUFFIX}"))
            if getattr(error.__cause__, "errno", None) not in DISK_FULL:
                raise
            writer.refusal = "and the disk is full"
            return False
        return True

    def _streamed_before(self) -> tuple[Samples, Store] | None:
        """The result of an earlier streaming of these files, if there is still no space for a cache; else None."""
        if (self.samples.digests == UNREAD).any():
            return None
        paths = (Path(f"{base}{INDEX_SUFFIX}") for base in self._bases(self.samples.digests))
        index = next((found for path in paths if (found := Index.load(path, True)) and self._fits(found)), None)
        refusal = index and cache_limit.make_space(self.folder, self.bytes)
        if not index or not refusal:
            return None
        return self._streamed(index, _remark(f"decoded they take {format_bytes(self.bytes)}, {refusal}"))

    def _read_all(self, known: KnownImages, writer: PixelWriter | None) -> Index:
        """Read and decode every file that is not known yet, in their order; deep images twice if the others decide so."""
        index, scaled = Index.empty(len(self.samples), self.decoding), {}
        with ThreadPoolExecutor(max(1, self.workers), "monklite-decoding") as pool:
            images = in_order(pool, self._decoder(known, self.levels), range(len(self.samples)), self.workers)
            for row, image in enumerate(images):
                index.set(row, image)
                if writer is not None:
                    writer.put(row, image)
                if image.scaled_by is not None:
                    scaled[row] = image.scaled_by
                if self.tick is not None:
                    self.tick(row + 1, len(self.samples))
            index = replace(index, levels=self.levels.decided_by(index.deep_ranges()))
            self._scale_again(index, scaled, pool, known, writer)
        return index

    def _scale_again(
        self,
        index: Index,
        scaled: Mapping[int, Range],
        pool: ThreadPoolExecutor,
        known: KnownImages,
        writer: PixelWriter | None,
    ) -> None:
        """Decode again the deep images that were scaled by another range (`scaled`, by row) than all files decide."""
        own_ranges = ((row, index.own_range(row)) for row in scaled)
        rows = [row for row, own in own_ranges if own is not None and index.levels.range_for(own) != scaled[row]]
        # without a writer no pixels are kept; but whether values are cut depends on the range
        images = in_order(pool, self._decoder(known, index.levels), rows, self.workers)
        for done, (row, image) in enumerate(zip(rows, images, strict=True), 1):
            if image.digest != bytes(index.digests[row]):
                raise DatasetError(
                    f"{self.samples.file_path(row)} has changed while the dataset was read: read it again"
                )
            index.set(row, image)
            if writer is not None:
                writer.replace(row, image)
            if self.tick is not None:
                self.tick(done, len(rows))

    def _decoder(self, known: KnownImages, levels: Levels) -> Callable[[int], DecodedImage]:
        def decoded_image(row: int) -> DecodedImage:
            if known_image := known.find(bytes(self.samples.digests[row]), levels):
                return known_image
            path = self.samples.file_path(row)
            content, problem = decode.read_file(path)
            digest = UNREAD if problem else digests.digest_of(content)
            if known_image := known.find(digest, levels):
                return known_image
            if problem:
                return DecodedImage(digest, None, None, (0, 0), 0, problem)
            policy = self.policy
            decoded = retried(
                lambda: decode.decode(
                    content, policy.stored_size, policy.prefix, policy.input_size, levels, described=True
                ),
                path,
            )
            properties = decoded.size, int(decoded.oddities), decoded.problem, *decoded[4:]
            return DecodedImage(digest, decoded.pixels, None, *properties)

        return decoded_image

    def _samples_with(self, index: Index) -> Samples:
        """The table with the properties of the files filled in."""
        problems = as_column([""] * len(self.samples))
        for row, problem in index.problems.items():
            problems[row] = problem
        remark = scaling_remark(index.deep_ranges(), self.levels.decided_by(index.deep_ranges()))
        remarks = (*self.samples.remarks, remark) if remark else self.samples.remarks
        return replace(self.samples, digests=index.digests, oddities=index.oddities, problems=problems, remarks=remarks)

    def _streamed(self, index: Index, remark: str) -> tuple[Samples, Store]:
        samples, levels = self._samples_with(index), self.levels.decided_by(index.deep_ranges())
        return samples, StreamingStore(
            samples, self.policy, self.workers, index.sizes, remark, levels, lambda: index.descriptions
        )


def _same_scaling(one: Levels, other: Levels, ranges: Iterable[Range]) -> bool:
    return all(one.range_for(own) == other.range_for(own) for own in ranges)


def _hexadecimal(decoding: str, contents: np.ndarray) -> str:
    return hashlib.sha256(f"{decoding}\n".encode() + contents.tobytes()).hexdigest()[:32]


def _writable(folder: Path) -> bool:
    try:
        make_folder(folder)
    except StorageError as error:
        if getattr(error.__cause__, "errno", None) in _REFUSALS:
            return False
        raise
    return os.access(folder, os.W_OK)
