"""Optimizers that torch lacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch


class Signum(torch.optim.Optimizer):
    """Steps of constant size in the direction of the sign of a running mean of the gradients (Bernstein et al. 2018).

    As in MXNet, the L2 penalty is part of the gradient; without momentum it is taken off the weights, because it would rarely
    change a sign.
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 0.01, momentum: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update the weights once; `closure`, which computes the loss, is called first if there is one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group["lr"], group["momentum"], group["weight_decay"])
        return loss

    def _update(self, weight: torch.Tensor, rate: float, momentum: float, decay: float) -> None:
        if not momentum:
            weight.mul_(1 - rate * decay).sub_(weight.grad.sign(), alpha=rate)
            return
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        mean = state["momentum_buffer"]
        mean.mul_(momentum).add_(weight.grad + decay * weight, alpha=1 - momentum)
        weight.sub_(mean.sign(), alpha=rate)
