"""Prefetching in threads: Pillow releases Python's lock, so decoding images in parallel needs no processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor
from itertools import islice
from typing import TypeVar

# items in progress per thread: enough that no thread waits, few enough that a model on the same cores is not slowed down
PER_THREAD = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], workers: int, per_thread: int = PER_THREAD
) -> Generator[Result, None, None]:
    """Yield the results of `work` in the order of the items, with few of them in memory at a time.

    Items are consumed as results are requested, so there may be more than fit into memory. An error is raised in place of
    its result. Closing the iterator cancels work that has not started.
    """
    remaining = iter(items)
    pending = deque(pool.submit(work, item) for item in islice(remaining, per_thread * max(1, workers)))
    try:
        while pending:
            yield pending.popleft().result()
            pending.extend(pool.submit(work, item) for item in islice(remaining, 1))
    finally:
        for future in pending:
            future.cancel()
