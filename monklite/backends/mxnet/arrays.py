"""See `backends.averaging.Arrays`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class NetworkArrays:
    """The parameters of a network, with its batch statistics."""

    def __init__(self, network: Any) -> None:
        self._network = network

    def own(self) -> list[Any]:
        return [parameter.data() for parameter in self._network.collect_params().values()]

    def copies(self) -> list[Any]:
        return [array.copy() for array in self.own()]

    def put(self, arrays: Sequence[Any]) -> None:
        for parameter, array in zip(self._network.collect_params().values(), arrays, strict=True):
            parameter.set_data(array)

    def take(self, into: Sequence[Any]) -> None:
        for array, own in zip(into, self.own(), strict=True):
            own.copyto(array)

    def blend(self, averages: Sequence[Any], decay: float) -> None:
        for average, array in zip(averages, self.own(), strict=True):
            if decay > 0.5:  # whichever is exact where the two are equal or one of them has no share
                average += (1 - decay) * (array - average)
            else:
                average[:] = array - decay * (array - average)
