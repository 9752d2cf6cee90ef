"""The processes that train one network together; usually there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

T = TypeVar("T")


class World(Protocol):
    """The processes that train one network together; process 0 leads, and alone writes files."""

    rank: int
    size: int

    def lead(self, work: Callable[[], T]) -> T:
        """Do something on the leader; every process gets what it returned or raised (plain values)."""
        ...

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all of them must ask."""
        ...

    def wait(self) -> None:
        """Go on when every process has come here."""
        ...

    def gather(self, array: np.ndarray) -> np.ndarray:
        """The arrays of all processes one below the other, the same everywhere."""
        ...


class Alone:
    """The world of an ordinary training: one process."""

    rank, size = 0, 1

    def lead(self, work: Callable[[], T]) -> T:
        return work()

    def any(self, flag: bool) -> bool:
        return flag

    def wait(self) -> None:
        pass

    def gather(self, array: np.ndarray) -> np.ndarray:
        return array
