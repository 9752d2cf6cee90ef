"""A file system that fails at the n-th write of a training, for every n: nothing good is lost, and it goes on to the same end."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.numpy
from children import Plan, resumed
from hostile_runs import ON_REQUEST
from kills import check_what_is_there, differences, leftovers, newest, outcome
from safetensors import SafetensorError

from monklite import opening
from monklite.catalog.backends import BUILT_IN
from monklite.errors import StorageError
from monklite.training import checkpoints

BACKENDS = tuple(BUILT_IN)

REASONS = {errno.ENOSPC: "the disk is full; free some space", errno.EIO: "Input/output error"}


class BreakingDisk:
    """Fails at the `nth` operation that changes a file, and at those after it where that is `lasting`."""

    def __init__(self, nth: int, code: int, lasting: bool) -> None:
        self.nth, self.code, self.lasting = nth, code, lasting
        self.count = 0
        self._lock = threading.Lock()

    @property
    def broke(self) -> bool:
        return self.count >= self.nth

    def __call__(self, *_: Any) -> None:
        with self._lock:
            self.count += 1
            failing = self.count > self.nth if self.lasting else False
            failing |= self.count == self.nth
        if failing:
            raise OSError(self.code, os.strerror(self.code))

    def install(self, patch: pytest.MonkeyPatch, backend: str) -> None:
        for place, name in (
            (Path, "touch"), (Path, "write_text"), (Path, "chmod"), (Path, "replace"), (os, "fsync"), (os, "link"),
            (Path, "symlink_to"),
        ):  # fmt: skip
            patch.setattr(place, name, self._before(getattr(place, name)))
        patch.setattr(safetensors.numpy, "save_file", self._before(safetensors.numpy.save_file, _as_safetensors_tells))
        if backend == "mxnet":
            from monklite.backends.mxnet import weights

            patch.setattr(weights, "_save", self._before(weights._save))

    def _before(self, function: Callable, told: Callable = contextlib.nullcontext) -> Callable:
        def call(*args: Any, **keywords: Any) -> Any:
            with told():
                self()
            return function(*args, **keywords)

        return call


@contextlib.contextmanager
def _as_safetensors_tells() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SafetensorError(f"I/O error: {error.strerror} (os error {error.errno})") from None


@pytest.fixture(params=BACKENDS)
def plan(request, patterns: Path, tmp_path: Path, monkeypatch) -> Plan:
    monkeypatch.setattr(checkpoints, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(checkpoints, "MAX_SAVING_SHARE", 1e9)
    return Plan(tmp_path, patterns, request.param, epochs=2)


def train(plan: Plan, disk: BreakingDisk | None = None) -> None:
    """In this process; the disk breaks when training begins."""
    with pytest.MonkeyPatch.context() as patch, _names_from_zero(plan.backend):
        plan.folder.mkdir(exist_ok=True)
        patch.chdir(plan.folder)
        ptf = plan.prototype()
        if disk is not None:
            disk.install(patch, plan.backend)
        ptf.Train()


def _names_from_zero(backend: str) -> contextlib.AbstractContextManager:
    """MXNet counts the networks of a process, and the count is in the names of the weights."""
    if backend == "pytorch":
        return contextlib.nullcontext()
    from monklite.backends.mxnet.framework import mx

    return mx.name.NameManager()


@pytest.fixture
def unbroken(plan: Plan):
    other = replace(plan, folder=plan.folder / "unbroken")
    train(other)
    return newest(other)


def survives(plan: Plan, disk: BreakingDisk, unbroken) -> None:
    try:
        train(plan, disk)
    except StorageError as error:
        assert REASONS[disk.code] in str(error)
        assert "What was saved before is untouched" in str(error)
    except BaseException as error:
        raise AssertionError(f"write {disk.nth}: {error!r}") from error
    run = newest(plan)
    run.release()
    assert leftovers(run) == [], disk.nth
    check_what_is_there(run, plan, unbroken)
    if run.state().status != "done":
        train(resumed(plan) if opening.can_resume(run) else plan)
    assert differences(outcome(newest(plan)), outcome(unbroken)) == [], disk.nth
    assert leftovers(run) == []


@pytest.mark.parametrize("every", [29, pytest.param(1, marks=ON_REQUEST)])
def test_a_disk_that_fails_at_any_write(plan: Plan, unbroken, every: int) -> None:
    """In turn it is full from then on, and fails once; each backend has the other's turns."""
    for nth in itertools.count(1, every):
        full = (nth + BACKENDS.index(plan.backend)) % 2 == 0
        disk = BreakingDisk(nth, errno.ENOSPC if full else errno.EIO, lasting=full)
        survives(replace(plan, folder=plan.folder / str(nth)), disk, unbroken)
        if not disk.broke:
            break
    assert nth > 40  # a training has more writes than that
    print(f"\n{plan.backend}: {nth} tries, {disk.count} writes")


def test_a_disk_without_hard_links(plan: Plan, unbroken, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)
    train(replace(plan, folder=plan.folder / "plain"))
    run = newest(replace(plan, folder=plan.folder / "plain"))
    assert differences(outcome(run), outcome(unbroken)) == []
    assert len({f.stat().st_ino for f in run.models.iterdir()}) == len(list(run.models.iterdir()))


@pytest.mark.parametrize("missing", [1, 100, 5_000, 1_000_000])
def test_weights_that_lack_some_bytes_are_not_taken_for_whole(plan: Plan, unbroken, missing: int, tmp_path) -> None:
    """The operating system takes all but the last bytes, as a full disk does."""
    whole = max((f for f in unbroken.models.iterdir() if "final" in f.name), key=lambda f: f.stat().st_size)
    with _names_from_zero(plan.backend), pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        ptf = replace(plan, resume=False).prototype()
        snapshot = ptf._experiment.learner.capture_weights()
        with at_most(whole.stat().st_size - missing), pytest.raises(StorageError, match=r"final.*File too large"):
            snapshot.write(tmp_path / "final")
    assert not [f for f in tmp_path.iterdir() if f.name.startswith((".final", "final")) and "symbol" not in f.name]


@contextlib.contextmanager
def at_most(size: int) -> Iterator[None]:
    """No file may become larger, in bytes."""
    limits, before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
