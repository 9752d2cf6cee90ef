"""Work done ahead in threads: order, bounds, errors, and an end."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from monklite.data.prefetch import PER_THREAD, in_order


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_results_come_in_the_order_of_the_items(pool: ThreadPoolExecutor) -> None:
    def slow_when_even(i: int) -> int:
        time.sleep(0.002 * (i % 2 == 0))
        return i * i

    assert list(in_order(pool, slow_when_even, range(50), 2)) == [i * i for i in range(50)]


@pytest.mark.parametrize("n", [0, 1, PER_THREAD * 2 - 1, PER_THREAD * 2, PER_THREAD * 2 + 1])
def test_any_number_of_items(pool: ThreadPoolExecutor, n: int) -> None:
    assert list(in_order(pool, str, range(n), 2)) == [str(i) for i in range(n)]


def test_no_workers_are_one(pool: ThreadPoolExecutor) -> None:
    assert list(in_order(pool, str, "abc", 0)) == ["a", "b", "c"]


def test_items_are_taken_only_as_results_are_asked_for(pool: ThreadPoolExecutor) -> None:
    taken = []
    results = in_order(pool, str, (taken.append(i) or i for i in itertools.count()), 2)
    assert [next(results) for _ in range(10)] == [str(i) for i in range(10)]
    assert len(taken) == 10 - 1 + PER_THREAD * 2
    results.close()
    assert len(taken) == 10 - 1 + PER_THREAD * 2


def test_work_is_done_ahead_by_as_many_threads_as_there_are(pool: ThreadPoolExecutor) -> None:
    together = threading.Barrier(2, timeout=10)  # breaks where only one thread works
    results = in_order(pool, lambda _: together.wait(), range(8), 2)
    assert sorted(list(results)[:2]) == [0, 1]


def test_an_error_comes_where_its_result_would_have_come(pool: ThreadPoolExecutor) -> None:
    results = in_order(pool, lambda i: 1 // (3 - i), range(20), 2)
    assert [next(results) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_closing_gives_up_what_has_not_begun(pool: ThreadPoolExecutor) -> None:
    go, begun = threading.Event(), []

    def work(i: int) -> int:
        begun.append(i)
        if i:
            go.wait(10)
        return i

    results = in_order(pool, work, range(100), 2)
    assert next(results) == 0
    while len(begun) < 3:  # the first is done, and each thread has another
        time.sleep(0.001)
    results.close()
    go.set()
    pool.shutdown()
    assert sorted(begun) == [0, 1, 2]
