"""See `backends.averaging.Arrays`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from . import distributed


class NetworkArrays:
    """The tensors of a network's state dict."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def own(self) -> list[torch.Tensor]:
        return list(self._network.state_dict().values())

    def copies(self) -> list[torch.Tensor]:
        return [tensor.clone() for tensor in self.own()]

    def put(self, arrays: Sequence[torch.Tensor]) -> None:
        for tensor, array in zip(self.own(), arrays, strict=True):
            tensor.copy_(array)

    def take(self, into: Sequence[torch.Tensor]) -> None:
        for array, tensor in zip(into, self.own(), strict=True):
            array.copy_(tensor)

    def blend(self, averages: Sequence[torch.Tensor], decay: float) -> None:
        distributed.align(self._network)
        pairs = list(zip(averages, self.own(), strict=True))
        for average, tensor in pairs:
            if not average.is_floating_point():  # counters, and tables of indices
                average.copy_(tensor)
        decimal = [pair for pair in pairs if pair[0].is_floating_point()]
        get_ema_multi_avg_fn(decay)([average for average, _ in decimal], [tensor for _, tensor in decimal], None)
