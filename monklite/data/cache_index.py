"""What caches know: the findings about the files of each, and which images stand decoded in some cache already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .arrays import read_arrays, write_arrays
from .cache_limit import IMAGES, INDEX, Lease
from .samples import DIGEST, UNREAD


class Ref(NamedTuple):
    """An image that another cache holds: which one, and its row there."""

    cache: int
    row: int


class DecodedImage(NamedTuple):
    """One image on its way: pixels, or where they are. `reason`: why there are none."""

    digest: bytes
    pixels: np.ndarray | None
    ref: Ref | None
    size: tuple[int, int]
    notes: int
    reason: str


@dataclass(frozen=True)
class Index:
    """What was found out about the files of one cache, in their order. `reasons`: row -> why it is unreadable."""

    digests: np.ndarray
    sizes: np.ndarray
    notes: np.ndarray
    reasons: dict[int, str]
    how: str

    @classmethod
    def empty(cls, n: int, how: str) -> Index:
        return cls(np.full(n, UNREAD, DIGEST), np.zeros((n, 2), np.int32), np.zeros(n, np.uint16), {}, how)

    @classmethod
    def load(cls, path: Path) -> Index | None:
        """None where there is none, or a damaged one."""
        arrays = read_arrays(path, "digests", "sizes", "notes", "rows", "reasons", "how")
        if arrays is None:
            return None
        found, sizes, notes, rows, reasons, how = arrays
        n = len(found) if found.ndim == 1 and found.dtype == DIGEST else -1
        if sizes.shape != (n, 2) or notes.shape != (n,) or rows.shape != reasons.shape or how.shape != ():
            return None
        return cls(found, sizes, notes, {int(r): str(text) for r, text in zip(rows, reasons, strict=True)}, str(how))

    def set(self, row: int, image: DecodedImage) -> None:
        self.digests[row], self.sizes[row], self.notes[row] = image.digest, image.size, image.notes
        if image.reason:
            self.reasons[row] = image.reason

    def save(self, path: Path) -> None:
        rows = sorted(self.reasons)
        write_arrays(
            path,
            digests=self.digests,
            sizes=self.sizes,
            notes=self.notes,
            rows=np.array(rows, np.int64),
            reasons=np.array([self.reasons[row] for row in rows], dtype=str),
            how=np.array(self.how),
        )


class Known:
    """The images that caches hold already, decoded in the same way; none of them is removed meanwhile."""

    def __init__(self, folder: Path | None, how: str, side: int) -> None:
        self.indexes: list[Index] = []
        self.images: list[np.ndarray] = []
        self._leases: list[Lease] = []
        for path in sorted(folder.glob(f"*{INDEX}")) if folder else []:
            self._add(Path(str(path).removesuffix(INDEX)), how, side)
        everything = np.concatenate([np.empty(0, DIGEST), *(i.digests for i in self.indexes)])
        self._order = np.argsort(everything, kind="stable")
        self._sorted = everything[self._order]
        self._starts = np.cumsum([0, *(len(i.digests) for i in self.indexes)])

    def _add(self, base: Path, how: str, side: int) -> None:
        lease, index = Lease(base), Index.load(Path(f"{base}{INDEX}"))
        if index is not None and index.how == how:
            images = map_images(Path(f"{base}{IMAGES}"), (len(index.digests), side, side, 3))
            if images is not None:
                self.indexes.append(index)
                self.images.append(images)
                self._leases.append(lease)
                return
        lease.give_up()

    def find(self, digest: bytes) -> DecodedImage | None:
        place = int(np.searchsorted(self._sorted, digest))
        if digest == UNREAD or place == len(self._sorted) or self._sorted[place] != digest:
            return None
        row = int(self._order[place])
        cache = int(np.searchsorted(self._starts, row, side="right")) - 1
        index, row = self.indexes[cache], row - int(self._starts[cache])
        size = (int(index.sizes[row, 0]), int(index.sizes[row, 1]))
        return DecodedImage(digest, None, Ref(cache, row), size, int(index.notes[row]), index.reasons.get(row, ""))

    def close(self) -> None:
        for lease in self._leases:
            lease.give_up()


def map_images(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):  # removed, cut short, or something else
        return None
    return images if images.shape == shape and images.dtype == np.uint8 else None
