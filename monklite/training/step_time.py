"""The time of a learner's steps, with random images."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ..backends.base import Learner
from ..data.augment import Draws


def timed_step(learner: Learner, n_images: int, image_size: int) -> Callable[[], float]:
    """A function that takes one training step and returns its seconds.

    Args:
        learner: its weights and its optimizer change. n_images: images in a step. image_size: their side, px.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n_images, image_size, image_size, 3), np.uint8)
    labels, draws = learner.task.example_labels(n_images, rng), Draws(image_size, (0.5,) * 3, (0.25,) * 3)

    def seconds() -> float:
        start = time.perf_counter()
        # float() waits for the device
        float(learner.step(images, labels, draws)[0])
        return time.perf_counter() - start

    return seconds
