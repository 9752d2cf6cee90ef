"""The file that says who holds a folder: written, read, believed only while its heart beats."""

from __future__ import annotations

import gc
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monklite.runs import heartbeat
from monklite.runs.heartbeat import HOLDER, Heartbeat, read

HOLD = """
import sys, time
from pathlib import Path
from monklite.runs.heartbeat import Heartbeat
heart = Heartbeat(Path(sys.argv[1]))
print("holds", flush=True)
"""


@pytest.fixture
def quick(monkeypatch) -> None:
    monkeypatch.setattr(heartbeat, "BEAT_EVERY", 0.01)


def holding(folder: Path, then: str = "time.sleep(60)") -> subprocess.Popen:
    process = subprocess.Popen([sys.executable, "-c", HOLD + then, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"holds\n"
    return process


def change(folder: Path, **values: object) -> None:
    path = folder / HOLDER
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def eventually(condition, seconds: float = 20.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_the_file_says_which_process_it_is(tmp_path):
    heart = Heartbeat(tmp_path)
    holder = read(tmp_path)
    assert holder.pid == os.getpid()
    assert holder.is_local() and holder.is_alive() and holder.is_fresh(tmp_path)
    assert str(holder).startswith(f"process {os.getpid()} on ")
    assert heart.taken_over_by() is None


def test_nobody_holds_a_folder_without_the_file(tmp_path):
    assert read(tmp_path) is None
    assert read(tmp_path / "none") is None


def test_the_count_goes_up_and_the_file_keeps_its_length(tmp_path, quick):
    heart = Heartbeat(tmp_path)
    first, size = read(tmp_path), (tmp_path / HOLDER).stat().st_size
    # 25 ms are short for a busy machine
    assert eventually(lambda: first.is_beating(tmp_path))
    assert eventually(lambda: int(read(tmp_path).beat) > 12)
    assert (tmp_path / HOLDER).stat().st_size == size
    heart.stop()
    assert not first.is_beating(tmp_path)


def test_it_ends_when_it_is_stopped_or_forgotten(tmp_path):
    heart = Heartbeat(tmp_path)
    with pytest.raises(FileExistsError):
        Heartbeat(tmp_path)
    heart.stop()
    assert read(tmp_path) is None
    heart = Heartbeat(tmp_path)
    del heart
    gc.collect()
    assert read(tmp_path) is None


def test_it_ends_with_its_process(tmp_path):
    with holding(tmp_path, "") as process:
        process.wait(60)
    assert read(tmp_path) is None


def test_a_killed_process_leaves_the_file_and_does_not_live(tmp_path):
    with holding(tmp_path) as process:
        assert read(tmp_path).is_alive()
        process.kill()
        assert eventually(lambda: not read(tmp_path).is_alive())  # dead before its parent has looked
        process.wait()
        assert not read(tmp_path).is_alive()
    assert read(tmp_path).pid == process.pid


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on Windows")
def test_a_forked_child_that_ends_does_not_end_it(tmp_path):
    with holding(
        tmp_path, "import os\nif os.fork() == 0: sys.exit()\nos.wait()\nprint('forked', flush=True)\ntime.sleep(60)"
    ) as p:
        assert p.stdout.readline() == b"forked\n"
        assert read(tmp_path).is_alive()
        p.kill()


def test_another_process_of_the_same_number_is_not_the_holder(tmp_path):
    heart = Heartbeat(tmp_path)
    change(tmp_path, started=read(tmp_path).started - 100)
    assert not read(tmp_path).is_alive()
    del heart


def test_the_start_of_a_process_does_not_move_with_the_clock(tmp_path, monkeypatch):
    import psutil

    boot, created = psutil.boot_time(), psutil.Process().create_time()
    heart = Heartbeat(tmp_path)
    jump = 7200.0 if psutil.LINUX else 0.0  # elsewhere the system keeps the time at which a process was created
    monkeypatch.setattr(psutil, "boot_time", lambda: boot + jump)
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: created + jump)
    assert read(tmp_path).is_alive()
    del heart


@pytest.mark.parametrize(("age", "fresh"), [(0, True), (50, True), (70, False), (-50, True), (-3600, False)])
def test_a_beat_is_fresh_by_the_clock_of_the_disk(tmp_path, monkeypatch, age, fresh):
    heart = Heartbeat(tmp_path)
    os.utime(tmp_path / HOLDER, (time.time() - age,) * 2)
    holder = read(tmp_path)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert holder.is_fresh(tmp_path) is fresh
    assert list(tmp_path.iterdir()) == [tmp_path / HOLDER]
    del heart


def test_where_nothing_can_be_written_the_own_clock_has_to_do(tmp_path, monkeypatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError("read-only")

    heart = Heartbeat(tmp_path)
    monkeypatch.setattr(heartbeat.tempfile, "TemporaryFile", refuse)
    assert read(tmp_path).is_fresh(tmp_path)
    del heart


def test_one_that_took_over_is_noticed_and_never_overwritten(tmp_path, quick):
    heart = Heartbeat(tmp_path)
    (tmp_path / HOLDER).unlink(missing_ok=True)
    (tmp_path / HOLDER).write_text(json.dumps({**json.loads(heartbeat._encode({}, 7)), **OTHER}))
    before = (tmp_path / HOLDER).read_bytes()
    time.sleep(0.1)
    assert str(heart.taken_over_by()) == "process 5 on b"
    heart.stop()
    assert (tmp_path / HOLDER).read_bytes() == before


OTHER = {"host": "b", "place": "b", "pid": 5, "started": 1.0, "token": "other"}


def test_a_file_that_was_removed_is_made_again(tmp_path, quick):
    heart = Heartbeat(tmp_path)
    (tmp_path / HOLDER).unlink()
    assert eventually(lambda: read(tmp_path) is not None)
    assert heart.taken_over_by() is None


def test_whatever_the_file_holds_it_is_read_as_somebody(tmp_path):
    heart = Heartbeat(tmp_path)
    good = (tmp_path / HOLDER).read_bytes()
    heart.stop()
    dice = random.Random(0)
    cases = [b"", b"\xff", b"[]", b"{}", b'{"pid": 1e400}', b"null", good[:40], good.replace(b'"pid": ', b'"pid": -')]
    cases += [bytes(b ^ (dice.random() < 0.02) * dice.randrange(256) for b in good) for _ in range(200)]
    for text in cases:
        (tmp_path / HOLDER).write_bytes(text)
        holder = read(tmp_path)
        assert isinstance(holder.is_alive(), bool) and isinstance(holder.is_local(), bool) and str(holder)
