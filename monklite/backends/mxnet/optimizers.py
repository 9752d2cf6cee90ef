"""Corrected versions of MXNet's optimizers."""

from __future__ import annotations

from typing import Any

from .framework import mx, nd


class Adamax(mx.optimizer.Adamax):
    """Adamax with PyTorch's epsilon. MXNet's own divides 0 by 0 where a gradient has always been 0, as for weights that only
    see padding."""

    def __init__(self, epsilon: float = 1e-8, **settings: Any) -> None:
        super().__init__(**settings)
        self.epsilon = epsilon

    def update(self, index: int, weight: Any, grad: Any, state: tuple[Any, Any]) -> None:
        self._update_count(index)
        rate = self._get_lr(index) / (1 - self.beta1 ** self._index_update_count[index])
        gradient = grad * self.rescale_grad + self._get_wd(index) * weight
        mean, largest = state
        mean[:] = self.beta1 * mean + (1 - self.beta1) * gradient
        largest[:] = nd.maximum(self.beta2 * largest, nd.abs(gradient) + self.epsilon)
        weight[:] -= rate * mean / largest
