"""Ordered or shuffled batches, prefetched in a thread.

The images of an epoch and their order depend only on the seed and the epoch's number, the draws of a batch only on these and
the index of its first image; so a resumed run gets the same batches as an uninterrupted one, even in the middle of an epoch.
Of images with fixed views, these draws choose the view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..catalog.image_sizes import SizeSchedule
from .augment import Draws, Policy
from .mixing import Mixing
from .prefetch import in_order
from .samples import UNREAD
from .stores import Store

PREFETCH = 3  # batches prepared in advance
# separate random streams, so that a new transform does not change the order, nor mixing the transforms
_ORDER, _DRAWS, _SAMPLE, _MIXING = 1, 2, 3, 4


@dataclass(frozen=True)
class Batch:
    """A batch: `images` uint8 (n, side, side, 3) RGB; `labels` int64 (n,) or bool (n, classes), depending on the task; `draws`.

    `chosen`: the number of each image among those of the subset. If several processes share a batch, it holds the images of
    this process, and `n_images` counts those of all.
    """

    images: np.ndarray
    labels: np.ndarray
    draws: Draws
    n_images: int
    chosen: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Batches:
    """The batches of one subset.

    `rows`: rows of the store. `labels`: their labels. `shuffle`: a different order in each epoch. `process`: the
    number of this process, from 0, among the `n_processes` that share every batch. `digests`: of the files' bytes, S16;
    none if they are not known. `probabilities`: of each image in one draw, float64 (n,), if the images of an epoch are drawn with
    replacement, as many as there are; None: it has each image once. `reading`: False makes batches without pixels. `sizes`: the
    size of the images in each epoch; None: always that of the policy. `mixing`: whether the images of a batch are mixed; each
    process mixes its own.
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
    digests: np.ndarray = field(default_factory=lambda: np.empty(0, "S16"))
    probabilities: np.ndarray | None = None
    reading: bool = True
    sizes: SizeSchedule | None = None
    mixing: Mixing = Mixing()

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
        order = self._order(number)

        def make(bounds: tuple[int, int]) -> Batch:
            return self._make(*self._drawn(order, number, bounds))

        return _prefetched(make, self._bounds(start))

    def drawn(self, number: int = 0, start: int = 0) -> Iterator[tuple[np.ndarray, Draws]]:
        """Yield the number of each image, and the draws, of each batch of `epoch`."""
        order = self._order(number)
        return (self._drawn(order, number, bounds) for bounds in self._bounds(start))

    def _order(self, number: int) -> np.ndarray:
        if self.probabilities is not None:
            rng = np.random.default_rng([self.seed, _SAMPLE, number])
            return rng.choice(len(self.rows), len(self.rows), p=self.probabilities)
        order = np.arange(len(self.rows))
        if self.shuffle:
            order = np.random.default_rng([self.seed, _ORDER, number]).permutation(order)
        return order

    def _drawn(self, order: np.ndarray, number: int, bounds: tuple[int, int]) -> tuple[np.ndarray, Draws]:
        """The images of a batch of all processes, and their draws, which so do not depend on the number of processes."""
        chosen = order[bounds[0] : bounds[1]]
        rng = np.random.default_rng([self.seed, _DRAWS, number, bounds[0]])
        if self.policy.has_views:
            draws = self.showing(chosen, rng.integers(self.policy.views, size=len(chosen)))
        else:
            draws = self.policy.draw(self.store.sizes[self.rows[chosen]], rng)
        if self.mixing:
            own = np.random.default_rng([self.seed, _MIXING, number, bounds[0]])
            draws = replace(draws, mixed=self.mixing.draw(len(chosen), own))
        size = self.size_in(number)
        return chosen, draws if size == draws.size else draws.resized(size, len(chosen))

    def size_in(self, number: int) -> int:
        """The side of the images in epoch `number` (from 0), px."""
        return self.policy.input_size if self.sizes is None else self.sizes.in_epoch(number)

    @property
    def faces(self) -> tuple[int, ...]:
        """See `Policy.faces`. None if the images change their size or are mixed, which makes other pictures of them."""
        return self.policy.faces if self.sizes is None and not self.mixing else ()

    @cached_property
    def knows_digests(self) -> bool:
        """Whether the digests of all images are known."""
        return len(self.digests) == len(self.rows) and not (self.digests == UNREAD).any()

    def face_key(self, face: int) -> str:
        """A text that is equal where the same decoded image is shown as the same picture."""
        return self.policy.face_key(face, self.seed)

    def showing(self, images: np.ndarray, faces: np.ndarray) -> Draws:
        """The draws that show these faces of images, see `Policy.faces`. Args: numbers within the subset, faces; int64 (n,)."""
        # a copy of an image has its views, because what is kept for one is used for the other
        names = self.digests[images] if self.knows_digests else images.astype("S16")
        return self.policy.showing(faces, self.store.sizes[self.rows[images]], names, self.seed)

    def _bounds(self, start: int = 0) -> list[tuple[int, int]]:
        """First and last+1 image of each batch.

        A last batch of one image per process joins the previous one: networks refuse batch statistics of one image.
        """
        starts = list(range(start, len(self.rows), self.batch_size))
        smallest = 1 if self.batch_size == 1 else 2 * self.n_processes
        if len(starts) > 1 and len(self.rows) - starts[-1] < smallest:
            starts.pop()
        return list(zip(starts, [*starts[1:], len(self.rows)][: len(starts)], strict=True))

    def _make(self, chosen: np.ndarray, draws: Draws) -> Batch:
        n_images = len(chosen)
        if self.n_processes > 1:
            own = np.array_split(np.arange(n_images), self.n_processes)[self.process]
            chosen, draws = chosen[own], draws.take(own)
        images = self.store.read(self.rows[chosen]) if self.reading else np.empty((len(chosen), 0, 0, 3), np.uint8)
        return Batch(images, self.labels[chosen], draws, n_images, chosen)


def _prefetched(make: Callable[[tuple[int, int]], Batch], bounds: Iterable[tuple[int, int]]) -> Iterator[Batch]:
    """Make batches in a thread, a few in advance; an error there is raised here."""
    with (
        ThreadPoolExecutor(1, "monklite-batches") as pool,
        closing(in_order(pool, make, bounds, workers=1, per_thread=PREFETCH)) as batches,
    ):
        yield from batches
