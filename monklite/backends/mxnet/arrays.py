"""A network's parameters as MXNet arrays; see `backends.averaging.Arrays`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class NetworkArrays:
    """The parameters of a network, with its batch statistics."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def live(self) -> list[Any]:
        return [parameter.data() for parameter in self._network.collect_params().values()]

    def copies(self) -> list[Any]:
        return [array.copy() for array in self.live()]

    def put(self, arrays: Sequence[Any]) -> None:
        for parameter, array in zip(self._network.collect_params().values(), arrays, strict=True):
            parameter.set_data(array)

    def copy_to(self, destinations: Sequence[Any]) -> None:
        for destination, array in zip(destinations, self.live(), strict=True):
            array.copyto(destination)

    def blend(self, averages: Sequence[Any], decay: float) -> None:
        for average, array in zip(averages, self.live(), strict=True):
            # of two equivalent forms, the one that is exact where both arrays are equal or one of them has weight 0
            if decay > 0.5:
                average += (1 - decay) * (array - average)
            else:
                average[:] = array - decay * (array - average)
