"""Images decoded once and shared, with the same pixels as a fresh decoding."""

from __future__ import annotations

import errno
import gc
import os
import resource
import shutil
import signal
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock, Timeout

from monklite.catalog.transforms import TRANSFORMS
from monklite.data import cache, cache_index, cache_limit, decode, digests, discover
from monklite.data.augment import policy
from monklite.data.cache import open_store as open_both
from monklite.data.samples import Samples
from monklite.data.stores import CachedStore, Store, StreamingStore
from monklite.errors import DatasetError, InvalidValue, NotFound, StorageError, UnreadableImage
from monklite.files import TEMPORARY, storing
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
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The digests of the files that were decoded, one entry each time."""
    contents: list[bytes] = []
    real = decode.decode

    def counting(content: bytes, *arguments: object, **named: object) -> object:
        contents.append(digests.digest_of(content))
        return real(content, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(decode, "decode", counting)
    return contents


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read, one entry each time."""
    names: list[str] = []
    real = decode.read_file

    def counting(path: str) -> object:
        names.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(decode, "read_file", counting)
    return names


def open_store(*arguments: object, **named: object) -> Store:
    """The images alone, without the table."""
    return open_both(*arguments, **named)[1]


def looked_at(*arguments: object, **named: object) -> Samples:
    """The table alone, without the images."""
    return open_both(*arguments, **named)[0]


def everything(store: Store, samples: Samples) -> np.ndarray:
    return store.read(np.arange(len(samples)))


def expected(samples: Samples) -> np.ndarray:
    return np.stack([decode.load(samples.roots[0] / path, 16)[0] for path in samples.paths])


def spoil(samples: Samples, row: int) -> None:
    (samples.roots[0] / samples.paths[row]).write_bytes(b"no picture")


def test_images_are_those_of_decoding(samples: Samples, folder: Path) -> None:
    table, store = open_both(samples, PLAIN, folder, 2)
    assert isinstance(store, CachedStore)
    assert (everything(store, samples) == expected(samples)).all()
    assert store.sizes.tolist() == [[24, 24]] * 8
    assert table.problems.tolist() == [""] * 8


def test_rows_come_in_the_asked_order(samples: Samples, folder: Path) -> None:
    got = open_store(samples, PLAIN, folder, 2).read(np.array([5, 0, 5]))
    assert (got == expected(samples)[[5, 0, 5]]).all()


@pytest.mark.parametrize("workers", [1, 3])
def test_every_image_is_decoded_once(samples: Samples, folder: Path, decoded: list[bytes], workers: int) -> None:
    table = looked_at(samples, PLAIN, folder, workers)
    assert sorted(decoded) == sorted(table.digests.tolist())


def test_a_second_opening_decodes_nothing(samples: Samples, folder: Path, decoded: list[bytes]) -> None:
    first = everything(open_store(samples, PLAIN, folder, 2), samples)
    decoded.clear()
    second = everything(open_store(samples, PLAIN, folder, 2), samples)
    assert decoded == []
    assert (first == second).all()


def test_another_time_alone_decodes_nothing(samples: Samples, folder: Path, decoded: list[bytes]) -> None:
    open_store(samples, PLAIN, folder, 2)
    os.utime(samples.roots[0] / samples.paths[3], ns=(0, 5))
    decoded.clear()
    open_store(samples, PLAIN, folder, 2)
    assert decoded == []


def move(root: Path) -> Path:
    return root.rename(root.with_name("moved"))


def copy(root: Path) -> Path:
    return Path(shutil.copytree(root, root.with_name("copy")))


def rename_the_files(root: Path) -> Path:
    for path in root.glob("*/*"):
        path.rename(path.with_name(f"new-{path.name}"))
    return root


@pytest.mark.parametrize("change", [move, copy, rename_the_files])
def test_the_same_content_elsewhere_finds_its_cache(
    samples: Samples, folder: Path, decoded: list[bytes], change: Callable[[Path], Path]
) -> None:
    spoil(samples, 2)
    before = everything(open_store(samples, PLAIN, folder, 2), samples)
    there = discover.from_folders(change(samples.roots[0]))
    decoded.clear()
    table, store = open_both(there, PLAIN, folder, 2)
    assert decoded == []
    assert (everything(store, there) == before).all()
    assert table.problems[2].startswith("it is not an image")
    assert len(list(folder.glob(f"*{cache.IMAGES_SUFFIX}"))) == 1


def test_a_changed_file_of_the_same_size_and_time_is_seen_at_once(samples: Samples, folder: Path) -> None:
    before = everything(open_store(samples, PLAIN, folder, 2), samples)
    target, other = (samples.roots[0] / samples.paths[row] for row in (0, 7))
    content, info = other.read_bytes(), target.stat()
    target.write_bytes(content + bytes(max(0, info.st_size - len(content))))
    os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert (everything(open_store(samples, PLAIN, folder, 2), samples)[0] == before[7]).all()


def test_a_changed_picture_is_seen(samples: Samples, folder: Path) -> None:
    before = everything(open_store(samples, PLAIN, folder, 2), samples)
    target, other = (samples.roots[0] / samples.paths[row] for row in (0, 7))
    target.write_bytes(other.read_bytes())
    os.utime(target, ns=(0, 5))
    after = everything(open_store(samples, PLAIN, folder, 2), samples)
    assert (after[0] == before[7]).all()
    assert (after[1:] == before[1:]).all()


def test_other_settings_give_another_cache(samples: Samples, folder: Path) -> None:
    for how in (PLAIN, RESIZED, policy((), 12), PLAIN):
        open_store(samples, how, folder, 2)
    assert len(list(folder.glob(f"*{cache.IMAGES_SUFFIX}"))) == 3


def test_some_of_the_samples_give_another_cache_and_decode_nothing(
    samples: Samples, folder: Path, decoded: list[bytes]
) -> None:
    open_store(samples, PLAIN, folder, 2)
    decoded.clear()
    part = samples.take(np.array([6, 1]))
    images = everything(open_store(part, PLAIN, folder, 2), part)
    assert decoded == []
    assert (images == expected(samples)[[6, 1]]).all()


@pytest.mark.parametrize("keep", [True, False])
def test_problems_are_told_by_row(samples: Samples, folder: Path, keep: bool) -> None:
    spoil(samples, 2)
    table, store = open_both(samples, PLAIN, folder, 2, keep=keep)
    assert np.flatnonzero(table.problems != "").tolist() == [2]
    assert table.problems[2].startswith("it is not an image")
    assert table.readable().tolist() == [0, 1, 3, 4, 5, 6, 7]
    assert store.sizes[2].tolist() == [0, 0]


def test_problems_are_remembered(samples: Samples, folder: Path, decoded: list[bytes]) -> None:
    for row in (5, 2):
        spoil(samples, row)
    first = looked_at(samples, PLAIN, folder, 2).problems.tolist()
    decoded.clear()
    assert looked_at(samples, PLAIN, folder, 2).problems.tolist() == first
    assert ([i for i, problem in enumerate(first) if problem], decoded) == ([2, 5], [])


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


def test_a_file_that_vanishes_while_it_is_streamed_is_named(samples: Samples, folder: Path) -> None:
    store = open_store(samples, PLAIN, folder, 2, keep=False)
    (samples.roots[0] / samples.paths[5]).unlink()
    assert store.read(np.array([0, 1])).any()
    with pytest.raises(NotFound, match=r"rings-001\.png is not there"):
        store.read(np.array([4, 5]))


def test_a_file_that_changes_while_it_is_streamed_is_named(samples: Samples, folder: Path) -> None:
    store = open_store(samples, PLAIN, folder, 2, keep=False)
    os.utime(samples.roots[0] / samples.paths[4], ns=(0, 5))
    assert store.read(np.array([4])).any()
    (samples.roots[0] / samples.paths[5]).write_bytes((samples.roots[0] / samples.paths[0]).read_bytes())
    with pytest.raises(DatasetError, match=r"rings-001\.png has changed since the dataset was read"):
        store.read(np.array([4, 5]))


def decoding_threads() -> int:
    return sum(t.name.startswith("monklite-decoding") for t in threading.enumerate())


def test_streaming_keeps_its_threads_and_ends_them(samples: Samples, folder: Path) -> None:
    store = open_store(samples, PLAIN, folder, 3, keep=False)
    seen = []
    for _ in range(5):
        everything(store, samples)
        seen += [t.ident for t in threading.enumerate() if t.name.startswith("monklite-decoding")]
    assert len(set(seen)) <= 3
    threads = [t for t in threading.enumerate() if t.name.startswith("monklite-decoding")]
    del store
    gc.collect()
    for thread in threads:
        thread.join(5)
    assert decoding_threads() == 0


def test_a_disk_too_small_is_streamed(samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_limit, "MIN_FREE_BYTES", 1 << 62)
    store = open_store(samples, PLAIN, folder, 2)
    assert isinstance(store, StreamingStore)
    assert (
        "decoded again in every epoch, which is slower: decoded they take 6.1 kB, and the disk has only" in store.remark
    )
    assert (everything(store, samples) == expected(samples)).all()


def test_data_larger_than_the_limit_are_streamed(
    samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache_limit.LIMIT_VARIABLE, "0.000006")
    store = open_store(samples, PLAIN, folder, 2)
    assert isinstance(store, StreamingStore)
    assert store.remark.endswith("more than the 6.0 kB that the cache may take (MONKLITE_CACHE_GB sets it)")
    assert not list(folder.glob(f"*{cache.IMAGES_SUFFIX}"))
    monkeypatch.setenv(cache_limit.LIMIT_VARIABLE, "0.00001")
    assert isinstance(open_store(samples, PLAIN, folder, 2), CachedStore)


def test_what_is_known_of_streamed_files_is_kept(
    samples: Samples, folder: Path, decoded: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache_limit.LIMIT_VARIABLE, "0")
    monkeypatch.setattr(digests, "MIN_AGE_NS", -(10**18))
    spoil(samples, 2)
    before, first = open_both(samples, PLAIN, folder, 2)
    decoded.clear()
    table, again = open_both(samples, PLAIN, folder, 2)
    assert decoded == []
    assert (table.problems.tolist(), again.sizes.tolist()) == (before.problems.tolist(), first.sizes.tolist())
    assert np.flatnonzero(table.problems != "").tolist() == [2]
    monkeypatch.delenv(cache_limit.LIMIT_VARIABLE)
    kept = open_store(samples, PLAIN, folder, 2)
    assert isinstance(kept, CachedStore)
    assert (kept.images[0] == expected(samples.take(np.array([0])))[0]).all()


@pytest.mark.parametrize("value", ["much", "-1", "nan", "inf"])
def test_a_limit_that_is_no_number_is_refused(
    samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(cache_limit.LIMIT_VARIABLE, value)
    with pytest.raises(
        InvalidValue, match=rf"MONKLITE_CACHE_GB must be a number of gigabytes, 0 or more, not '{value}'"
    ):
        open_store(samples, PLAIN, folder, 2)


def test_a_cache_that_is_there_is_used_though_the_disk_is_full(
    samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(samples, PLAIN, folder, 2)
    monkeypatch.setattr(cache_limit, "MIN_FREE_BYTES", 1 << 62)
    assert isinstance(open_store(samples, PLAIN, folder, 2), CachedStore)


def test_a_disk_that_fills_up_while_the_cache_is_written_is_streamed(samples: Samples, folder: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        store = open_store(samples, PLAIN, folder, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert isinstance(store, StreamingStore)
    assert store.remark.endswith("and the disk is full")
    assert (everything(store, samples) == expected(samples)).all()
    assert not [p for p in folder.iterdir() if p.stat().st_size > 3000 or p.name.endswith(TEMPORARY)]


def test_a_disk_without_room_for_the_index_keeps_nothing(
    samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, **arrays: np.ndarray) -> None:
        with storing(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache_index, "write_arrays", full)
    store = open_store(samples, PLAIN, folder, 2)
    assert isinstance(store, StreamingStore)
    assert not list(folder.glob(f"*{cache.IMAGES_SUFFIX}"))
    assert (everything(store, samples) == expected(samples)).all()


def test_another_failure_of_the_disk_is_told(samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(path: Path, **arrays: np.ndarray) -> None:
        with storing(path):
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(cache_index, "write_arrays", failing)
    with pytest.raises(StorageError, match=r"index\.npz could not be written: Input/output error"):
        open_store(samples, PLAIN, folder, 2)


def test_another_input_size_has_notes_of_its_own(samples: Samples, folder: Path) -> None:
    crop = TRANSFORMS["random_resized_crop"].choose("pytorch", {"input_size": 16})
    hows = [policy((*RESIZED.prefix, crop), size) for size in (16, 32)]
    assert hows[0].decoding == hows[1].decoding
    small, large = (looked_at(samples, how, folder, 2) for how in hows)
    assert small.oddities.tolist() == [0] * 8
    assert large.oddities.tolist() == [decode.Oddity.SMALL] * 8


@pytest.mark.parametrize("keep", [True, False])
def test_progress_is_told_image_by_image(samples: Samples, folder: Path, keep: bool) -> None:
    told: list[tuple[int, int]] = []
    open_store(samples, PLAIN, folder, 2, lambda done, total: told.append((done, total)), keep)
    assert told == [(k, 8) for k in range(1, 9)]


@pytest.mark.parametrize("keep", [True, False])
def test_digest_and_pixels_are_of_the_same_bytes_whatever_changes_meanwhile(
    samples: Samples, folder: Path, keep: bool
) -> None:
    """A file that is replaced by another while the images are read counts as one or the other, never as half of each."""
    target, other = (samples.roots[0] / samples.paths[row] for row in (6, 1))
    versions = [target.read_bytes(), other.read_bytes()]
    pixels = [decode.decode(content, 16).pixels for content in versions]

    def change(done: int, total: int) -> None:
        if done == 1:
            target.write_bytes(versions[1])

    table, store = open_both(samples, PLAIN, folder, 1, change, keep)
    which = [digests.digest_of(content) for content in versions].index(table.digests[6])
    if keep:
        assert (store.read(np.array([6]))[0] == pixels[which]).all()
    elif which == 0:
        with pytest.raises(DatasetError, match=r"rings-002\.png has changed since the dataset was read"):
            store.read(np.array([6]))


def test_each_file_is_read_once_and_not_again_where_the_memo_knows_it(
    samples: Samples, folder: Path, read_files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "MIN_AGE_NS", -(10**18))
    open_store(samples, PLAIN, folder, 2)
    assert sorted(read_files) == sorted(Path(p).name for p in samples.paths)
    read_files.clear()
    open_store(samples, PLAIN, folder, 2)
    assert read_files == []
    open_store(samples, policy((), 12), folder, 2)
    assert sorted(read_files) == sorted(Path(p).name for p in samples.paths)


def test_the_file_system_is_asked_once_for_each_file(
    samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = os.stat

    def counting(path: object, *arguments: object, **named: object) -> object:
        asked.append(str(path))
        return real(path, *arguments, **named)

    monkeypatch.setattr(os, "stat", counting)
    table = looked_at(samples, PLAIN, folder, 2)
    looked_at(table, policy((), 12), folder, 2)
    assert sorted(p for p in asked if p.endswith(".png")) == sorted(str(samples.roots[0] / p) for p in samples.paths)


@pytest.mark.parametrize("n_new", [1, 3])
def test_only_new_images_are_decoded_where_a_dataset_has_grown(
    samples: Samples, folder: Path, decoded: list[bytes], n_new: int
) -> None:
    before = everything(open_store(samples, PLAIN, folder, 2), samples)
    for path in draw_patterns(folder.parent / "more", {"dots": n_new}, side=24, seed=7).rglob("*.png"):
        path.rename(samples.roots[0] / "dots" / f"a-{path.name}")
    grown = discover.from_folders(samples.roots[0])
    decoded.clear()
    store = open_store(grown, PLAIN, folder, 2)
    assert len(decoded) == n_new
    assert (everything(store, grown) == expected(grown)).all()
    old = [row for row, path in enumerate(grown.paths) if path in set(samples.paths)]
    assert (everything(store, grown)[old] == before).all()


def test_a_file_that_is_gone_before_it_is_read_is_named(samples: Samples, folder: Path) -> None:
    (samples.roots[0] / samples.paths[6]).unlink()
    with pytest.raises(NotFound, match=r"rings-002\.png is no longer there: .* put it back"):
        open_store(samples, PLAIN, folder, 2)


def test_little_is_kept_in_memory_of_each_image(tmp_path: Path, folder: Path) -> None:
    root = draw_patterns(tmp_path / "many", {"a": 2, "b": 2}, side=4)
    for i in range(600):
        os.link(root / "a" / "a-000.png", root / "a" / f"{i:04d}.png")
    samples = discover.from_folders(root)
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    store = open_store(samples, policy((), 4), folder, 2)
    gc.collect()
    grown = sum(s.size_diff for s in tracemalloc.take_snapshot().compare_to(before, "filename"))
    tracemalloc.stop()
    assert len(store.sizes) == 604
    assert grown < 120 * len(samples)  # 26 bytes each, and what any opening leaves behind


def test_the_cached_images_cannot_be_written(samples: Samples, folder: Path) -> None:
    store = open_store(samples, PLAIN, folder, 2)
    assert isinstance(store, CachedStore)
    with pytest.raises(ValueError, match="read-only"):
        store.images[0] = 0


def test_what_is_read_is_a_copy(samples: Samples, folder: Path) -> None:
    store = open_store(samples, PLAIN, folder, 2)
    everything(store, samples)[:] = 0
    assert (everything(store, samples) == expected(samples)).all()


@pytest.mark.parametrize("lost", [cache.IMAGES_SUFFIX, cache.INDEX_SUFFIX])
def test_half_a_cache_is_made_again(samples: Samples, folder: Path, lost: str) -> None:
    open_store(samples, PLAIN, folder, 2)
    next(folder.glob(f"*{lost}")).unlink()
    assert (everything(open_store(samples, PLAIN, folder, 2), samples) == expected(samples)).all()


def test_what_a_killed_writer_left_is_removed(samples: Samples, folder: Path) -> None:
    open_store(samples, PLAIN, folder, 2)
    index = next(folder.glob(f"*{cache.INDEX_SUFFIX}"))
    leftover = folder / f".{index.name.removesuffix(cache.INDEX_SUFFIX)}{cache.IMAGES_SUFFIX}.1-abc{TEMPORARY}"
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


def damage_the_index(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def something_else(path: Path) -> None:
    path.write_text("my notes")


def other_shape(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros((3, 3), np.uint8))


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        (cache.INDEX_SUFFIX, damage_the_index),
        (cache.INDEX_SUFFIX, cut_short),
        (cache.INDEX_SUFFIX, something_else),
        (cache.INDEX_SUFFIX, other_shape),
        (cache.IMAGES_SUFFIX, cut_short),
        (cache.IMAGES_SUFFIX, something_else),
        (cache.IMAGES_SUFFIX, other_shape),
    ],
)
def test_a_damaged_cache_is_made_again(samples: Samples, folder: Path, name: str, harm: Callable[[Path], None]) -> None:
    open_store(samples, PLAIN, folder, 2)
    harm(next(folder.glob(f"*{name}")))
    store = open_store(samples, PLAIN, folder, 2)
    assert isinstance(store, CachedStore)
    assert (everything(store, samples) == expected(samples)).all()


def test_a_cache_is_locked_while_it_is_written(samples: Samples, folder: Path) -> None:
    def try_the_lock(done: int, total: int) -> None:
        for lock in folder.glob(f"[0-9a-f]*{cache.LOCK_SUFFIX}"):
            with pytest.raises(Timeout, match="could not be acquired"):
                FileLock(lock).acquire(timeout=0)
            told.append(done)

    told: list[int] = []
    open_store(samples, PLAIN, folder, 1, try_the_lock)
    assert told == list(range(1, 9))


def test_an_interrupted_decoding_leaves_nothing_that_counts(samples: Samples, folder: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        told.append(done)
        if len(told) == 4:
            raise KeyboardInterrupt

    told: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        open_store(samples, PLAIN, folder, 2, interrupt)
    assert [p for p in folder.iterdir() if not p.name.endswith(cache.LOCK_SUFFIX)] == []
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
    assert len(list(folder.glob(f"*{cache.IMAGES_SUFFIX}"))) == 1


def die_while_writing(samples: Samples, folder: Path) -> None:
    told: list[int] = []

    def die(done: int, total: int) -> None:
        told.append(done)
        if len(told) == 4:
            os.kill(os.getpid(), signal.SIGKILL)

    open_store(samples, PLAIN, folder, 1, die)


def test_a_writer_that_is_killed_harms_nobody(samples: Samples, folder: Path) -> None:
    process = get_context("spawn").Process(target=die_while_writing, args=(samples, folder))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert list(folder.glob(f".*{TEMPORARY}"))
    store = open_store(samples, PLAIN, folder, 2)
    assert (everything(store, samples) == expected(samples)).all()
    assert not list(folder.glob(f".*{TEMPORARY}"))


def test_removing_the_whole_folder_does_not_disturb_a_reader(samples: Samples, folder: Path) -> None:
    store = open_store(samples, PLAIN, folder, 2)
    shutil.rmtree(folder)
    assert (everything(store, samples) == expected(samples)).all()
    again = open_store(samples, PLAIN, folder, 2)
    assert isinstance(again, CachedStore)


def test_notes_and_digests_are_those_of_the_files(samples: Samples, folder: Path) -> None:
    shutil.copy(samples.roots[0] / samples.paths[0], samples.roots[0] / samples.paths[1])
    contents = [digests.digest_of((samples.roots[0] / p).read_bytes()) for p in samples.paths]
    for how in (PLAIN, policy((), 32)):
        for table in (looked_at(samples, how, folder, 2), looked_at(samples, how, folder, 2, keep=False)):
            assert (table.oddities == (decode.Oddity.SMALL if how.input_size == 32 else 0)).all()
            assert table.oddities.shape == (8,)
            assert table.digests.tolist() == contents
            assert table.digests[0] == table.digests[1] != table.digests[2]
