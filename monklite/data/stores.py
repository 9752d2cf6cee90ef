"""Stores of decoded images: a memory-mapped file of the cache, or the image files themselves."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from ..errors import DatasetError, UnreadableImage
from ..transient import retried
from . import decode, digests
from .augment import Policy
from .depth import Levels
from .description import Descriptions
from .prefetch import in_order
from .samples import Samples


def _unknown() -> None:
    return None


class Store(Protocol):
    """Decoded images, in the order of a table's rows.

    `sizes` (N, 2): width and height before squeezing, px. `remark`: the reason why they are not cached; `""`: they are.
    `levels`: by which images of more than 8 bits are scaled.
    """

    sizes: np.ndarray
    remark: str
    levels: Levels

    @property
    def descriptions(self) -> Callable[[], Descriptions | None]:
        """Reads the thumbnails and properties of the files; None: they are not known."""
        ...

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The images of these rows, uint8 (n, side, side, 3)."""
        ...

    def with_workers(self, workers: int) -> Store:
        """The same store with this number of threads, if it decodes at every reading."""
        ...


@dataclass
class CachedStore:
    """Decoded images in a memory-mapped file."""

    images: np.ndarray
    sizes: np.ndarray
    remark: str = ""
    levels: Levels = field(default_factory=Levels)
    descriptions: Callable[[], Descriptions | None] = _unknown

    def read(self, rows: np.ndarray) -> np.ndarray:
        return self.images[rows]

    def with_workers(self, workers: int) -> CachedStore:
        return self


@dataclass
class StreamingStore:
    """Images that are decoded each time they are read, from files that must not change."""

    samples: Samples
    policy: Policy
    workers: int
    sizes: np.ndarray
    remark: str = ""
    levels: Levels = field(default_factory=Levels)
    descriptions: Callable[[], Descriptions | None] = _unknown

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max(1, self.workers), "monklite-decoding")

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Read and decode the images of these rows, uint8 (n, side, side, 3).

        Raises:
            NotFound: a file is missing. DatasetError: it has changed, and every epoch must see the same images.
            UnreadableImage: it cannot be read, as before.
        """
        out = np.empty((len(rows), self.policy.stored_size, self.policy.stored_size, 3), np.uint8)
        for i, pixels in enumerate(in_order(self._pool, self._decode, rows.tolist(), self.workers)):
            out[i] = pixels
        return out

    def with_workers(self, workers: int) -> StreamingStore:
        return self if workers == self.workers else replace(self, workers=workers)

    def _decode(self, row: int) -> np.ndarray:
        path = self.samples.file_path(row)
        content, problem = decode.read_file(path)
        if not problem:
            if digests.digest_of(content) != self.samples.digests[row]:
                raise DatasetError(f"{path} has changed since the dataset was read: train a new version with it")
            decoded = retried(
                lambda: decode.decode(content, self.policy.stored_size, self.policy.prefix, levels=self.levels), path
            )
            pixels, problem = decoded.pixels, decoded.problem
            if pixels is not None:
                return pixels
        raise UnreadableImage(decode.unreadable_message(path, problem))
