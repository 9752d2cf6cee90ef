"""Digests of the files' contents: always those of the bytes that are there, read again only where that is needed."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from monklite.data import digests, discover
from monklite.data.arrays import read_arrays, write_arrays
from monklite.data.discover import Samples
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
    monkeypatch.setattr(digests, "YOUNG", -(10**18))


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read, one entry each time."""
    names: list[str] = []
    real = digests.digest_of

    def counting(path: str) -> bytes:
        names.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(digests, "digest_of", counting)
    return names


def expected(samples: Samples) -> list[bytes]:
    contents = [(samples.root / p).read_bytes() for p in samples.paths]
    return [hashlib.blake2b(content, digest_size=16).digest().rstrip(b"\0") for content in contents]


def change(path: Path, content: bytes) -> None:
    """Write other content with the same time of writing, once the clock of the file system has moved on."""
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_digests_are_those_of_the_bytes(samples: Samples, folder: Path) -> None:
    assert digests.read(samples, folder, 2).digests.tolist() == expected(samples)
    assert digests.read(samples, None, 1).digests.tolist() == expected(samples)


def test_a_large_file_is_read_to_its_end(tmp_path: Path) -> None:
    content = os.urandom(3 * digests.BLOCK + 17)
    (tmp_path / "large").write_bytes(content)
    assert digests.digest_of(str(tmp_path / "large")) == hashlib.blake2b(content, digest_size=16).digest().rstrip(b"\0")


def test_a_digest_that_ends_in_zeros_is_the_same_in_an_array(tmp_path: Path) -> None:
    n = next(n for n in range(10_000) if hashlib.blake2b(str(n).encode(), digest_size=16).digest()[-1] == 0)
    (tmp_path / "x").write_text(str(n))
    samples = Samples(tmp_path, ("x",), ("x",), np.zeros(1, np.int64))
    assert digests.read(samples, None, 1).digests[0] == digests.digest_of(str(tmp_path / "x"))


@pytest.mark.usefixtures("long_ago")
def test_unchanged_files_are_not_read_again(samples: Samples, folder: Path, read_files: list[str]) -> None:
    first = digests.read(samples, folder, 2)
    assert len(read_files) == 6
    second = digests.read(samples.take(np.array([5, 0])), folder, 2)
    assert len(read_files) == 6
    assert second.digests.tolist() == first.digests[[5, 0]].tolist()


@pytest.mark.usefixtures("long_ago")
def test_only_the_changed_file_is_read_again(samples: Samples, folder: Path, read_files: list[str]) -> None:
    digests.read(samples, folder, 2)
    read_files.clear()
    change(samples.root / samples.paths[4], (samples.root / samples.paths[3]).read_bytes())
    again = digests.read(samples, folder, 2)
    assert read_files == ["b-001.png"]
    assert again.digests.tolist() == expected(samples)


def test_files_that_changed_just_now_are_not_trusted(samples: Samples, folder: Path, read_files: list[str]) -> None:
    for path in samples.paths[:3]:
        os.utime(samples.root / path, ns=(0, 5))  # the time of change is still now
    for _ in range(2):
        digests.read(samples, folder, 2)
    assert len(read_files) == 12


@pytest.mark.usefixtures("long_ago")
def test_files_from_the_future_are_read_each_time(
    samples: Samples, folder: Path, read_files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(samples.root / samples.paths[2], ns=(0, time.time_ns() + 2 * 10**18))
    for _ in range(2):
        digests.read(samples, folder, 2)
    assert sorted(read_files) == ["a-000.png", "a-001.png", *["a-002.png"] * 2, *(f"b-00{i}.png" for i in range(3))]


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
def test_a_damaged_memo_is_made_again(
    samples: Samples, folder: Path, read_files: list[str], harm: Callable[[Path], None]
) -> None:
    digests.read(samples, folder, 2)
    harm(folder / digests.MEMO)
    assert digests.read(samples, folder, 2).digests.tolist() == expected(samples)
    assert len(read_files) == 12
    digests.read(samples, folder, 2)
    assert len(read_files) == 12


@pytest.mark.usefixtures("long_ago")
def test_a_memo_that_cannot_be_written_is_done_without(samples: Samples, folder: Path) -> None:
    folder.write_text("a file")
    assert digests.read(samples, folder, 2).digests.tolist() == expected(samples)
    assert folder.read_text() == "a file"


@pytest.mark.usefixtures("long_ago")
def test_the_memo_is_bounded_and_keeps_the_newest(
    samples: Samples, folder: Path, read_files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "MOST", 4)
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    digests.read(samples.take(np.arange(4)), folder, 2)
    monkeypatch.setattr(time, "time", lambda: 2000.0)
    digests.read(samples.take(np.array([4, 5])), folder, 2)
    arrays = read_arrays(folder / digests.MEMO, "added")
    assert arrays is not None
    assert sorted(arrays[0]) == [1000, 1000, 2000, 2000]
    read_files.clear()
    digests.read(samples, folder, 2)
    assert len(read_files) == 2


def read_in_a_process(arguments: tuple[Samples, Path]) -> list[bytes]:
    digests.YOUNG = -(10**18)
    return digests.read(*arguments, 1).digests.tolist()


@pytest.mark.usefixtures("long_ago")
def test_what_two_processes_add_at_once_is_kept(samples: Samples, folder: Path, read_files: list[str]) -> None:
    parts = [samples.take(np.array([i])) for i in range(6)]
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        found = pool.map(read_in_a_process, [(part, folder) for part in parts])
    assert [one for part in found for one in part] == expected(samples)
    digests.read(samples, folder, 2)
    assert read_files == []


def test_a_vanished_file_is_named(samples: Samples, folder: Path) -> None:
    (samples.root / samples.paths[2]).unlink()
    with pytest.raises(NotFound, match=r"a-002\.png is no longer there"):
        digests.read(samples, folder, 2)
    with pytest.raises(NotFound, match=r"a-002\.png is no longer there"):
        digests.digest_of(str(samples.root / samples.paths[2]))


@pytest.mark.usefixtures("long_ago")
def test_what_cannot_be_read_has_no_digest_and_is_tried_again(
    samples: Samples, folder: Path, read_files: list[str]
) -> None:
    place = samples.root / samples.paths[2]
    content = place.read_bytes()
    place.unlink()
    place.mkdir()
    assert digests.read(samples, folder, 2).digests[2] == digests.UNREAD
    place.rmdir()
    place.write_bytes(content)
    assert digests.read(samples, folder, 2).digests.tolist() == expected(samples)


@pytest.mark.usefixtures("long_ago")
def test_odd_names_have_digests(tmp_path: Path, folder: Path, read_files: list[str]) -> None:
    (tmp_path / "x").mkdir()
    names = ("x/\udcff.png", "x/new\nline.png", "x/é ü.png")
    for name in names:
        (tmp_path / name).write_bytes(os.fsencode(name))
    samples = Samples(tmp_path, ("x",), names, np.zeros(3, np.int64))
    assert digests.read(samples, folder, 1).digests.tolist() == digests.read(samples, folder, 1).digests.tolist()
    assert len(read_files) == 3


def test_progress_tells_the_files_that_are_read(samples: Samples, folder: Path) -> None:
    told: list[tuple[int, int]] = []
    digests.read(samples, folder, 2, lambda done, total: told.append((done, total)))
    assert told == [(k, 6) for k in range(1, 7)]
