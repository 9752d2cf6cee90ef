"""Test-time augmentation: the scores of an image as the mean over several pictures of it, which are the same in each call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from .data import geometry
from .data.augment import Draws
from .data.fixed_stream import FixedStream
from .mean_scores import logits_of_mean
from .tasks import Task

# shares of the area, and width / height, of the parts of an image that are shown
SCALE, RATIO = (0.6, 1.0), (0.9, 1.1)


def averaged(
    logits_of: Callable[[Draws], np.ndarray], draws: Draws, n_images: int, n_views: int, task: Task
) -> np.ndarray:
    """Logits whose scores are the means of those of the images and of `n_views` views of each, float32 (n, classes).

    Args:
        logits_of: gives the logits of the images as shown by some draws. draws: of the images themselves.
    """
    if not n_views:
        return logits_of(draws)
    return logits_of_mean(task, (logits_of(view) for view in views(draws, n_images, n_views)))


def views(draws: Draws, n_images: int, n_views: int) -> Iterator[Draws]:
    """Yield the draws themselves, their mirror images, and `n_views - 1` parts of the images, some of them mirrored."""
    yield draws
    if draws.matrix is None:
        flips = np.zeros(n_images, bool) if draws.flip_x is None else draws.flip_x
        yield replace(draws, flip_x=~flips)
    else:
        yield replace(draws, matrix=draws.matrix @ np.diag((-1, 1, 1)).astype(np.float32))
    whole = draws.resized(draws.size, n_images)
    for number in range(1, n_views):
        yield replace(whole, matrix=whole.matrix @ _part(number))


def _part(number: int) -> np.ndarray:
    """The map of one part, from and to coordinates from -1 to 1, float32 (3, 3)."""
    stream, sizes = FixedStream(np.array([number], np.uint64)), np.array([[2, 2]])
    frame = geometry.random_resized_crop(geometry.Frame.whole(sizes), stream, 2, SCALE, RATIO)
    frame = geometry.random_horizontal_flip(frame, stream, 0.5)
    return np.vstack([geometry.to_unit(frame, sizes)[0], (0, 0, 1)]).astype(np.float32)
