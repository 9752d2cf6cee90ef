"""`batch_size="auto"`: the smallest batch at which this network on this device is about as fast as it gets."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import psutil

from ..backends.base import Learner
from ..data.augment import Draws
from ..errors import TrainingFailed

SMALLEST, LARGEST = 8, 256
GAIN = 1.05  # a batch of twice the size must be faster by this, for it halves the number of updates
SPARE = 0.8  # share of the free memory that a step may take
STEPS = 3  # timed steps a size, after one that warms up


def find(make: Callable[[], Learner], size: int, n_images: int) -> int:
    """Try steps of a throwaway learner with twice as many images each time, until it pays or fits no more.

    Args:
        make: builds the learner. size: side of the images, px. n_images: training images; a batch is at
            most a tenth of them, so that an epoch has some updates.

    Raises:
        TrainingFailed: not even the smallest batch fits.
    """
    learner, chosen, fastest = make(), SMALLEST, 0.0
    most = min(LARGEST, max(SMALLEST, n_images // 10))
    count = SMALLEST
    while count <= most:
        before = _taken()
        try:
            speed = _images_per_second(learner, count, size)
        except TrainingFailed:
            if count == SMALLEST:
                raise
            break
        if speed < fastest * GAIN:
            break
        chosen, fastest = count, speed
        if 2 * max(0, _taken() - before) > SPARE * psutil.virtual_memory().available:
            break  # on the CPU, too much memory is not an error but the end of the process
        count *= 2
    return chosen


def _taken() -> int:
    return psutil.Process().memory_info().rss


def _images_per_second(learner: Learner, count: int, size: int) -> float:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, size, size, 3), np.uint8)
    labels, draws = learner.task.example_labels(count, rng), Draws(size, (0.5,) * 3, (0.25,) * 3)
    float(learner.step(images, labels, draws)[0])
    seconds = []
    for _ in range(STEPS):
        begin = time.perf_counter()
        float(learner.step(images, labels, draws)[0])  # waits for the device
        seconds.append(time.perf_counter() - begin)
    return count / min(seconds)
