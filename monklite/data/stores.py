"""Where batches take decoded images from: a memory-mapped file of the cache, or the image files themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from ..errors import DatasetError, UnreadableImage
from . import decode, digests
from .augment import Policy
from .prefetch import in_order
from .samples import Samples


class Store(Protocol):
    """Decoded images, in the order of a table's rows.

    `sizes` (N, 2): width and height before squeezing, px; `remark`: why they are not kept decoded, `""`: they are.
    """

    sizes: np.ndarray
    remark: str

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The images of these rows, uint8 (n, side, side, 3)."""
        ...

    def with_workers(self, workers: int) -> Store:
        """The same images, decoded by so many threads where that is done at every reading."""
        ...


@dataclass
class CachedStore:
    """Images that lie decoded in a memory-mapped file."""

    images: np.ndarray
    sizes: np.ndarray
    remark: str = ""

    def read(self, rows: np.ndarray) -> np.ndarray:
        return self.images[rows]

    def with_workers(self, workers: int) -> CachedStore:
        return self


@dataclass
class StreamingStore:
    """Images that are decoded each time they are read, from files that must stay as they were."""

    samples: Samples
    policy: Policy
    workers: int
    sizes: np.ndarray
    remark: str = ""

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max(1, self.workers), "monklite-decoding")

    def read(self, rows: np.ndarray) -> np.ndarray:
        """As of every store.

        Raises:
            NotFound: a file is gone. DatasetError: it holds something else now, and every epoch must see the same images.
            UnreadableImage: it never could be read.
        """
        out = np.empty((len(rows), self.policy.stored_size, self.policy.stored_size, 3), np.uint8)
        for i, pixels in enumerate(in_order(self._pool, self._decoded, rows.tolist(), self.workers)):
            out[i] = pixels
        return out

    def with_workers(self, workers: int) -> StreamingStore:
        return self if workers == self.workers else replace(self, workers=workers)

    def _decoded(self, row: int) -> np.ndarray:
        place = self.samples.place(row)
        content, problem = decode.read_file(place)
        if not problem:
            if digests.digest_of(content) != self.samples.digests[row]:
                raise DatasetError(f"{place} has changed since the dataset was read: train a new version with it")
            pixels, _, _, problem = decode.decode(content, self.policy.stored_size, self.policy.prefix)
            if pixels is not None:
                return pixels
        raise UnreadableImage(decode.sentence(place, problem))
