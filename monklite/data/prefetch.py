"""Work done ahead of its use, in threads: Pillow works outside Python's lock, so images are decoded without processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor
from itertools import islice
from typing import TypeVar

PER_THREAD = 4  # items under way: none waits for work, and few fight a model for the cores that both run on

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], workers: int, per_thread: int = PER_THREAD
) -> Generator[Result, None, None]:
    """The results of `work` in the order of the items, with few of them in memory at a time.

    Items are taken one by one as results are asked for, so there may be more than fit into memory. An error is raised
    where its result would have come. Closing the iterator gives up what has not begun.
    """
    following = iter(items)
    waiting = deque(pool.submit(work, item) for item in islice(following, per_thread * max(1, workers)))
    try:
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(following, 1))
    finally:
        for future in waiting:
            future.cancel()
