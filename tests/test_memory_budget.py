"""The memory budget: never more than its limit at once, except for one alone; nobody waits for ever."""

from __future__ import annotations

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from monklite.data import decode
from monklite.data.memory_budget import MemoryBudget


def test_all_threads_together_stay_within_the_limit() -> None:
    budget, most, lock = MemoryBudget(100), [0], threading.Lock()

    def work(n: int) -> int:
        with budget.take(n):
            with lock:
                most[0] = max(most[0], budget.used)
            time.sleep(0.001)
        return n

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, [30, 60, 10, 100, 1, 99] * 20)) == [30, 60, 10, 100, 1, 99] * 20
    assert 60 < most[0] <= 100
    assert budget.used == 0


def test_what_needs_more_than_the_limit_is_alone() -> None:
    budget, seen = MemoryBudget(100), []

    def work(n: int) -> None:
        with budget.take(n):
            seen.append((n, budget.used))
            time.sleep(0.001)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, [40, 500, 40, 300, 40] * 6))
    assert {used for n, used in seen if n > 100} == {500, 300}


def test_a_large_one_does_not_wait_behind_small_ones_for_ever() -> None:
    budget, order = MemoryBudget(100), []
    first = budget.take(60)
    first.__enter__()

    def work(n: int) -> None:
        with budget.take(n):
            order.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in (100, 10, 10)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    assert order == []
    first.__exit__(None, None, None)
    for thread in threads:
        thread.join(timeout=10)
    assert order[0] == 100


def test_an_error_in_the_block_gives_the_memory_back() -> None:
    budget = MemoryBudget(100)
    with pytest.raises(ValueError, match="x"), budget.take(100):
        raise ValueError("x")
    with budget.take(100):
        assert budget.used == 100
    assert budget.used == 0


def test_nothing_is_had_at_once_by_one_who_holds_some() -> None:
    budget = MemoryBudget(100)
    waiting = threading.Thread(target=lambda: budget.take(100).__enter__(), daemon=True)
    with budget.take(100):
        waiting.start()
        time.sleep(0.02)
        with budget.take(0):
            assert budget.used == 100
    waiting.join(timeout=10)
    assert not waiting.is_alive()


@pytest.mark.parametrize("form", ["WEBP", "PNG", "TIFF", "GIF", "BMP", "JPEG"])
def test_many_threads_decode_with_little_memory(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "_MEMORY", MemoryBudget(3000))
    file = io.BytesIO()
    Image.new("RGB", (32, 24), (10, 20, 30)).save(file, form)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(decode.decode, file.getvalue(), 8) for _ in range(200)]
        assert {future.result(timeout=30).problem for future in futures} == {""}
    assert decode._MEMORY.used == 0
