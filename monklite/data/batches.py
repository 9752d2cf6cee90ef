"""Ordered or shuffled batches, prefetched in a thread.

The order of an epoch depends only on the seed and the epoch's number, the draws of a batch only on these and the index of its
first image; so a resumed run gets the same batches as an uninterrupted one, even in the middle of an epoch.
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

PREFETCH = 3  # batches prepared in advance
# separate random streams, so that a new transform does not change the order
_ORDER, _DRAWS = 1, 2


@dataclass(frozen=True)
class Batch:
    """A batch: `images` uint8 (n, side, side, 3) RGB; `labels` int64 (n,) or bool (n, classes), depending on the task; `draws`.

    If several processes share a batch, it holds the images of this process, and `n_images` counts those of all.
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

    `rows`: rows of the store. `labels`: their labels. `shuffle`: a different order in each epoch. `process`: the
    number of this process, from 0, among the `n_processes` that share every batch.
    """

    store: Store
    rows: np.ndarray
    labels: np.ndarray
    policy: Policy
    batch_size: int
    seed: int = 0
    shuffle: bool = False
    process: int = 0
    n_processes: int = 1

    @property
    def n_images(self) -> int:
        return len(self.rows)

    def __len__(self) -> int:
        return self.n_batches_from(0)

    def n_batches_from(self, start: int) -> int:
        """The number of batches of an epoch from image `start` on."""
        return len(self._bounds(start))

    def epoch(self, number: int = 0, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of epoch `number` (from 0), without its first `start` images."""
        order = np.arange(len(self.rows))
        if self.shuffle:
            order = np.random.default_rng([self.seed, _ORDER, number]).permutation(order)

        def make(bounds: tuple[int, int]) -> Batch:
            first, last = bounds
            return self._make(order[first:last], np.random.default_rng([self.seed, _DRAWS, number, first]))

        return _prefetched(make, self._bounds(start))

    def _bounds(self, start: int = 0) -> list[tuple[int, int]]:
        """First and last+1 image of each batch.

        A last batch of one image per process joins the previous one: networks refuse batch statistics of one image.
        """
        starts = list(range(start, len(self.rows), self.batch_size))
        smallest = 1 if self.batch_size == 1 else 2 * self.n_processes
        if len(starts) > 1 and len(self.rows) - starts[-1] < smallest:
            starts.pop()
        return list(zip(starts, [*starts[1:], len(self.rows)][: len(starts)], strict=True))

    def _make(self, chosen: np.ndarray, rng: np.random.Generator) -> Batch:
        rows, n_images = self.rows[chosen], len(chosen)
        # for all images, so that they do not depend on the number of processes
        draws = self.policy.draw(self.store.sizes[rows], rng)
        if self.n_processes > 1:
            own = np.array_split(np.arange(len(rows)), self.n_processes)[self.process]
            rows, chosen, draws = rows[own], chosen[own], draws.take(own)
        return Batch(self.store.read(rows), self.labels[chosen], draws, n_images)


def _prefetched(make: Callable[[tuple[int, int]], Batch], bounds: Iterable[tuple[int, int]]) -> Iterator[Batch]:
    """Make batches in a thread, a few in advance; an error there is raised here."""
    with (
        ThreadPoolExecutor(1, "monklite-batches") as pool,
        closing(in_order(pool, make, bounds, workers=1, per_thread=PREFETCH)) as batches,
    ):
        yield from batches
