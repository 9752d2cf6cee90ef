"""Moving averages of a network's weights and statistics, for every backend: what they are, and when they stand in the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Arrays(Protocol):
    """A network's weights and statistics as a framework's own arrays, always in the same order."""

    def own(self) -> list[Any]:
        """Those in the network, to be read; nothing may still be writing them."""
        ...

    def copies(self) -> list[Any]:
        """The same, in memory of their own."""
        ...

    def put(self, arrays: Sequence[Any]) -> None:
        """Copy arrays into the network."""
        ...

    def take(self, into: Sequence[Any]) -> None:
        """Copy those in the network into `into`."""
        ...

    def blend(self, averages: Sequence[Any], decay: float) -> None:
        """Move `averages` towards the network, keeping the share `decay` of them; what is no decimal number is copied."""
        ...


class Averages:
    """Exponential moving averages over the training steps. While a network is judged they stand in it, the trained arrays aside.

    `limit`: the decay in the long run; 0: none are kept. `count`: the updates that are in them.
    """

    def __init__(self, arrays: Arrays, limit: float) -> None:
        self._arrays, self.limit = arrays, limit
        self.forget()

    def forget(self) -> None:
        """Begin anew; what stands in the network stays there."""
        self._averages: list[Any] = []
        self._aside: list[Any] = []
        self.count, self._judged = 0, False

    def before_step(self) -> None:
        """Put the trained arrays back. All memory is taken here, before a step: lack of it would have the step done twice."""
        if self.limit and not self._averages:
            self._averages, self._aside = self._arrays.copies(), self._arrays.copies()
        self.stand_back()

    def after_step(self) -> None:
        """Take the step's arrays in."""
        if self.limit:
            self._arrays.blend(self._averages, decay(self.limit, self.count))
            self.count += 1

    def stand_in(self) -> None:
        """Put the averages, if there are any, into the network."""
        if self.count and not self._judged:
            self._arrays.take(self._aside)
            self._arrays.put(self._averages)
            self._judged = True

    def stand_back(self) -> None:
        """Put the trained arrays back into the network."""
        if self._judged:
            self._arrays.put(self._aside)
            self._judged = False

    @property
    def trained(self) -> list[Any]:
        """The arrays that are trained, wherever they are."""
        return self._aside if self._judged else self._arrays.own()

    @property
    def averages(self) -> list[Any]:
        """Empty as long as no step was made."""
        return self._averages if self.count else []

    def restore(self, averages: Sequence[Any], count: int) -> None:
        """Go on from the averages of an earlier training, whose trained arrays are in the network.

        Raises:
            ValueError: they are not of this network.
        """
        self.forget()
        if not self.limit or not count:
            return
        if count < 0 or [a.shape for a in averages] != [a.shape for a in self._arrays.own()]:
            raise ValueError("its averages are of another network")
        self.before_step()
        self._arrays.put(averages)
        self._arrays.take(self._averages)
        self._arrays.put(self._aside)
        self.count = count

    def told(self) -> list[str]:
        """For the run's record."""
        return [f"averaged weights (decay {self.limit:g})"] if self.limit else []


def decay(limit: float, count: int) -> float:
    """The share that averages keep of themselves after `count` updates: none in the first, `limit` in the long run, and less
    meanwhile, so that a short training is not judged by its first weights (as TensorFlow's ExponentialMovingAverage)."""
    return min(limit, (1 + count) / (10 + count)) if count else 0.0
