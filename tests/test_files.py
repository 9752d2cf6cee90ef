"""Files are the old one or the new one, whatever happens while writing."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monklite import files
from monklite.errors import StorageError

WRITER = """
import sys
from pathlib import Path
from monklite.files import replacing
path, size = Path(sys.argv[1]), 4_000_000
print("ready", flush=True)
for n in range(10_000):
    with replacing(path) as temporary, temporary.open("wb") as file:
        for _ in range(4):
            file.write(bytes([n % 256]) * (size // 4))
            file.flush()
"""


@pytest.fixture
def old(tmp_path) -> Path:
    path = tmp_path / "state.json"
    path.write_text("old")
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fails_with(code: int):
    def failing(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    return failing


def test_the_new_file_takes_the_place_of_the_old(old):
    files.write_text(old, "new\nä")
    assert old.read_bytes() == "new\nä".encode()
    assert names(old.parent) == ["state.json"]


def test_until_the_block_ends_the_old_file_is_there(old):
    with files.replacing(old) as temporary:
        temporary.write_text("new")
        assert old.read_text() == "old"
    assert old.read_text() == "new"


def test_the_temporary_file_stands_beside_the_real_one(old):
    with files.replacing(old) as temporary:
        temporary.write_text("new")
        assert temporary.parent == old.parent
        assert temporary.name.startswith(".")


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt("broken")])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(old, error):
    with pytest.raises(type(error), match="broken"), files.replacing(old) as temporary:
        temporary.write_text("half")
        raise error
    assert old.read_text() == "old"
    assert names(old.parent) == ["state.json"]


def test_a_block_that_writes_nothing_is_an_error_and_leaves_the_old_file(old):
    with pytest.raises(StorageError, match="could not be written"), files.replacing(old):
        pass
    assert old.read_text() == "old"


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EDQUOT, "your disk quota is used up; free some space"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "you may not write there"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "replace"), (Path, "write_bytes")])
def test_a_disk_that_fails_gives_advice_and_leaves_the_old_file(old, monkeypatch, owner, call, code, advice):
    monkeypatch.setattr(owner, call, fails_with(code))
    with pytest.raises(StorageError) as caught:
        files.write_text(old, "new")
    monkeypatch.undo()
    assert str(caught.value) == f"{old} could not be written: {advice}. What was saved before is untouched."
    assert old.read_text() == "old"
    assert names(old.parent) == ["state.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_device_that_is_really_full_gives_advice(tmp_path):
    with pytest.raises(StorageError, match="the disk is full; free some space"), files.storing(tmp_path / "x"):
        Path("/dev/full").write_text("x")


def test_a_folder_that_is_gone_is_told(tmp_path):
    with pytest.raises(StorageError, match=r"gone/x could not be written: its folder has been removed"):
        files.write_text(tmp_path / "gone" / "x", "new")


def test_a_file_in_the_place_of_the_folder_is_told(old):
    with pytest.raises(StorageError, match=r"state\.json/x could not be written: Not a directory"):
        files.write_text(old / "x", "new")


def test_a_storage_error_inside_is_told_once(tmp_path):
    with pytest.raises(StorageError, match="^inner$"), files.storing(tmp_path):
        raise StorageError("inner")


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
@pytest.mark.parametrize("delay", [0.0, 0.005, 0.01, 0.02, 0.03])
def test_a_killed_writer_leaves_a_whole_file(tmp_path, delay):
    path = tmp_path / "weights"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        while not path.exists():
            time.sleep(0.001)
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
    content = path.read_bytes()
    assert (len(content), len(set(content))) == (4_000_000, 1)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_sweep_removes_what_a_killed_writer_left(tmp_path):
    script = "import os, sys, pathlib, monklite.files as f\nwith f.replacing(pathlib.Path(sys.argv[1])) as t:\n"
    script += "    t.write_text('half'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "state.json")], check=False)
    assert len(names(tmp_path)) == 1
    files.remove_leftovers(tmp_path)
    assert names(tmp_path) == []


def test_sweep_leaves_everything_else(old):
    for name in (".lock", ".gitignore", "x.monklite-tmp", "model"):
        (old.parent / name).write_text("mine")
    files.remove_leftovers(old.parent)
    assert names(old.parent) == [".gitignore", ".lock", "model", "state.json", "x.monklite-tmp"]


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_999, "1,000.0 kB"),
        (2_340_000, "2.3 MB"),
        (5_432_100_000, "5.4 GB"),
        (10**16, "10,000.0 TB"),
    ],
)
def test_sizes_are_told_in_a_unit_that_fits(size: int, words: str) -> None:
    assert files.format_bytes(size) == words


def _refuse_to_flush(monkeypatch: pytest.MonkeyPatch, number: int, folders: bool) -> None:
    flush = os.fsync

    def refusing(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode) == folders:
            raise OSError(number, os.strerror(number))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", refusing)


def test_a_drive_that_cannot_flush_folders_is_good_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _refuse_to_flush(monkeypatch, errno.EINVAL, folders=True)
    files.write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_drive_that_cannot_flush_files_is_used_and_said_once(
    tmp_path: Path, monkeypatch, caplog, number: int
) -> None:
    """It was refused before: nothing could be trained on such a drive, though only a power failure makes a difference."""
    _refuse_to_flush(monkeypatch, number, folders=False)
    for name in "ab":
        files.write_text(tmp_path / name, "new")
    assert (tmp_path / "b").read_text() == "new"
    assert [record.getMessage() for record in caplog.records] == [
        f"the drive of {tmp_path} cannot flush files ({os.strerror(number)}): after a power failure, files that were "
        "saved a moment before may be missing"
    ]


@pytest.mark.parametrize(("number", "folders"), [(errno.EIO, True), (errno.EIO, False), (errno.ENOSPC, False)])
def test_a_flush_that_failed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, folders: bool
) -> None:
    _refuse_to_flush(monkeypatch, number, folders)
    with pytest.raises(StorageError):
        files.write_text(tmp_path / "a.txt", "new")
