"""The units that are drawn independently of each other: images, or the patients or other groups that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Units:
    """The unit of each image. `index`: int64 (n,), below `count`, the number of units."""

    index: np.ndarray
    count: int

    @classmethod
    def of(cls, groups: Sequence[str] | np.ndarray | None, n_images: int) -> Units:
        """The groups as units. An image whose group is `""` is a unit of its own; None: every image is.

        Raises:
            ValueError: not one group per image.
        """
        if groups is None:
            return cls(np.arange(n_images), n_images)
        if len(groups) != n_images:
            raise ValueError(f"{len(groups)} groups for {n_images} images")
        numbers: dict[str, int] = {}
        # no name of a group has a NUL
        keys = (group or f"\0{i}" for i, group in enumerate(groups))
        index = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
        return cls(index, len(numbers))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of values (n,) or (n, k) over the images of each unit: float64 (count,) or (count, k)."""
        if self.count == len(self.index):
            return values.astype(np.float64)
        return self.membership() @ values.astype(np.float64)

    def membership(self) -> Any:
        """A sparse matrix (count, n) of 1 where an image is of a unit."""
        from scipy.sparse import csr_array

        n = len(self.index)
        return csr_array((np.ones(n), (self.index, np.arange(n))), shape=(self.count, n))
