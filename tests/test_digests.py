"""Digests of the files' contents: always those of the bytes that are there, read again only where that is needed."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from monklite.data import digests, discover
from monklite.data.arrays import read_arrays, write_arrays
from monklite.data.samples import DIGEST, UNREAD, Samples
from monklite.errors import NotFound
from monklite.testing.datasets import draw_patterns


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    return discover.from_folders(draw_patterns(tmp_path / "images", {"a": 3, "b": 3}, side=8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that were made just now count as made long ago."""
    monkeypatch.setattr(digests, "MIN_AGE_NS", -(10**18))


def read(samples: Samples, folder: Path | None) -> tuple[list[bytes], list[str]]:
    """The digest of every file, and the names of those that the memo did not know, which were read."""
    known = digests.recall(samples, folder)
    unknown = np.flatnonzero(known.digests == UNREAD)
    found = known.digests.copy()
    for row in unknown:
        try:
            found[row] = digests.digest_of(Path(known.file_path(row)).read_bytes())
        except IsADirectoryError:
            found[row] = UNREAD
    whole = replace(known, digests=found)
    if folder is not None:
        digests.remember(whole, unknown, folder)
    return found.tolist(), [Path(known.paths[row]).name for row in unknown]


def expected(samples: Samples) -> list[bytes]:
    contents = [(samples.roots[0] / p).read_bytes() for p in samples.paths]
    return [hashlib.blake2b(content, digest_size=16).digest().rstrip(b"\0") for content in contents]


def change(path: Path, content: bytes) -> None:
    """Write other content with the same time of writing, once the clock of the file system has moved on."""
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_digests_are_those_of_the_bytes(samples: Samples, folder: Path) -> None:
    assert read(samples, folder)[0] == expected(samples)
    assert read(samples, None)[0] == expected(samples)


def test_a_digest_that_ends_in_zeros_is_the_same_in_an_array(tmp_path: Path) -> None:
    n = next(n for n in range(10_000) if hashlib.blake2b(str(n).encode(), digest_size=16).digest()[-1] == 0)
    digest = digests.digest_of(str(n).encode())
    assert np.array([digest], DIGEST)[0] == digest


@pytest.mark.usefixtures("long_ago")
def test_unchanged_files_are_not_read_again(samples: Samples, folder: Path) -> None:
    first, names = read(samples, folder)
    assert len(names) == 6
    second, names = read(samples.take(np.array([5, 0])), folder)
    assert (second, names) == ([first[5], first[0]], [])


@pytest.mark.usefixtures("long_ago")
def test_only_the_changed_file_is_read_again(samples: Samples, folder: Path) -> None:
    read(samples, folder)
    change(samples.roots[0] / samples.paths[4], (samples.roots[0] / samples.paths[3]).read_bytes())
    assert read(samples, folder) == (expected(samples), ["b-001.png"])


def test_files_that_changed_just_now_are_not_trusted(samples: Samples, folder: Path) -> None:
    for path in samples.paths[:3]:
        os.utime(samples.roots[0] / path, ns=(0, 5))  # the time of change is still now
    assert [len(read(samples, folder)[1]) for _ in range(2)] == [6, 6]


@pytest.mark.usefixtures("long_ago")
def test_files_from_the_future_are_read_each_time(samples: Samples, folder: Path) -> None:
    os.utime(samples.roots[0] / samples.paths[2], ns=(0, time.time_ns() + 2 * 10**18))
    assert [len(read(samples, folder)[1]) for _ in range(2)] == [6, 1]


def test_a_table_that_has_been_asked_about_is_not_asked_again(samples: Samples, folder: Path, monkeypatch) -> None:
    known = digests.recall(samples, folder)
    monkeypatch.setattr(os, "stat", lambda *_, **__: pytest.fail("asked again"))
    assert digests.recall(known, None) is known


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def one_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def text(path: Path) -> None:
    path.write_text("something else")


def one_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def unequal(path: Path) -> None:
    arrays = read_arrays(path, "stamps", "digests", "added")
    assert arrays is not None
    write_arrays(path, stamps=arrays[0], digests=arrays[1][:2], added=arrays[2])


def other_types(path: Path) -> None:
    write_arrays(path, stamps=np.zeros(3), digests=np.zeros(3), added=np.zeros(3))


@pytest.mark.usefixtures("long_ago")
@pytest.mark.parametrize("harm", [cut_short, one_byte, text, one_array, unequal, other_types])
def test_a_damaged_memo_is_made_again(samples: Samples, folder: Path, harm: Callable[[Path], None]) -> None:
    read(samples, folder)
    harm(folder / digests.MEMO)
    found, names = read(samples, folder)
    assert (found, len(names)) == (expected(samples), 6)
    assert read(samples, folder) == (expected(samples), [])


@pytest.mark.usefixtures("long_ago")
def test_a_memo_that_cannot_be_written_is_done_without(samples: Samples, folder: Path) -> None:
    folder.write_text("a file")
    assert read(samples, folder)[0] == expected(samples)
    assert folder.read_text() == "a file"


@pytest.mark.usefixtures("long_ago")
def test_the_memo_is_bounded_and_keeps_the_newest(
    samples: Samples, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "MAX_REMEMBERED_FILES", 4)
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    read(samples.take(np.arange(4)), folder)
    monkeypatch.setattr(time, "time", lambda: 2000.0)
    read(samples.take(np.array([4, 5])), folder)
    arrays = read_arrays(folder / digests.MEMO, "added")
    assert arrays is not None
    assert sorted(arrays[0]) == [1000, 1000, 2000, 2000]
    assert len(read(samples, folder)[1]) == 2


def read_in_a_process(arguments: tuple[Samples, Path]) -> list[bytes]:
    digests.MIN_AGE_NS = -(10**18)
    return read(*arguments)[0]


@pytest.mark.usefixtures("long_ago")
def test_what_two_processes_add_at_once_is_kept(samples: Samples, folder: Path) -> None:
    parts = [samples.take(np.array([i])) for i in range(6)]
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        found = pool.map(read_in_a_process, [(part, folder) for part in parts])
    assert [one for part in found for one in part] == expected(samples)
    assert read(samples, folder)[1] == []


def test_a_vanished_file_is_named(samples: Samples, folder: Path) -> None:
    (samples.roots[0] / samples.paths[2]).unlink()
    with pytest.raises(NotFound, match=r"a-002\.png is no longer there"):
        digests.recall(samples, folder)


@pytest.mark.usefixtures("long_ago")
def test_what_cannot_be_read_has_no_digest_and_is_tried_again(samples: Samples, folder: Path) -> None:
    place = samples.roots[0] / samples.paths[2]
    content = place.read_bytes()
    place.unlink()
    place.mkdir()
    assert read(samples, folder)[0][2] == UNREAD
    place.rmdir()
    place.write_bytes(content)
    assert read(samples, folder)[0] == expected(samples)


@pytest.mark.usefixtures("long_ago")
def test_odd_names_have_digests(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "x").mkdir()
    names = ("x/\udcff.png", "x/new\nline.png", "x/é ü.png")
    for name in names:
        (tmp_path / name).write_bytes(os.fsencode(name))
    samples = Samples.from_files(tmp_path, ("x",), names, np.zeros(3, np.int64))
    first, names_read = read(samples, folder)
    assert (read(samples, folder), len(names_read)) == ((first, []), 3)
