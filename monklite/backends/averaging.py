"""Moving averages of the weights, which are then what is judged and kept (Polyak and Juditsky 1992)."""

from __future__ import annotations


def decay(limit: float, updates: int) -> float:
    """The share that the average keeps of itself in the update after `updates` (1 or more) of them: `limit` in the long run,
    less at first, so that a short training is not judged by its first weights (TensorFlow's ExponentialMovingAverage)."""
    return min(limit, (1 + updates) / (10 + updates))
