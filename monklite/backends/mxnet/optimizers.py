"""MXNet's optimizers, corrected, and with what only PyTorch's have."""

from __future__ import annotations

import math
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


class Adam(mx.optimizer.Adam):
    """Adam, and with `amsgrad` that of Reddi et al. 2018, which MXNet lacks; its epsilon is added as in PyTorch."""

    def __init__(self, amsgrad: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.amsgrad = amsgrad

    def create_state(self, index: int, weight: Any) -> tuple[Any, ...]:
        state = super().create_state(index, weight)
        return (*state, nd.zeros_like(weight)) if self.amsgrad else state

    def update(self, index: int, weight: Any, grad: Any, state: tuple[Any, ...]) -> None:
        if not self.amsgrad:
            super().update(index, weight, grad, state)
            return
        self._update_count(index)
        self._step(index, weight, grad * self.rescale_grad + self._get_wd(index) * weight, state)

    def _step(self, index: int, weight: Any, gradient: Any, state: tuple[Any, ...]) -> None:
        """The step of Kingma and Ba 2015, algorithm 1, by the largest second moment so far if there is a third state."""
        mean, square, *largest = state
        count = self._index_update_count[index]
        mean[:] = self.beta1 * mean + (1 - self.beta1) * gradient
        square[:] = self.beta2 * square + (1 - self.beta2) * gradient * gradient
        for highest in largest:
            highest[:] = nd.maximum(highest, square)
        root = nd.sqrt(largest[0] if largest else square) / math.sqrt(1 - self.beta2**count)
        weight[:] -= self._get_lr(index) / (1 - self.beta1**count) * mean / (root + self.epsilon)


class AdamW(Adam):
    """Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019), as in PyTorch."""

    def update(self, index: int, weight: Any, grad: Any, state: tuple[Any, ...]) -> None:
        self._update_count(index)
        weight[:] *= 1 - self._get_lr(index) * self._get_wd(index)
        self._step(index, weight, grad * self.rescale_grad, state)


class AdaGrad(mx.optimizer.AdaGrad):
    """AdaGrad whose rate also falls as 1 / (1 + steps x decay), as in PyTorch."""

    def __init__(self, learning_rate_decay: float = 0.0, **settings: Any) -> None:
        super().__init__(**settings)
        self.learning_rate_decay = learning_rate_decay

    def _get_lr(self, index: int) -> float:
        steps = self._index_update_count[index] - 1
        return super()._get_lr(index) / (1 + steps * self.learning_rate_decay)


class AdaDelta(mx.optimizer.AdaDelta):
    """AdaDelta (Zeiler 2012) with a learning rate, so that schedules have an effect, and with the L2 penalty in the gradient."""

    def update(self, index: int, weight: Any, grad: Any, state: tuple[Any, Any]) -> None:
        self._update_count(index)
        gradient = grad * self.rescale_grad + self._get_wd(index) * weight
        squares, steps = state
        squares[:] = self.rho * squares + (1 - self.rho) * gradient * gradient
        step = nd.sqrt(steps + self.epsilon) / nd.sqrt(squares + self.epsilon) * gradient
        steps[:] = self.rho * steps + (1 - self.rho) * step * step
        weight[:] -= self._get_lr(index) * step


class SGD(mx.optimizer.SGD):
    """SGD, and with `dampening` that of PyTorch: all but the first gradient enter the momentum less."""

    def __init__(self, dampening: float = 0.0, **settings: Any) -> None:
        super().__init__(**settings)
        self.dampening = dampening if self.momentum else 0.0
        if self.dampening:
            # otherwise several weights come in one update
            self.aggregate_num = 0

    def _update_impl(self, indices: Any, weights: Any, grads: Any, states: Any, multi_precision: bool = False) -> None:
        if not self.dampening:
            super()._update_impl(indices, weights, grads, states, multi_precision)
            return
        self._update_count(indices)
        share = 1.0 if self._index_update_count[indices] == 1 else 1 - self.dampening
        states[:] = self.momentum * states + share * (grads * self.rescale_grad + self._get_wd(indices) * weights)
        weights[:] -= self._get_lr(indices) * states
