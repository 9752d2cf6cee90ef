"""`batch_size="auto"`: the smallest batch size at which this network nearly reaches its full speed on this device."""

from __future__ import annotations

from collections.abc import Callable

import psutil

from .. import backends
from ..backends.base import Learner
from ..errors import InvalidValue, TrainingFailed
from ..spec import Resolved
from ..tasks import Task
from .step_time import timed_step

MIN_BATCH_SIZE, MAX_BATCH_SIZE = 8, 256
# doubling the batch must be faster by this factor, because it halves the number of updates
MIN_SPEEDUP = 1.05
# share of the available memory that one step may take
MAX_MEMORY_SHARE = 0.8
# timed steps per batch size, after one that warms up
TIMED_STEPS = 3


def choose(spec: Resolved, task: Task, n_images: int) -> int:
    """Choose the batch size for a spec with `batch_size="auto"`.

    Raises:
        InvalidValue: several processes train. TrainingFailed: not even the smallest batch fits.
    """
    backend = backends.load(spec.backend)
    if backend.world().size > 1:
        raise InvalidValue("batch_size='auto' works in one process; with several, give a number")
    return find(lambda: backend.learner(spec, task, pretrained=False), spec.data.input_size, n_images)


def find(make_learner: Callable[[], Learner], image_size: int, n_images: int) -> int:
    """Time steps of a throwaway learner, doubling the batch until it is not faster any more or does not fit.

    Args:
        make_learner: builds the learner. image_size: side of the images, px. n_images: training images; a batch is at
            most a tenth of them, so that an epoch has several updates.

    Returns:
        Images per batch.

    Raises:
        TrainingFailed: not even the smallest batch fits.
    """
    learner, best, fastest = make_learner(), MIN_BATCH_SIZE, 0.0
    largest = min(MAX_BATCH_SIZE, max(MIN_BATCH_SIZE, n_images // 10))
    size = MIN_BATCH_SIZE
    while size <= largest:
        memory_before = _process_memory()
        try:
            speed = _images_per_second(learner, size, image_size)
        except TrainingFailed:
            if size == MIN_BATCH_SIZE:
                raise
            break
        if speed < fastest * MIN_SPEEDUP:
            break
        best, fastest = size, speed
        growth = max(0, _process_memory() - memory_before)
        # on the CPU, a lack of memory is not an error: the system kills the process
        if 2 * growth > MAX_MEMORY_SHARE * psutil.virtual_memory().available:
            break
        size *= 2
    return best


def _process_memory() -> int:
    return psutil.Process().memory_info().rss


def _images_per_second(learner: Learner, batch_size: int, image_size: int) -> float:
    step = timed_step(learner, batch_size, image_size)
    step()
    return batch_size / min(step() for _ in range(TIMED_STEPS))
