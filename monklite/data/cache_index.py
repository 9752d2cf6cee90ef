"""The index of a cache, with the properties of its files, and the look-up of images that caches already hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import StorageError
from ..looking import entries
from ..regular_files import check_regular
from ..transient import attempted
from .arrays import read_arrays, write_arrays
from .cache_limit import IMAGES_SUFFIX, INDEX_SUFFIX, Lease
from .depth import KINDS, Levels, Range
from .description import Description, Descriptions
from .samples import DIGEST, UNREAD


class ImageRef(NamedTuple):
    """An image in another cache: the cache's number in `KnownImages`, and the image's row there."""

    cache: int
    row: int


class DecodedImage(NamedTuple):
    """One decoded image: its pixels, or a reference to them. `problem`: the reason why there are none; else empty.

    `own_range`, `scaled_by`: of an image of more than 8 bits, as in `decode.Decoded`. `description`: None if there is a problem.
    """

    digest: bytes
    pixels: np.ndarray | None
    ref: ImageRef | None
    size: tuple[int, int]
    oddities: int
    problem: str
    own_range: Range | None = None
    scaled_by: Range | None = None
    description: Description | None = None


@dataclass(frozen=True)
class Index:
    """The properties of the files of one cache, in their order. `problems`: row -> reason why it is unreadable.

    `own_ranges` float64 (N, 3): of images of more than 8 bits the kind (its number in `depth.KINDS`, from 1), black and white;
    0 for others. `levels`: by which they are scaled. `descriptions`: of no files if they were not asked for.
    """

    digests: np.ndarray
    sizes: np.ndarray
    oddities: np.ndarray
    problems: dict[int, str]
    decoding: str
    own_ranges: np.ndarray
    descriptions: Descriptions
    levels: Levels = field(default_factory=Levels)

    @classmethod
    def empty(cls, n: int, decoding: str) -> Index:
        sizes, oddities = np.zeros((n, 2), np.int32), np.zeros(n, np.uint16)
        ranges, descriptions = np.zeros((n, len(Range._fields))), Descriptions.unknown(n)
        return cls(np.full(n, UNREAD, DIGEST), sizes, oddities, {}, decoding, ranges, descriptions)

    @classmethod
    def load(cls, path: Path, described: bool = False) -> Index | None:
        """The index at `path`, with the descriptions of its files if asked for; None if it is absent or damaged."""
        arrays = read_arrays(path, "digests", "sizes", "notes", "rows", "reasons", "how", "ranges", "levels")
        if arrays is None:
            return None
        digests, sizes, oddities, rows, problems, decoding, ranges, levels = arrays
        descriptions = descriptions_in(path, len(digests)) if described else Descriptions.unknown(0)
        n = len(digests) if digests.ndim == 1 and digests.dtype == DIGEST else -1
        if sizes.shape != (n, 2) or oddities.shape != (n,) or rows.shape != problems.shape or decoding.shape != ():
            return None
        if len(ranges) == 0:
            ranges = np.zeros((n, len(Range._fields)))
        if ranges.shape != (n, len(Range._fields)) or descriptions is None:
            return None
        by_row = {int(row): str(problem) for row, problem in zip(rows, problems, strict=True)}
        return cls(digests, sizes, oddities, by_row, str(decoding), ranges, descriptions, Levels.from_text(str(levels)))

    def own_range(self, row: int) -> Range | None:
        """The own range of an image of more than 8 bits; None for other images."""
        kind, black, white = self.own_ranges[row].tolist()
        return Range(KINDS[int(kind) - 1], black, white) if kind else None

    def deep_ranges(self) -> Mapping[Range, int]:
        """The own ranges that occur, with the number of images of each."""
        deep = self.own_ranges[self.own_ranges[:, 0] > 0]
        different, counts = np.unique(deep, axis=0, return_counts=True)
        ranges = (Range(KINDS[int(kind) - 1], black, white) for kind, black, white in different.tolist())
        return dict(zip(ranges, counts.tolist(), strict=True))

    def set(self, row: int, image: DecodedImage) -> None:
        self.digests[row], self.sizes[row], self.oddities[row] = image.digest, image.size, image.oddities
        if image.problem:
            self.problems[row] = image.problem
        if image.own_range is not None:
            kind, black, white = image.own_range
            self.own_ranges[row] = (KINDS.index(kind) + 1, black, white)
        if image.description is not None:
            self.descriptions.set(row, image.description)

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
            # most datasets have no image of more than 8 bits
            ranges=self.own_ranges if self.own_ranges.any() else self.own_ranges[:0],
            levels=np.array(self.levels.as_text()),
            thumbnails=self.descriptions.thumbnails,
            traits=self.descriptions.traits,
        )


def descriptions_in(path: Path, n: int) -> Descriptions | None:
    """The descriptions of the `n` files of an index; None if it is absent or damaged."""
    arrays = read_arrays(path, "thumbnails", "traits")
    descriptions = Descriptions(*arrays) if arrays is not None else None
    return descriptions if descriptions is not None and descriptions.fit(n) else None


def descriptions_of(folder: Path, digests: np.ndarray) -> tuple[Descriptions, np.ndarray]:
    """The descriptions of those of these files that any cache in a folder has, and their places in `digests`, in order."""
    described = Descriptions.unknown(len(digests))
    known = np.zeros(len(digests), bool)
    for path in _entries(folder):
        if not path.name.endswith(INDEX_SUFFIX) or known.all():
            continue
        index = Index.load(path, described=True)
        if index is None or not len(index.descriptions.thumbnails):
            continue
        order = np.argsort(index.digests, kind="stable")
        rows = order[np.minimum(np.searchsorted(index.digests, digests, sorter=order), len(order) - 1)]
        here = ~known & (index.digests[rows] == digests)
        described.thumbnails[here] = index.descriptions.thumbnails[rows[here]]
        described.traits[here] = index.descriptions.traits[rows[here]]
        known |= here
    return Descriptions(described.thumbnails[known], described.traits[known]), np.flatnonzero(known)


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
        lease, index = Lease(base), Index.load(Path(f"{base}{INDEX_SUFFIX}"), described=True)
        if index is not None and index.decoding == decoding:
            images = map_images(Path(f"{base}{IMAGES_SUFFIX}"), (len(index.digests), side, side, 3))
            if images is not None:
                self.indexes.append(index)
                self.images.append(images)
                self._leases.append(lease)
                return
        lease.release()

    def find(self, digest: bytes, levels: Levels) -> DecodedImage | None:
        """The image whose file has this digest; None if no cache holds it, or only as scaled by other levels."""
        position = int(np.searchsorted(self._sorted, digest))
        # several caches may hold it, scaled by other levels
        while digest != UNREAD and position < len(self._sorted) and self._sorted[position] == digest:
            if image := self._image(digest, int(self._order[position]), levels):
                return image
            position += 1
        return None

    def _image(self, digest: bytes, row: int, levels: Levels) -> DecodedImage | None:
        """The image of a row, counted over all caches; None if it is scaled by other levels."""
        cache = int(np.searchsorted(self._starts, row, side="right")) - 1
        index, row = self.indexes[cache], row - int(self._starts[cache])
        own = index.own_range(row)
        scale = own and index.levels.range_for(own)
        if own is not None and levels.decides(own) and scale != levels.range_for(own):
            return None
        size = (int(index.sizes[row, 0]), int(index.sizes[row, 1]))
        ref, problem = ImageRef(cache, row), index.problems.get(row, "")
        described = index.descriptions.of(row)
        return DecodedImage(digest, None, ref, size, int(index.oddities[row]), problem, own, scale, described)

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
        attempted(lambda: check_regular(path))
        images = attempted(lambda: np.load(path, mmap_mode="r", allow_pickle=False))
    # removed, cut short, or not an array
    except (OSError, ValueError, EOFError):
        return None
    return images if images.shape == shape and images.dtype == np.uint8 else None
