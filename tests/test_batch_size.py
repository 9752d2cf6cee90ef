"""The size that `batch_size="auto"` takes, with learners whose speed and memory are known."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_prototype import expert, state

from monklite import Prototype
from monklite.errors import InvalidValue, OutOfMemory
from monklite.tasks import SingleLabel
from monklite.training import batch_size, step_time


class Clock:
    """A clock that only the steps move."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


CLOCK = Clock()


class Timed:
    """Takes `fixed` seconds a step and `each` an image; has memory for `most`."""

    task = SingleLabel(("a", "b", "c"))

    def __init__(self, fixed: float, each: float, most: int = 10**9) -> None:
        self.fixed, self.each, self.most = fixed, each, most

    def step(self, images, labels, draws):
        if len(images) > self.most:
            raise OutOfMemory(f"too small for {len(images)} images")
        CLOCK.now += self.fixed + self.each * len(images)
        return 0.0, 0


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(step_time, "time", CLOCK)

    def choose(learner: Timed, n_images: int = 10_000) -> int:
        return batch_size.find(lambda: learner, 8, n_images)

    return choose


def test_a_device_that_gains_nothing_gets_the_smallest(chosen) -> None:
    assert chosen(Timed(0.0, 0.004)) == batch_size.MIN_BATCH_SIZE


def test_a_device_that_gains_gets_a_large_one(chosen) -> None:
    assert chosen(Timed(0.02, 0.0)) == batch_size.MAX_BATCH_SIZE


def test_it_is_doubled_as_long_as_that_pays(chosen) -> None:
    assert chosen(Timed(0.02, 0.001)) == 256


def test_memory_is_a_limit(chosen) -> None:
    assert chosen(Timed(0.01, 0.0, most=40)) == 32


def test_an_epoch_keeps_some_updates(chosen) -> None:
    assert chosen(Timed(0.01, 0.0), n_images=400) == 32
    assert chosen(Timed(0.01, 0.0), n_images=20) == batch_size.MIN_BATCH_SIZE


def test_memory_for_nothing_is_told(chosen) -> None:
    with pytest.raises(OutOfMemory, match=r"too small for 8 images"):
        chosen(Timed(0.0, 0.0, most=4))


@pytest.mark.parametrize("backend", ["pytorch", "mxnet"])
def test_auto_is_a_number_once_the_network_is_there(workspace: Path, patterns: Path, backend: str, capsys) -> None:
    if backend == "mxnet":
        pytest.importorskip("monklite.backends.mxnet")
    ptf = expert(patterns, backend=backend)
    ptf.update_batch_size("auto")
    ptf.Train()
    assert state().spec.data.batch_size == state().results.batch_size == batch_size.MIN_BATCH_SIZE


def test_the_trial_changes_nothing_of_the_run(workspace: Path, patterns: Path) -> None:
    found = expert(patterns, experiment="found")
    found.update_batch_size("auto")
    found.Train()
    given = expert(patterns, experiment="given")
    given.update_batch_size(batch_size.MIN_BATCH_SIZE)
    given.Train()
    one, two = (workspace / "p" / name / "v001/output/models/final" for name in ("found", "given"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("value", ["automatic", 0, 1.5, True])
def test_other_sizes_are_refused(workspace: Path, value) -> None:
    with pytest.raises((InvalidValue, TypeError), match=r"batch_size must be a whole number at least 1 or 'auto'"):
        Prototype("p", "e", verbose=0).update_batch_size(value)
