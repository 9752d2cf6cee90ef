"""The losses that no class of the frameworks has as monklite defines them; each is written once, for arrays of either framework.

A formula takes logits and targets, a row of 0 and 1 per image, both float32 (n, classes), and returns (n, classes). Where the
task's scores are those of softmax, the values of an image add up to its loss. Where they are those of sigmoid, each value is the
loss of one decision. It uses only what the arrays of both frameworks have as methods, by the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..catalog.class_weights import in_order
from ..catalog.losses import LOSSES
from ..spec import Choice
from ..tasks import Activation, Task

# keeps the derivative of a power finite at 0; smaller than any float32 that is added to it
TINY = 1e-30
# of a validation at once, where a formula compares each class with each other
MAX_PAIRS = 2**24


def keywords(choice: Choice, task: Task, backend: str) -> dict[str, Any]:
    """The keyword arguments of a backend's class of a loss; factors of classes are tuples in the order of the classes.

    Raises:
        InvalidValue: the factors do not fit the classes.
    """
    row = LOSSES[choice.name]
    found = row.keywords(backend, in_order(choice, task.classes))
    return {**found, "activation": row.activation or task.activation} if "formula" in found else found


class Formula:
    """The mean of a formula over a batch.

    `activation`: of the loss or else of the task. `weight`, `positive_weight`: factors of the classes, arrays (1, classes); the
    second counts for the targets that are 1. With softmax, they are those of images, by their class, and the mean is weighted by
    them, as PyTorch does in cross-entropy. With sigmoid, they are those of decisions, as in PyTorch's binary cross-entropy.
    """

    def __init__(
        self, formula: str, activation: Activation, weight: Any, positive_weight: Any, parameters: Mapping[str, Any]
    ) -> None:
        self.function, self.activation, self.parameters = FORMULAS[formula], activation, parameters
        self.weight, self.positive_weight = weight, positive_weight

    def __call__(self, logits: Any, targets: Any) -> Any:
        n, at_once = logits.shape[0], self._images_at_once(logits)
        if n <= at_once:
            return self._mean(logits, targets)
        starts = range(0, n, at_once)
        # of one decision each, whose means can be added up by their numbers
        parts = [self._mean(logits[i : i + at_once], targets[i : i + at_once]) * min(at_once, n - i) for i in starts]
        return sum(parts[1:], parts[0]) / n

    def _images_at_once(self, logits: Any) -> int:
        n, n_classes = logits.shape
        return max(MAX_PAIRS // n_classes**2, 1) if self.function is multilabel_margin else n

    def _mean(self, logits: Any, targets: Any) -> Any:
        values = self.function(logits, targets, self.activation, **self.parameters)
        factors = self._factors(targets)
        if self.activation == "sigmoid":
            return (values if factors is None else values * factors).mean()
        if factors is None:
            return values.sum() / logits.shape[0]
        return (values * factors).sum() / (targets * factors).sum()

    def _factors(self, targets: Any) -> Any:
        if self.positive_weight is None:
            return self.weight
        factors = 1 + (self.positive_weight - 1) * targets
        return factors if self.weight is None else factors * self.weight


def _softplus(x: Any) -> Any:
    """log(1 + exp(x)), of any size of x; its derivative at 0 is 1/2, as that of `relu` would not be."""
    size = x.abs()
    return (x + size) / 2 + (-size).exp().log1p()


def _scores(logits: Any, activation: Activation) -> Any:
    return logits.log_softmax(1).exp() if activation == "softmax" else logits.sigmoid()


def _of_images(losses: Any, targets: Any, activation: Activation) -> Any:
    """Losses per class as values: with softmax, their mean over the classes counts for the class of the image."""
    return targets * losses.mean(axis=1, keepdims=True) if activation == "softmax" else losses


def cross_entropy(logits: Any, targets: Any, activation: Activation, label_smoothing: float = 0.0) -> Any:
    smoothed = targets * (1 - label_smoothing) + label_smoothing / logits.shape[1]
    return -smoothed * logits.log_softmax(1)


def binary_cross_entropy(logits: Any, targets: Any, activation: Activation) -> Any:
    return _softplus(logits) - targets * logits


def focal(logits: Any, targets: Any, activation: Activation, gamma: float) -> Any:
    if activation == "softmax":
        others = ((1 - targets) * _scores(logits, activation)).sum(axis=1, keepdims=True)
        return -targets * (others + TINY) ** gamma * logits.log_softmax(1)
    # the logarithm of 1 - p, where p is the score of the right answer, is -softplus(right)
    right = (2 * targets - 1) * logits
    return (-gamma * _softplus(right)).exp() * _softplus(-right)


def poisson(logits: Any, targets: Any, activation: Activation, log_pre_applied: bool) -> Any:
    log_rates = logits if log_pre_applied else logits.log_softmax(1)
    return _of_images(log_rates.exp() - targets * log_rates, targets, activation)


def l1(logits: Any, targets: Any, activation: Activation) -> Any:
    return _of_images((_scores(logits, activation) - targets).abs(), targets, activation)


def l2(logits: Any, targets: Any, activation: Activation) -> Any:
    return _of_images((_scores(logits, activation) - targets).square(), targets, activation)


def huber(logits: Any, targets: Any, activation: Activation, threshold_for_mean_estimator: float) -> Any:
    threshold = threshold_for_mean_estimator
    size = (_scores(logits, activation) - targets).abs()
    beyond = (size - threshold).relu()
    # within the threshold, nothing is beyond it
    return _of_images((size - beyond).square() / (2 * threshold) + beyond, targets, activation)


def hinge(logits: Any, targets: Any, activation: Activation, margin: float, power: int) -> Any:
    return (margin - (2 * targets - 1) * logits).relu() ** power


def multimargin(logits: Any, targets: Any, activation: Activation, margin: float, power: int) -> Any:
    right = (targets * logits).sum(axis=1, keepdims=True)
    missing = (1 - targets) * (margin - right + logits).relu() ** power
    return _of_images(missing, targets, activation)


def multilabel_margin(logits: Any, targets: Any, activation: Activation) -> Any:
    n, n_classes = logits.shape
    label, other = (n, n_classes, 1), (n, 1, n_classes)
    missing = (1 - logits.reshape(label) + logits.reshape(other)).relu()
    return (missing * targets.reshape(label) * (1 - targets).reshape(other)).sum(axis=2)


FORMULAS: Mapping[str, Callable[..., Any]] = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "focal": focal,
    "poisson": poisson,
    "l1": l1,
    "l2": l2,
    "huber": huber,
    "hinge": hinge,
    "multimargin": multimargin,
    "multilabel_margin": multilabel_margin,
}
