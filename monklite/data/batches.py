"""Ordered or shuffled batches, prefetched in a thread.

The order of an epoch follows from the seed and the epoch's number alone, the draws of a batch from these and the place
where it begins; so a resumed run gets what the unbroken one would have got, also in the middle of an epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from .augment import Draws, Policy
from .prefetch import in_order
from .stores import Store

PREFETCH = 3  # batches ready before they are asked for
_ORDER, _DRAWS = 1, 2  # separate random streams, so that a new transform does not change the order


@dataclass(frozen=True)
class Batch:
    """`images` uint8 (n, side, side, 3) RGB; `labels` int64 (n,) or bool (n, classes), as the task has them; `draws` for these
    images.

    Where several processes share a batch, these are this one's, and `n_images` counts all.
    """

    images: np.ndarray
    labels: np.ndarray
    draws: Draws
    n_images: int

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Batches:
    """The batches of one subset.

    `rows` are rows of the store, `labels` those of each of them. Shuffled subsets give another order each epoch.
    """

    store: Store
    rows: np.ndarray
    labels: np.ndarray
    policy: Policy
    batch_size: int
    seed: int = 0
    shuffle: bool = False
    part: int = 0  # of `parts` processes that share every batch
    parts: int = 1

    @property
    def n_images(self) -> int:
        return len(self.rows)

    def __len__(self) -> int:
        return self.left(0)

    def left(self, start: int) -> int:
        """How many batches an epoch has from image `start` on."""
        return len(self._bounds(start))

    def epoch(self, number: int = 0, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number` (from 0), without its first `start` images."""
        order = np.arange(len(self.rows))
        if self.shuffle:
            order = np.random.default_rng([self.seed, _ORDER, number]).permutation(order)

        def make(bounds: tuple[int, int]) -> Batch:
            first, last = bounds
            return self._make(order[first:last], np.random.default_rng([self.seed, _DRAWS, number, first]))

        return _prefetched(make, self._bounds(start))

    def _bounds(self, start: int = 0) -> list[tuple[int, int]]:
        """First and last+1 of each batch. A last batch of one image (a process) joins the one before: batch statistics of
        one image are no statistics, and networks refuse them in training."""
        starts = list(range(start, len(self.rows), self.batch_size))
        least = 1 if self.batch_size == 1 else 2 * self.parts
        if len(starts) > 1 and len(self.rows) - starts[-1] < least:
            starts.pop()
        return list(zip(starts, [*starts[1:], len(self.rows)][: len(starts)], strict=True))

    def _make(self, chosen: np.ndarray, rng: np.random.Generator) -> Batch:
        rows, n_images = self.rows[chosen], len(chosen)
        draws = self.policy.draw(self.store.sizes[rows], rng)  # for all, so that they do not depend on the processes
        if self.parts > 1:
            mine = np.array_split(np.arange(len(rows)), self.parts)[self.part]
            rows, chosen, draws = rows[mine], chosen[mine], draws.take(mine)
        return Batch(self.store.read(rows), self.labels[chosen], draws, n_images)


def _prefetched(make: Callable[[tuple[int, int]], Batch], bounds: Iterable[tuple[int, int]]) -> Iterator[Batch]:
    """Make batches in a thread, a few ahead; an error there is raised here."""
    with (
        ThreadPoolExecutor(1, "monklite-batches") as pool,
        closing(in_order(pool, make, bounds, workers=1, per_thread=PREFETCH)) as batches,
    ):
        yield from batches
