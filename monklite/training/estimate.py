"""How long a training will take, from the time of some steps of a second network on its own images."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from .. import backends
from ..backends.base import Frozen, Learner
from ..data.batches import Batch, Batches
from ..data.prepare import TrainingData
from ..spec import Resolved
from ..tasks import Task
from .features import are_kept

# timed batches of a subset: at least, at most, and seconds after which no more are timed
MIN_BATCHES, MAX_BATCHES, SECONDS = 2, 20, 4.0


@dataclass(frozen=True)
class Estimate:
    """Seconds of a training.

    `epoch`: of one epoch, without what is computed only once for each picture. `once`: of that, for one picture of every image.
    `pictures`: how many each training image can be shown as, see `Policy.faces`.
    """

    epoch: float
    once: float = 0.0
    pictures: int = 1

    def seconds(self, epochs: int) -> float:
        """The seconds of so many epochs. An image is expected to have been seen as a part of its pictures by then."""
        seen = self.pictures * (1 - (1 - 1 / self.pictures) ** epochs)
        return epochs * self.epoch + seen * self.once


def estimate(spec: Resolved, task: Task, data: TrainingData) -> Estimate:
    """Time some steps of a throwaway network on real batches, with their reading; the experiment's own network is not touched.

    Images are decoded already, and of training images that grow the full size is taken, so a training can take less time.

    Raises:
        TrainingFailed: memory is too small for one step.
    """
    learner: Learner = backends.load(spec.backend).learner(spec, task, pretrained=False)
    frozen = learner.frozen(spec.data.input_size)
    data = replace(data, train=replace(data.train, sizes=None))
    if frozen is not None and are_kept(frozen, data.train) and are_kept(frozen, data.val):
        return _with_frozen_part(frozen, data)
    train = _epoch_seconds(data.train, lambda batch: float(learner.step(batch.images, batch.labels, batch.draws)[0]))
    val = _epoch_seconds(data.val, lambda batch: learner.logits(batch.images, batch.draws))
    return Estimate(train + val)


def _with_frozen_part(frozen: Frozen, data: TrainingData) -> Estimate:
    def values(batch: Batch) -> np.ndarray:
        return frozen.features(batch.images, batch.draws)

    def train(batch: Batch) -> float:
        return float(frozen.step(values(batch), batch.labels)[0])

    subsets = (data.train, data.val)
    once = sum(_epoch_seconds(batches, values) for batches in subsets)
    whole = _epoch_seconds(data.train, train) + _epoch_seconds(data.val, lambda batch: frozen.logits(values(batch)))
    return Estimate(max(0.0, whole - once), once, len(data.train.faces))


def _epoch_seconds(batches: Batches, work: Callable[[Batch], object]) -> float:
    """The seconds of all batches, from those of the first ones; the very first warms up, where there are others."""
    times = list(_times(batches, work))
    timed = times[1:] or times
    return len(batches) * sum(timed) / len(timed)


def _times(batches: Batches, work: Callable[[Batch], object]) -> Iterator[float]:
    begin = start = time.perf_counter()
    with closing(batches.epoch()) as epoch:  # type: ignore[type-var]
        for number, batch in enumerate(islice(epoch, MAX_BATCHES + 1)):
            work(batch)
            now = time.perf_counter()
            yield now - start
            start = now
            if number >= MIN_BATCHES and now - begin > SECONDS:
                return
