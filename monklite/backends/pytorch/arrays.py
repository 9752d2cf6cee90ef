"""A network's state dict as tensors; see `backends.averaging.Arrays`."""

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

    def live(self) -> list[torch.Tensor]:
        return list(self._network.state_dict().values())

    def copies(self) -> list[torch.Tensor]:
        return [tensor.clone() for tensor in self.live()]

    def put(self, arrays: Sequence[torch.Tensor]) -> None:
        for tensor, array in zip(self.live(), arrays, strict=True):
            tensor.copy_(array)

    def copy_to(self, destinations: Sequence[torch.Tensor]) -> None:
        for destination, tensor in zip(destinations, self.live(), strict=True):
            destination.copy_(tensor)

    def blend(self, averages: Sequence[torch.Tensor], decay: float) -> None:
        distributed.align_statistics(self._network)
        pairs = list(zip(averages, self.live(), strict=True))
        for average, tensor in pairs:
            # counters and index tables
            if not average.is_floating_point():
                average.copy_(tensor)
        floating = [pair for pair in pairs if pair[0].is_floating_point()]
        get_ema_multi_avg_fn(decay)([average for average, _ in floating], [tensor for _, tensor in floating], None)
