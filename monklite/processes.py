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
        """Call `work` on the leader; every process gets its result or error (plain values)."""
        ...

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all processes must call this."""
        ...

    def wait(self) -> None:
        """Wait until every process has called this."""
        ...

    def gather(self, array: np.ndarray) -> np.ndarray:
        """The arrays of all processes, concatenated along the first axis; the same in every process."""
        ...


class Alone:
    """The world of ordinary training: one process."""

    rank, size = 0, 1

    def lead(self, work: Callable[[], T]) -> T:
        return work()

    def any(self, flag: bool) -> bool:
        return flag

    def wait(self) -> None:
        pass

    def gather(self, array: np.ndarray) -> np.ndarray:
        return array
