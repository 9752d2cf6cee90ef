"""The index of a cache, with the properties of its files, and the look-up of images that caches already hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import StorageError
from ..looking import entries
from ..transient import attempted
from .arrays import read_arrays, write_arrays
from .cache_limit import IMAGES_SUFFIX, INDEX_SUFFIX, Lease
from .samples import DIGEST, UNREAD


class ImageRef(NamedTuple):
    """An image in another cache: the cache's number in `KnownImages`, and the image's row there."""

    cache: int
    row: int


class DecodedImage(NamedTuple):
    """One decoded image: its pixels, or a reference to them. `problem`: the reason why there are none; else empty."""

    digest: bytes
    pixels: np.ndarray | None
    ref: ImageRef | None
    size: tuple[int, int]
    oddities: int
    problem: str


@dataclass(frozen=True)
class Index:
    """The properties of the files of one cache, in their order. `problems`: row -> reason why it is unreadable."""

    digests: np.ndarray
    sizes: np.ndarray
    oddities: np.ndarray
    problems: dict[int, str]
    decoding: str

    @classmethod
    def empty(cls, n: int, decoding: str) -> Index:
        return cls(np.full(n, UNREAD, DIGEST), np.zeros((n, 2), np.int32), np.zeros(n, np.uint16), {}, decoding)

    @classmethod
    def load(cls, path: Path) -> Index | None:
        """The index at `path`; None if it is absent or damaged."""
        arrays = read_arrays(path, "digests", "sizes", "notes", "rows", "reasons", "how")
        if arrays is None:
            return None
        digests, sizes, oddities, rows, problems, decoding = arrays
        n = len(digests) if digests.ndim == 1 and digests.dtype == DIGEST else -1
        if sizes.shape != (n, 2) or oddities.shape != (n,) or rows.shape != problems.shape or decoding.shape != ():
            return None
        by_row = {int(row): str(problem) for row, problem in zip(rows, problems, strict=True)}
        return cls(digests, sizes, oddities, by_row, str(decoding))

    def set(self, row: int, image: DecodedImage) -> None:
        self.digests[row], self.sizes[row], self.oddities[row] = image.digest, image.size, image.oddities
        if image.problem:
            self.problems[row] = image.problem

    def save(self, path: Path) -> None:
        rows = sorted(self.problems)
        write_arrays(
            path,
            digests=self.digests,
            sizes=self.sizes,
            notes=self.oddities,
            rows=np.array(rows, np.int64),
            reasons=np.array([self.problems[row] for row in rows], dtype=str),
            how=np.array(self.decoding),
        )


class KnownImages:
    """The images that caches already hold, decoded in the same way; these caches are in use until `close`."""

    def __init__(self, folder: Path | None, decoding: str, side: int) -> None:
        self.indexes: list[Index] = []
        self.images: list[np.ndarray] = []
        self._leases: list[Lease] = []
        for path in _entries(folder) if folder else []:
            if path.name.endswith(INDEX_SUFFIX):
                self._add(Path(str(path).removesuffix(INDEX_SUFFIX)), decoding, side)
        digests = np.concatenate([np.empty(0, DIGEST), *(index.digests for index in self.indexes)])
        self._order = np.argsort(digests, kind="stable")
        self._sorted = digests[self._order]
        self._starts = np.cumsum([0, *(len(index.digests) for index in self.indexes)])

    def _add(self, base: Path, decoding: str, side: int) -> None:
        lease, index = Lease(base), Index.load(Path(f"{base}{INDEX_SUFFIX}"))
        if index is not None and index.decoding == decoding:
            images = map_images(Path(f"{base}{IMAGES_SUFFIX}"), (len(index.digests), side, side, 3))
            if images is not None:
                self.indexes.append(index)
                self.images.append(images)
                self._leases.append(lease)
                return
        lease.release()

    def find(self, digest: bytes) -> DecodedImage | None:
        """The image whose file has this digest; None if no cache holds it."""
        position = int(np.searchsorted(self._sorted, digest))
        if digest == UNREAD or position == len(self._sorted) or self._sorted[position] != digest:
            return None
        row = int(self._order[position])
        cache = int(np.searchsorted(self._starts, row, side="right")) - 1
        index, row = self.indexes[cache], row - int(self._starts[cache])
        size = (int(index.sizes[row, 0]), int(index.sizes[row, 1]))
        ref, problem = ImageRef(cache, row), index.problems.get(row, "")
        return DecodedImage(digest, None, ref, size, int(index.oddities[row]), problem)

    def close(self) -> None:
        for lease in self._leases:
            lease.release()


def _entries(folder: Path) -> list[Path]:
    # images in a cache that cannot be listed are decoded again
    try:
        return entries(folder)
    except StorageError:
        return []


def map_images(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Memory-map the images of a cache, uint8; None if the file is absent, damaged, or of another shape."""
    try:
        images = attempted(lambda: np.load(path, mmap_mode="r", allow_pickle=False))
    # removed, cut short, or not an array
    except (OSError, ValueError, EOFError):
        return None
    return images if images.shape == shape and images.dtype == np.uint8 else None
