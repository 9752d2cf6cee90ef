"""The cache's limit: the least recently used goes first, and nothing that is in use or not monklite's."""

from __future__ import annotations

import gc
import os
import signal
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from monklite.data import cache_limit, discover
from monklite.data.augment import Policy, policy
from monklite.data.cache import open_store as open_both
from monklite.data.samples import Samples
from monklite.data.stores import CachedStore, Store, StreamingStore
from monklite.files import format_bytes
from monklite.testing.datasets import draw_patterns

SIDES = (16, 17, 18)  # three caches of 6, 7 and 8 kB


def open_store(*arguments: object) -> Store:
    """The images alone, without the table."""
    return open_both(*arguments)[1]


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    return discover.from_folders(draw_patterns(tmp_path / "images", {"a": 4, "b": 4}, side=20))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def how(side: int) -> Policy:
    return policy((), side)


def fill(samples: Samples, folder: Path) -> list[Path]:
    """Three caches, used long ago in this order; their index files."""
    made: list[Path] = []
    for age, side in enumerate(SIDES):
        open_store(samples, how(side), folder, 1)
        made += set(folder.glob(f"*{cache_limit.INDEX_SUFFIX}")) - set(made)
        for path in folder.glob(made[-1].name.replace(cache_limit.INDEX_SUFFIX, ".i*")):
            os.utime(path, (1000 + age, 1000 + age))
    return made


def left(folder: Path) -> set[str]:
    return {p.name for p in folder.glob(f"*{cache_limit.INDEX_SUFFIX}")}


def size(folder: Path) -> int:
    return sum(
        p.stat().st_size
        for ending in (cache_limit.INDEX_SUFFIX, cache_limit.IMAGES_SUFFIX)
        for p in folder.glob(f"*{ending}")
    )


def allow(monkeypatch: pytest.MonkeyPatch, n_bytes: int) -> None:
    monkeypatch.setenv(cache_limit.LIMIT_VARIABLE, f"{n_bytes / cache_limit.GB:.9f}")


def test_the_least_recently_used_goes_first(samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fill(samples, folder)
    allow(monkeypatch, size(folder) + 2000)
    store = open_store(samples, how(15), folder, 1)
    assert isinstance(store, CachedStore)
    assert not {made[0].name} & left(folder)
    assert {made[1].name, made[2].name} < left(folder)
    assert not list(folder.glob(made[0].name.replace(cache_limit.INDEX_SUFFIX, cache_limit.IMAGES_SUFFIX)))
    assert size(folder) <= cache_limit.limit(folder)


def test_use_counts_as_recent(samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fill(samples, folder)
    open_store(samples, how(SIDES[0]), folder, 1)
    allow(monkeypatch, size(folder) + 2000)
    open_store(samples, how(15), folder, 1)
    assert made[0].name in left(folder)
    assert made[1].name not in left(folder)


def test_a_lower_limit_is_kept_at_the_next_opening(
    samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(samples, folder)
    allow(monkeypatch, 1)
    store = open_store(samples, how(SIDES[1]), folder, 1)
    assert isinstance(store, CachedStore)
    assert left(folder) == {made[1].name}


def test_what_this_process_uses_stays(samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fill(samples, folder)
    used = open_store(samples, how(SIDES[0]), folder, 1)
    os.utime(made[0], (5, 5))
    assert cache_limit.clear(folder) > 10_000
    assert left(folder) == {made[0].name}
    allow(monkeypatch, 9000)
    streamed = open_store(samples, how(SIDES[1]), folder, 1)
    assert isinstance(streamed, StreamingStore)
    assert streamed.remark.endswith("and the rest of the cache is in use")
    assert used.read(np.arange(8)).any()
    del used
    gc.collect()
    assert isinstance(open_store(samples, how(SIDES[1]), folder, 1), CachedStore)
    assert not list(folder.glob(f"*{cache_limit.LEASE_SUFFIX}"))


def read_until_told(samples: Samples, folder: Path, pipe: Connection) -> None:
    store = open_store(samples, how(SIDES[0]), folder, 1)
    pipe.send("open")
    pipe.recv()
    pipe.send(int(store.read(np.arange(8)).sum()))
    pipe.recv()


def test_what_another_process_uses_stays_until_it_ends_even_by_force(samples: Samples, folder: Path) -> None:
    made = fill(samples, folder)
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=read_until_told, args=(samples, folder, there))
    process.start()
    assert here.recv() == "open"
    cache_limit.clear(folder)
    assert left(folder) == {made[0].name}
    here.send("read")
    assert here.recv() == open_store(samples, how(SIDES[0]), folder, 1).read(np.arange(8)).sum()
    gc.collect()
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    cache_limit.clear(folder)
    assert left(folder) == set()
    assert not list(folder.glob(f"*{cache_limit.LEASE_SUFFIX}"))


def test_a_cache_that_is_being_written_stays(samples: Samples, folder: Path) -> None:
    def clear(done: int, total: int) -> None:
        cache_limit.clear(folder)

    store = open_store(samples, how(16), folder, 1, clear)
    assert isinstance(store, CachedStore)
    assert store.read(np.arange(8)).any()


def test_a_cache_of_which_another_holds_the_lock_stays(samples: Samples, folder: Path) -> None:
    made = fill(samples, folder)
    # half of it may be in place already
    with FileLock(str(made[1]).replace(cache_limit.INDEX_SUFFIX, cache_limit.LOCK_SUFFIX)):
        cache_limit.clear(folder)
    assert left(folder) == {made[1].name}


def test_what_a_killed_writer_left_of_other_data_is_removed(samples: Samples, folder: Path) -> None:
    folder.mkdir()
    leftover = folder / f".{'0' * 32}{cache_limit.IMAGES_SUFFIX}.77-abcdef.monklite-tmp"
    leftover.write_bytes(b"half")
    open_store(samples, how(16), folder, 1)
    assert not leftover.exists()


def test_foreign_files_are_neither_counted_nor_removed(samples: Samples, folder: Path) -> None:
    fill(samples, folder)
    names = (
        "notes.txt",
        f"x{'0' * 32}{cache_limit.IMAGES_SUFFIX}",
        f"{'0' * 31}{cache_limit.INDEX_SUFFIX}",
        f"{'0' * 32}.images.npy.bak",
    )
    for name in names:
        (folder / name).write_bytes(b"mine")
    (folder / f"{'1' * 32}.folder").mkdir()
    counted = size(folder) - 2 * 4
    assert cache_limit.clear(folder) == counted
    assert left(folder) == {names[2]}
    assert all((folder / name).read_bytes() == b"mine" for name in names)


def test_nothing_is_removed_in_vain(samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fill(samples, folder)
    allow(monkeypatch, 30_000)
    assert cache_limit.make_space(folder, 30_001).startswith("more than the 30.0 kB that the cache may take")
    monkeypatch.setattr(cache_limit, "MIN_FREE_BYTES", 1 << 62)
    assert cache_limit.make_space(folder, 10).startswith("and the disk has only")
    assert left(folder) == {m.name for m in made}


def test_caches_go_where_the_disk_and_not_the_limit_is_short(
    samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(samples, folder)
    monkeypatch.setenv(cache_limit.LIMIT_VARIABLE, "1")
    monkeypatch.setattr(cache_limit, "free_bytes", lambda _: cache_limit.MIN_FREE_BYTES)
    assert cache_limit.make_space(folder, 100) == ""
    assert left(folder) == {m.name for m in made[1:]}


def test_the_limit_is_half_of_what_is_free_without_the_cache(
    samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(cache_limit.LIMIT_VARIABLE, raising=False)
    monkeypatch.setattr(cache_limit, "free_bytes", lambda _: 10_000_000)
    assert cache_limit.limit(folder) == 5_000_000
    fill(samples, folder)
    assert cache_limit.limit(folder) == (10_000_000 + size(folder)) // 2
    monkeypatch.setenv(cache_limit.LIMIT_VARIABLE, "2.5")
    assert cache_limit.limit(folder) == 2_500_000_000


def test_a_cache_that_is_not_there_needs_no_room(tmp_path: Path) -> None:
    assert cache_limit.make_space(tmp_path / "none" / "yet") == ""
    assert cache_limit.clear(tmp_path / "none") == 0


def test_a_lease_given_up_by_another_thread_is_gone(tmp_path: Path) -> None:
    from threading import Thread

    lease = cache_limit.Lease(tmp_path / ("a" * 32))
    assert len(list(tmp_path.glob(f"*{cache_limit.LEASE_SUFFIX}"))) == 1
    thread = Thread(target=lease.release)
    thread.start()
    thread.join()
    assert not list(tmp_path.glob(f"*{cache_limit.LEASE_SUFFIX}"))


def test_a_forked_child_leaves_the_lease_to_its_parent(samples: Samples, folder: Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("no fork on this system")
    made = fill(samples, folder)
    store = open_store(samples, how(SIDES[0]), folder, 1)
    child = os.fork()
    if child == 0:
        del store
        gc.collect()
        os._exit(0)
    os.waitpid(child, 0)
    time.sleep(0.01)
    cache_limit.clear(folder)
    assert left(folder) == {made[0].name}
    assert store.read(np.arange(8)).any()


def test_the_cache_is_cleared_but_for_what_is_in_use_and_what_is_not_its_own(tmp_path: Path) -> None:
    mine, used = "a" * 32, "b" * 32
    suffixes = (cache_limit.IMAGES_SUFFIX, cache_limit.INDEX_SUFFIX)
    for name in (f"{key}{suffix}" for key in (mine, used) for suffix in suffixes):
        (tmp_path / name).write_text("half")
    (tmp_path / "notes.txt").write_text("half")
    lease = cache_limit.Lease(tmp_path / used)
    size, told = cache_limit.size(tmp_path), []
    assert size == sum(p.stat().st_size for p in tmp_path.glob("*.np[yz]"))
    assert cache_limit.clear(tmp_path, told.append) == size / 2
    assert told == [f"{format_bytes(size / 2)} of decoded images are kept: they are in use, or cannot be removed"]
    assert {p.name for p in tmp_path.iterdir() if p.suffix in (".npy", ".npz", ".txt")} == {
        f"{used}{cache_limit.IMAGES_SUFFIX}", f"{used}{cache_limit.INDEX_SUFFIX}", "notes.txt",
    }  # fmt: skip
    lease.release()
