"""Optimizers of which MXNet's own version has a flaw."""

from __future__ import annotations

from typing import Any

from .framework import mx, nd


class Adamax(mx.optimizer.Adamax):  # type: ignore[misc, unused-ignore]
    """MXNet's divides by zero, and so spoils the weight, where a gradient has always been zero (a unit that never answers).

    With PyTorch's epsilon in its place: u = max(beta2 * u, |gradient| + epsilon).
    """

    def __init__(self, epsilon: float = 1e-8, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.epsilon = epsilon

    def update(self, index: int, weight: Any, grad: Any, state: Any) -> None:
        self._update_count(index)
        rate = self._get_lr(index) / (1.0 - self.beta1 ** self._index_update_count[index])
        gradient = grad * self.rescale_grad + self._get_wd(index) * weight
        if self.clip_gradient is not None:
            gradient = nd.clip(gradient, -self.clip_gradient, self.clip_gradient)
        mean, largest = state
        mean[:] = self.beta1 * mean + (1.0 - self.beta1) * gradient
        largest[:] = nd.maximum(self.beta2 * largest, nd.abs(gradient) + self.epsilon)
        weight[:] -= rate * mean / largest
