from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monklite import locks, looking, transient
from monklite.data import decode, digests, discover
from monklite.errors import NotFound, StorageError


def failing(times: int, code: int) -> tuple[Callable[[], str], list[int]]:
    """An action that fails the first `times` times, and the list of its calls."""
    calls: list[int] = []

    def action() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise OSError(code, os.strerror(code))
        return "done"

    return action, calls


@pytest.mark.parametrize("code", sorted(transient.TRANSIENT_ERRORS))
def test_what_passes_in_time_makes_no_difference(code: int) -> None:
    action, calls = failing(4, code)
    assert transient.retried(action, "share/a.png") == "done"
    assert len(calls) == 5


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EIO, "(Input/output error): the drive or network share does not answer: check that it is connected"),
        (errno.EMFILE, "(Too many open files): too many files are open: close other programs or raise the limit"),
    ],
)
def test_what_does_not_pass_is_a_clear_error(code: int, words: str) -> None:
    action, calls = failing(99, code)
    with pytest.raises(StorageError) as caught:
        transient.retried(action, Path("share/a.png"), "listed")
    assert str(caught.value).startswith(f"share/a.png cannot be listed now {words}")
    assert len(calls) == 5


def test_another_error_is_raised_at_once() -> None:
    action, calls = failing(99, errno.EACCES)
    with pytest.raises(PermissionError):
        transient.retried(action, "a")
    assert len(calls) == 1


def test_the_pauses_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(transient, "PAUSES", (0.05, 0.15, 0.5))
    monkeypatch.setattr(transient.time, "sleep", slept.append)
    transient.attempted(failing(3, errno.ESTALE)[0])
    assert slept == [0.05, 0.15, 0.5]


def test_an_error_of_windows_alone_is_known_by_its_number() -> None:
    error = OSError("the network name is no longer available")
    error.winerror = 64  # type: ignore[attr-defined]
    assert transient.is_transient(error)
    assert not transient.is_transient(StorageError("told already"))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / name / "1.png")
    return tmp_path / "a" / "1.png"


def test_a_file_is_read_after_trouble(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = decode._content
    action, _ = failing(2, errno.ENOTCONN)
    monkeypatch.setattr(decode, "_content", lambda path: action() and real(path))
    assert decode.read_file(image) == (image.read_bytes(), "")


def test_a_file_that_cannot_be_read_now_is_not_an_unreadable_image(image: Path, monkeypatch) -> None:
    monkeypatch.setattr(decode, "_content", lambda path: failing(99, errno.ETIMEDOUT)[0]())
    with pytest.raises(StorageError, match=r"1\.png cannot be read now \(Connection timed out\)"):
        decode.read_file(image)


def test_the_properties_of_a_file_are_asked_for_again(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples, real = discover.from_folders(image.parents[1]), os.stat
    action, calls = failing(3, errno.EIO)
    monkeypatch.setattr(
        os, "stat", lambda path, *a, **k: (str(path).endswith(".png") and action(), real(path, *a, **k))[1]
    )
    assert digests.recall(samples, None).file_sizes.tolist() == [image.stat().st_size] * 2
    assert len(calls) > 3


def test_a_file_that_has_gone_is_told_as_before(image: Path) -> None:
    samples = discover.from_folders(image.parents[1])
    image.unlink()
    with pytest.raises(NotFound, match=r"1\.png is no longer there"):
        digests.recall(samples, None)


def test_a_folder_is_not_empty_because_it_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert looking.entries(tmp_path / "absent") == []
    assert not looking.exists(tmp_path / "absent")
    monkeypatch.setattr(os, "listdir", lambda path: failing(99, errno.EACCES)[0]())
    with pytest.raises(StorageError, match=r"cannot be listed \(Permission denied\): check its permissions"):
        looking.entries(tmp_path)


def test_links_to_folders_are_not_walked_into(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("")
    (tmp_path / "a" / "self").symlink_to(tmp_path, target_is_directory=True)
    assert [p.relative_to(tmp_path).as_posix() for p in looking.walk(tmp_path)] == ["a", "a/self", "a/x"]


def test_a_lock_keeps_another_out_until_it_is_released(tmp_path: Path) -> None:
    first, second = locks.Lock(tmp_path / "lock"), locks.Lock(tmp_path / "lock")
    assert first.protects()
    with first:
        assert first.is_held
        assert not second.acquire(timeout=0)
    assert second.acquire(timeout=0)
    second.release()
    assert [p.name for p in tmp_path.iterdir()] in (["lock"], [])


def test_a_lock_below_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"file/lock could not be written: (Not a directory|File exists)"):
        locks.Lock(tmp_path / "file" / "lock").acquire(timeout=0)
