"""Losses: mean loss and its gradient with respect to the logits (n, classes)."""

from __future__ import annotations

import numpy as np

from monklite.tasks import sigmoid, softmax


class SoftmaxCrossEntropy:
    """Targets int64 (n,)."""

    def __call__(self, logits: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_scores = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        rows = np.arange(len(targets))
        slope = softmax(logits)
        slope[rows, targets] -= 1
        return float(-log_scores[rows, targets].mean()), slope / len(targets)


class BinaryCrossEntropy:
    """Targets float32 (n, classes)."""

    def __call__(self, logits: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
        losses = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
        return float(losses.mean()), (sigmoid(logits) - targets) / logits.size
