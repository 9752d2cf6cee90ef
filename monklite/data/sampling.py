"""Weighted sampling: how often each training image is drawn, so that rare classes are seen as often as frequent ones."""

from __future__ import annotations

import numpy as np

from ..tasks import Task


def probabilities(task: Task, labels: np.ndarray) -> np.ndarray:
    """The probability of each image in one draw, float64 (n,), of sum 1: inversely proportional to the images of its class.

    All classes so have the same share of the draws, on average. If an image may have several labels, the rarest one that it has
    counts; images without a label count as a class of their own.
    """
    belongs = task.membership(labels)
    belongs = np.column_stack([belongs, ~belongs.any(axis=1)])
    counts = belongs.sum(axis=0)
    weights = 1 / np.where(belongs, counts, len(labels) + 1).min(axis=1)
    return weights / weights.sum()
