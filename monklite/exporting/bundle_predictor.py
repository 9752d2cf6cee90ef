"""Predictions from a bundle, without a framework: as `inference.Predictor` makes them from a run."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import closing
from itertools import chain, count, islice, repeat
from threading import Semaphore
from typing import TypeVar

import numpy as np

from .. import operating_point
from ..backends import array_files
from ..certainty import Certainty, distance_of
from ..data.decoded_input import Decoding
from ..data.depth import Levels
from ..data.image_input import ImageInput
from ..data.prefetch import in_order
from ..errors import DamagedFile, InvalidValue, shown
from ..image_predictor import Answered, Asked, ImagePredictor, Outputs
from ..processors import cpu_count
from ..statistics.distance import Distance
from ..tasks import Thresholds, task_of
from .manifest import DISTANCE, MODEL
from .reading import Bundle
from .runtimes import USUAL, Runtime

T = TypeVar("T")
# images that are computed at once, and their pixels, which bound the memory that a network takes for them
BATCH, BATCH_PIXELS = 8, 8 * 512 * 512
# batches that are computed at the same time: while one of them waits for a core, the other uses it
AT_ONCE = 2
# batches in progress per thread
PER_THREAD = 2


class BundlePredictor(ImagePredictor):
    """A bundle with its network loaded. `manifest`: what is known of the bundle. `session`: its network.

    Args:
        path: a folder or a zip file; every file in it is checked. runtime: computes the network.

    Raises:
        NotFound: there is none. DamagedFile: some of it is missing, was changed or is of a newer monklite, as the message says.
        MissingPackage: the runtime is not installed.
    """

    def __init__(self, path: str | os.PathLike[str], runtime: Runtime = USUAL) -> None:
        super().__init__()
        self.bundle = Bundle(path)
        contents = {name: self.bundle.content(name) for name in self.bundle.names()}
        if MODEL not in contents:
            raise DamagedFile(f"{self.bundle.path} is damaged: its manifest names no {MODEL}")
        manifest = self.manifest = self.bundle.manifest
        self.usual_task = task_of(manifest.label_type, manifest.classes, manifest.activation)
        self.point, self.epoch = manifest.operating_point, manifest.epoch
        self.task = operating_point.at(self.usual_task, self.point)
        self.decoding = Decoding(manifest.stored_size, manifest.prefix, Levels.recorded(manifest.levels))
        self.batch_size = max(1, min(BATCH, BATCH_PIXELS // manifest.stored_size**2))
        self.workers = cpu_count()
        self.session = runtime.load(contents[MODEL])
        self._computing = Semaphore(AT_ONCE)
        self._arrays = contents.get(DISTANCE, b"")
        unsure = manifest.unsure
        if unsure is not None and unsure.distance is not None and not (self._arrays and self.session.has_embeddings):
            raise DamagedFile(f"{self.bundle.path} is damaged: what its distances need is missing")
        self.certainty = Certainty(unsure, self.usual_task, self._distance) if unsure else None

    def _distance(self) -> Distance:
        path = self.bundle.path / DISTANCE
        return distance_of(array_files.parse(self._arrays, path)[0], path)

    def asked(self, thresholds: Thresholds, n_views: int) -> Asked:
        if n_views:
            raise InvalidValue(
                f"n_views={shown(n_views)}: a bundle shows its network each image as it is, and no other views of it: leave it "
                "at 0, or predict with the run"
            )
        return super().asked(thresholds, 0)

    def outputs(self, pixels: np.ndarray, sizes: np.ndarray, asked: Asked) -> Outputs:
        with self._computing:
            parts = list(self._in_chunks(len(pixels), lambda chunk: self.session.answers(pixels[chunk])))
        return Outputs(
            np.concatenate([part.logits for part in parts]),
            lambda: np.concatenate([part.embeddings for part in parts if part.embeddings is not None]),
        )

    def _batches(
        self, pool: Executor, threads: int, images: Iterable[ImageInput], asked: Asked
    ) -> Generator[list[Answered], None, None]:
        """Yield what is answered to the images, in batches; each thread decodes a batch and computes it, so that all are busy."""

        def answered(batch: list[ImageInput]) -> list[Answered]:
            return self._answered([self.decoding.tried(image) for image in batch], asked)

        batches = _growing(images, threads, self.batch_size)
        with closing(in_order(pool, answered, batches, threads, PER_THREAD)) as found:
            yield from found


def _growing(items: Iterable[T], threads: int, most: int) -> Iterator[list[T]]:
    """Yield the items in lists of 1 for each thread, then of 2, and so on: few items are shared by all threads."""
    remaining = iter(items)
    sizes = chain.from_iterable(repeat(min(2**power, most), threads) for power in count())
    while part := list(islice(remaining, next(sizes))):
        yield part
