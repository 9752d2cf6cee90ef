"""Moving averages of a network's weights and statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import averaging
from .framework import nd


class Averages:
    """Those of a network, over its training steps; `limit` is the decay (0: none are `wanted`).

    `arrays` is empty until the first update, then in the order of the network's parameters; `count` updates are in it.
    """

    def __init__(self, network: Any, limit: float) -> None:
        self._network, self._limit, self.wanted = network, limit, limit > 0
        self.forget()

    def forget(self) -> None:
        self.arrays: list[Any] = []
        self.count = 0

    def update(self) -> None:
        """Take the network's arrays in, which no step may be writing any more; the first ones as they are."""
        own = self._own()
        if not self.count:
            self.arrays = [array.copy() for array in own]
        else:
            share = 1 - averaging.decay(self._limit, self.count)
            for average, array in zip(self.arrays, own, strict=True):
                average += share * (array - average)
        self.count += 1

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The averages, where there are any, stand in the network meanwhile: a block of Gluon's cannot be copied."""
        if not self.count:
            yield
            return
        own = [array.copy() for array in self._own()]
        try:
            self.put(self.arrays)
            yield
        finally:
            self.put(own)

    def put(self, arrays: Iterable[Any]) -> None:
        """Put arrays into the network."""
        for parameter, array in zip(self._network.collect_params().values(), arrays, strict=True):
            parameter.set_data(array)

    def load(self, arrays: Sequence[np.ndarray], count: int) -> None:
        """Take `arrays` and `count` as an earlier training had them.

        Raises:
            ValueError: they are not those of this network.
        """
        own = self._own()
        if [a.shape for a in arrays] != [a.shape for a in own]:
            raise ValueError("its averages are of another network")
        self.arrays = [nd.array(a, ctx=o.context, dtype=o.dtype) for a, o in zip(arrays, own, strict=True)]
        self.count = count

    def _own(self) -> list[Any]:
        return [parameter.data() for parameter in self._network.collect_params().values()]
