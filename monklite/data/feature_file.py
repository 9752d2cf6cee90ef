"""The values that the frozen part of a network gives for images, kept beside the decoded images and shared by all experiments.

A file holds the values for one face (see `Draws.faces`) of each image of a dataset. It is filled in any order. An index says
which values are there, with a checksum of each, which is compared on reading: damaged values count as missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import StorageError
from ..files import DISK_FULL, make_folder
from ..regular_files import open_or_create
from ..transient import attempted
from . import cache_limit
from .arrays import read_arrays, write_arrays
from .cache_limit import FEATURES_INDEX_SUFFIX, FEATURES_SUFFIX, Lease


class FeatureFile:
    """The values of `len(digests)` different images, `width` bytes each.

    `refusal`: the reason why nothing more can be kept; empty if it can. `present`: bool (n,), which values are there.
    """

    def __init__(self, folder: Path, key: str, digests: np.ndarray, width: int) -> None:
        """Args: `key`: a text that differs for other values of the same images. `digests`: S16, sorted, each once."""
        self.width, self.refusal = width, ""
        self.present = np.zeros(len(digests), bool)
        self._sums = np.zeros(len(digests), np.uint32)
        name = hashlib.blake2b(f"{key} {width}".encode() + digests.tobytes(), digest_size=16).hexdigest()
        self._path, self._index = folder / f"{name}{FEATURES_SUFFIX}", folder / f"{name}{FEATURES_INDEX_SUFFIX}"
        self._file: Any = None
        self._lease: Lease | None = None
        self._changed = False
        try:
            make_folder(folder)
            self._open(len(digests) * width, folder / name)
        except (OSError, StorageError) as error:
            self.refusal = getattr(error, "strerror", None) or str(error)

    def _open(self, size: int, base: Path) -> None:
        self._lease = Lease(base)
        self._lease.hold_for(self)
        if attempted(self._path.exists):
            self._read_index()
            # in a read-only folder nothing is removed, whatever was used last
            with contextlib.suppress(OSError):
                os.utime(self._index)
        else:
            self.refusal = cache_limit.make_space(self._path.parent, size)
        if not self.refusal:
            # not truncated: another process may be using it
            self._file = attempted(lambda: open_or_create(self._path))

    def _read_index(self) -> None:
        arrays = read_arrays(self._index, "present", "sums")
        # of another form: what it names is computed again
        if arrays is not None and [(a.shape, a.dtype) for a in arrays] == [
            (a.shape, a.dtype) for a in (self.present, self._sums)
        ]:
            self.present, self._sums = arrays

    def read(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The values of images, uint8 (n, width), and which of them are there, bool (n,)."""
        values = np.zeros((len(slots), self.width), np.uint8)
        there = self.present[slots].copy()
        for i in np.flatnonzero(there):
            there[i] = self._read_one(int(slots[i]), values[i])
        self.present[slots[~there]] = False
        return values, there

    def _read_one(self, slot: int, into: np.ndarray) -> bool:
        """Read the values of one image; returns whether they are sound."""
        try:
            attempted(lambda: self._file.seek(slot * self.width))
            n_read = attempted(lambda: self._file.readinto(into.data))
        except (OSError, AttributeError):
            return False
        return n_read == self.width and zlib.crc32(into.data) == int(self._sums[slot])

    def write(self, slots: np.ndarray, values: np.ndarray) -> None:
        """Keep the values of images, uint8 (n, width); does nothing after a refusal."""
        for slot, row in zip(slots.tolist(), np.ascontiguousarray(values), strict=True):
            if self.refusal:
                return
            try:
                self._file.seek(slot * self.width)
                if self._file.write(row.data) != self.width:
                    raise OSError(DISK_FULL[0], os.strerror(DISK_FULL[0]))
            except OSError as error:
                self.refusal = "the disk is full" if error.errno in DISK_FULL else error.strerror or str(error)
                return
            self._sums[slot], self.present[slot] = zlib.crc32(row.data), True
            self._changed = True

    def save(self) -> None:
        """Make what was written known to later trainings."""
        if not self._changed or self._file is None:
            return
        # a full disk, or a folder that was removed: the values are only computed again
        with contextlib.suppress(OSError, StorageError):
            attempted(lambda: os.fsync(self._file.fileno()))
            write_arrays(self._index, present=self.present, sums=self._sums)
            self._changed = False

    def close(self) -> None:
        """Save it, and let it be removed when the cache is full."""
        self.save()
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._file = None
        if self._lease is not None:
            self._lease.release()
