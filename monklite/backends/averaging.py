"""Exponential moving averages (EMA) of a network's weights and statistics, for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Arrays(Protocol):
    """A network's weights and statistics as arrays of its framework, always in the same order."""

    def live(self) -> list[Any]:
        """The arrays that the network uses, for reading; no computation may still be writing to them."""
        ...

    def copies(self) -> list[Any]:
        """Copies of the live arrays."""
        ...

    def put(self, arrays: Sequence[Any]) -> None:
        """Copy arrays into the network."""
        ...

    def copy_to(self, destinations: Sequence[Any]) -> None:
        """Copy the live arrays into `destinations`."""
        ...

    def blend(self, averages: Sequence[Any], decay: float) -> None:
        """Update `averages` to `decay * average + (1 - decay) * live`; arrays that are not floating point are copied."""
        ...


class Averages:
    """Moving averages over the training steps. During evaluation they replace the trained arrays in the network.

    `limit`: the decay in the long run; 0: no averages are kept. `count`: the number of updates so far.
    """

    def __init__(self, arrays: Arrays, limit: float) -> None:
        self._arrays, self.limit = arrays, limit
        self.reset()

    def reset(self) -> None:
        """Discard the averages; the arrays in the network stay as they are."""
        self._averages: list[Any] = []
        self._backup: list[Any] = []
        self.count, self._swapped_in = 0, False

    def before_step(self) -> None:
        """Put the trained arrays back into the network.

        All memory is allocated here, before the step: running out of it afterwards would repeat the step.
        """
        if self.limit and not self._averages:
            self._averages, self._backup = self._arrays.copies(), self._arrays.copies()
        self.swap_out()

    def after_step(self) -> None:
        """Update the averages with the arrays of this step."""
        if self.limit:
            self._arrays.blend(self._averages, decay(self.limit, self.count))
            self.count += 1

    def swap_in(self) -> None:
        """Put the averages, if there are any, into the network."""
        if self.count and not self._swapped_in:
            self._arrays.copy_to(self._backup)
            self._arrays.put(self._averages)
            self._swapped_in = True

    def swap_out(self) -> None:
        """Put the trained arrays back into the network."""
        if self._swapped_in:
            self._arrays.put(self._backup)
            self._swapped_in = False

    @property
    def trained(self) -> list[Any]:
        """The trained arrays, whether or not they are in the network at the moment."""
        return self._backup if self._swapped_in else self._arrays.live()

    @property
    def averages(self) -> list[Any]:
        """The averages; empty before the first step."""
        return self._averages if self.count else []

    def restore(self, averages: Sequence[Any], count: int) -> None:
        """Resume from saved averages; the trained arrays are already in the network.

        Raises:
            ValueError: the averages belong to another network.
        """
        self.reset()
        if not self.limit or not count:
            return
        if count < 0 or [a.shape for a in averages] != [a.shape for a in self._arrays.live()]:
            raise ValueError("its averages are of another network")
        self.before_step()
        self._arrays.put(averages)
        self._arrays.copy_to(self._averages)
        self._arrays.put(self._backup)
        self.count = count

    def methods(self) -> list[str]:
        """Entries for `ModelRecord.methods`."""
        return [f"averaged weights (decay {self.limit:g})"] if self.limit else []


def decay(limit: float, count: int) -> float:
    """The decay of the next update after `count` updates: 0 for the first, then rising to `limit`.

    The ramp keeps the first weights from dominating a short training (as TensorFlow's ExponentialMovingAverage does).
    """
    return min(limit, (1 + count) / (10 + count)) if count else 0.0
