"""Images decoded once and shared, with the same pixels as a fresh decoding."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock, Timeout

from monklite.catalog.transforms import TRANSFORMS
from monklite.data import cache, decode, discover
from monklite.data.augment import policy
from monklite.data.cache import CachedStore, StreamingStore, open_store
from monklite.data.discover import Samples
from monklite.errors import StorageError, UnreadableImage
from monklite.files import TEMPORARY
from monklite.testing.datasets import draw_patterns

PLAIN = policy((), 16)
RESIZED = policy((TRANSFORMS["resize"].choose("pytorch", {"input_size": 16}),), 16)


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    return discover.from_folders(draw_patterns(tmp_path / "images", {"dots": 4, "rings": 4}, side=24))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "workspace" / ".cache"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were decoded, one entry each time."""
    names: list[str] = []
    real = decode.load

    def counting(path: Path, *arguments: object) -> object:
        names.append(Path(path).name)
        return real(path, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(decode, "load", counting)
    return names


def everything(store: cache.Store, samples: Samples) -> np.ndarray:
    return store.read(np.arange(len(samples)))


def expected(samples: Samples) -> np.ndarray:
    return np.stack([decode.load(samples.root / path, 16)[0] for path in samples.paths])


def spoil(samples: Samples, row: int) -> None:
    (samples.root / samples.paths[row]).write_bytes(b"no picture")


def test_images_are_those_of_decoding(samples: Samples, folder: Path) -> None:
    store = open_store(samples, PLAIN, folder, 2)
    assert isinstance(store, CachedStore)
    assert (everything(store, samples) == expected(samples)).all()
    assert store.sizes.tolist() == [[24, 24]] * 8
    assert store.problems == {}


def test_rows_come_in_the_asked_order(samples: Samples, folder: Path) -> None:
    got = open_store(samples, PLAIN, folder, 2).read(np.array([5, 0, 5]))
    assert (got == expected(samples)[[5, 0, 5]]).all()


@pytest.mark.parametrize("workers", [1, 3])
def test_every_image_is_decoded_once(samples: Samples, folder: Path, decoded: list[str], workers: int) -> None:
    open_store(samples, PLAIN, folder, workers)
    assert sorted(decoded) == sorted(Path(p).name for p in samples.paths)


def test_a_second_opening_decodes_nothing(samples: Samples, folder: Path, decoded: list[str]) -> None:
    first = everything(open_store(samples, PLAIN, folder, 2), samples)
    decoded.clear()
    second = everything(open_store(samples, PLAIN, folder, 2), samples)
    assert decoded == []
    assert (first == second).all()


def change_size(path: Path) -> None:
    before = path.stat()
    path.write_bytes(path.read_bytes() + b"\0")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def change_time(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000))


@pytest.mark.parametrize("change", [change_size, change_time])
def test_a_changed_file_gives_a_new_cache(
    samples: Samples, folder: Path, decoded: list[str], change: Callable[[Path], None]
) -> None:
    open_store(samples, PLAIN, folder, 2)
    change(samples.root / samples.paths[3])
    decoded.clear()
    open_store(samples, PLAIN, folder, 2)
    assert len(decoded) == len(samples)


def test_a_changed_picture_is_seen(samples: Samples, folder: Path) -> None:
    before = everything(open_store(samples, PLAIN, folder, 2), samples)
    target, other = (samples.root / samples.paths[row] for row in (0, 7))
    target.write_bytes(other.read_bytes())
    os.utime(target, ns=(0, 5))
    after = everything(open_store(samples, PLAIN, folder, 2), samples)
    assert (after[0] == before[7]).all()
    assert (after[1:] == before[1:]).all()


def test_other_settings_give_another_cache(samples: Samples, folder: Path) -> None:
    for how in (PLAIN, RESIZED, policy((), 12), PLAIN):
        open_store(samples, how, folder, 2)
    assert len(list(folder.glob(f"*{cache.IMAGES}"))) == 3


def test_some_of_the_samples_give_another_cache(samples: Samples, folder: Path) -> None:
    open_store(samples, PLAIN, folder, 2)
    part = samples.take(np.array([6, 1]))
    assert (everything(open_store(part, PLAIN, folder, 2), part) == expected(samples)[[6, 1]]).all()


@pytest.mark.parametrize("keep", [True, False])
def test_problems_are_told_by_row(samples: Samples, folder: Path, keep: bool) -> None:
    spoil(samples, 2)
    store = open_store(samples, PLAIN, folder, 2, keep=keep)
    assert list(store.problems) == [2]
    assert "dots-002.png cannot be read: it is not an image" in store.problems[2]
    assert store.sizes[2].tolist() == [0, 0]


def test_problems_are_remembered(samples: Samples, folder: Path, decoded: list[str]) -> None:
    for row in (5, 2):
        spoil(samples, row)
    first = open_store(samples, PLAIN, folder, 2).problems
    decoded.clear()
    assert open_store(samples, PLAIN, folder, 2).problems == first
    assert (sorted(first), decoded) == ([2, 5], [])


def test_streaming_gives_the_same_and_writes_nothing(samples: Samples, folder: Path) -> None:
    streamed = open_store(samples, PLAIN, folder, 2, keep=False)
    assert isinstance(streamed, StreamingStore)
    assert not folder.exists()
    kept = open_store(samples, PLAIN, folder, 2)
    rows = np.array([7, 0, 3])
    assert (streamed.read(rows) == kept.read(rows)).all()
    assert streamed.sizes.tolist() == kept.sizes.tolist()


def test_streaming_an_unreadable_image_is_an_error(samples: Samples, folder: Path) -> None:
    spoil(samples, 2)
    store = open_store(samples, PLAIN, folder, 2, keep=False)
    with pytest.raises(UnreadableImage, match=r"dots-002\.png cannot be read"):
        store.read(np.array([1, 2]))


def test_a_disk_too_small_is_streamed(samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SPARE", 1 << 62)
    assert isinstance(open_store(samples, PLAIN, folder, 2), StreamingStore)


def test_a_cache_that_is_there_is_used_though_the_disk_is_full(
    samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(samples, PLAIN, folder, 2)
    monkeypatch.setattr(cache, "SPARE", 1 << 62)
    assert isinstance(open_store(samples, PLAIN, folder, 2), CachedStore)


@pytest.mark.parametrize("keep", [True, False])
def test_progress_is_told_image_by_image(samples: Samples, folder: Path, keep: bool) -> None:
    told: list[tuple[int, int]] = []
    open_store(samples, PLAIN, folder, 2, lambda done, total: told.append((done, total)), keep)
    assert told == [(k, 8) for k in range(1, 9)]


def test_the_cached_images_cannot_be_written(samples: Samples, folder: Path) -> None:
    store = open_store(samples, PLAIN, folder, 2)
    assert isinstance(store, CachedStore)
    with pytest.raises(ValueError, match="read-only"):
        store.images[0] = 0


def test_what_is_read_is_a_copy(samples: Samples, folder: Path) -> None:
    store = open_store(samples, PLAIN, folder, 2)
    everything(store, samples)[:] = 0
    assert (everything(store, samples) == expected(samples)).all()


@pytest.mark.parametrize("lost", [cache.IMAGES, cache.INDEX])
def test_half_a_cache_is_made_again(samples: Samples, folder: Path, lost: str) -> None:
    open_store(samples, PLAIN, folder, 2)
    next(folder.glob(f"*{lost}")).unlink()
    assert (everything(open_store(samples, PLAIN, folder, 2), samples) == expected(samples)).all()


def test_what_a_killed_writer_left_is_removed(samples: Samples, folder: Path) -> None:
    open_store(samples, PLAIN, folder, 2)
    index = next(folder.glob(f"*{cache.INDEX}"))
    leftover = folder / f".{index.name.removesuffix(cache.INDEX)}{cache.IMAGES}.1-abc{TEMPORARY}"
    leftover.write_bytes(b"half")
    index.unlink()
    assert (everything(open_store(samples, PLAIN, folder, 2), samples) == expected(samples)).all()
    assert not leftover.exists()


def test_a_writer_of_another_cache_is_not_disturbed(samples: Samples, folder: Path) -> None:
    def open_another(done: int, total: int) -> None:
        if done == 4:
            open_store(samples, RESIZED, folder, 1)

    store = open_store(samples, PLAIN, folder, 1, open_another)
    assert (everything(store, samples) == expected(samples)).all()


def test_a_cache_is_locked_while_it_is_written(samples: Samples, folder: Path) -> None:
    def try_the_lock(done: int, total: int) -> None:
        with pytest.raises(Timeout, match="could not be acquired"):
            FileLock(next(folder.glob(f"*{cache.LOCK}"))).acquire(timeout=0)
        told.append(done)

    told: list[int] = []
    open_store(samples, PLAIN, folder, 1, try_the_lock)
    assert len(told) == 8


def test_an_interrupted_decoding_leaves_nothing_that_counts(samples: Samples, folder: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_store(samples, PLAIN, folder, 2, interrupt)
    assert [p for p in folder.iterdir() if not p.name.endswith(cache.LOCK)] == []
    assert (everything(open_store(samples, PLAIN, folder, 2), samples) == expected(samples)).all()


def test_a_cache_folder_that_cannot_be_made_is_told(samples: Samples, folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("a file")
    with pytest.raises(StorageError, match=r"\.cache could not be written: File exists"):
        open_store(samples, PLAIN, folder, 2)


def read_in_a_process(arguments: tuple[Samples, Path]) -> np.ndarray:
    samples, folder = arguments
    return everything(open_store(samples, PLAIN, folder, 1), samples)


def test_two_processes_at_once_get_the_same_images(samples: Samples, folder: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        first, second = pool.map(read_in_a_process, [(samples, folder)] * 2)
    assert (first == expected(samples)).all()
    assert (second == first).all()
    assert len(list(folder.glob(f"*{cache.IMAGES}"))) == 1
