"""The mean of several scores of the same images, as logits, so that everything that takes logits takes it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .tasks import Task

# logits of scores of 0 and 1 stay finite
SMALLEST = 1e-30


def logits_of_mean(task: Task, logits: Iterable[np.ndarray]) -> np.ndarray:
    """Logits, float32 (n, classes), whose scores are the means of those of several logits (n, classes)."""
    scores = np.mean([task.scores(each) for each in logits], axis=0)
    found = np.log(np.maximum(scores, SMALLEST))
    if task.activation == "sigmoid":
        found -= np.log(np.maximum(1 - scores, np.finfo(float).eps))
    return found.astype(np.float32)
