"""The memory that decoding may use at once, over all threads: whoever needs some waits until there is enough."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class MemoryBudget:
    """At most `limit` bytes are in use at once; a picture that needs more has to be alone."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._used = 0
        self._condition = threading.Condition()
        # first come, first served: small pictures do not overtake a large one for ever
        self._waiting: deque[object] = deque()

    @property
    def used(self) -> int:
        """The bytes in use now."""
        return self._used

    @contextmanager
    def take(self, n_bytes: int) -> Iterator[None]:
        """Hold `n_bytes` during the block; waits until they are free.

        A thread that holds memory must not take more, or two threads could wait for each other for ever. Taking 0 bytes never
        waits.
        """
        if n_bytes == 0:
            yield
            return
        ticket = object()
        with self._condition:
            self._waiting.append(ticket)
            try:
                self._condition.wait_for(lambda: self._waiting[0] is ticket and self._fits(n_bytes))
                self._used += n_bytes
            finally:
                self._waiting.remove(ticket)
                self._condition.notify_all()
        try:
            yield
        finally:
            with self._condition:
                self._used -= n_bytes
                self._condition.notify_all()

    def _fits(self, n_bytes: int) -> bool:
        return self._used == 0 or self._used + n_bytes <= self.limit
