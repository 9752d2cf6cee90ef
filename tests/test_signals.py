"""Ctrl-C and SIGTERM, in this process and sent to trainings in processes of their own."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from children import PATIENCE, Child, Plan, resumed, run
from kills import differences, leftovers, newest, outcome
from test_prototype import expert, state

from monklite import Prototype
from monklite.catalog.backends import BUILT_IN
from monklite.training import engine, recording
from monklite.training.signals import STOP_SIGNALS, StopSignals
from monklite.training.writer import Writer

BACKENDS = tuple(BUILT_IN)

RESUME_HINT = "To resume: Prototype('p', 'e', resume_train=True), then Train()"
STOPPED = {
    "training": f"Stopped in epoch 2 after 12 of 24 images; everything is saved. {RESUME_HINT}",
    "validation": f"Stopped in epoch 2 after 24 of 24 images; everything is saved. {RESUME_HINT}",
}
ENDS = {signal.SIGINT: "KeyboardInterrupt", signal.SIGTERM: "SystemExit: 143"}


@pytest.fixture
def handlers():
    """Python's usual handlers, also where the tests run in the background; in the end those that were there."""
    before = {s: signal.getsignal(s) for s in STOP_SIGNALS}
    for which, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        signal.signal(which, handler)
    yield
    for which, handler in before.items():
        signal.signal(which, handler)


# The context


@pytest.mark.parametrize("which", STOP_SIGNALS)
def test_the_first_signal_asks_and_the_second_breaks_off(handlers, which) -> None:
    asked = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what it does by itself would end the tests
    with pytest.raises(KeyboardInterrupt), StopSignals(lambda: asked.append(1)) as signals:
        signal.raise_signal(which)
        assert (asked, signals.received) == ([1], which)
        signal.raise_signal(which)
    assert asked == [1]


def test_a_users_handlers_are_put_back(handlers) -> None:
    def mine(*_: object) -> None: ...

    for which in STOP_SIGNALS:
        signal.signal(which, mine)
    with StopSignals(lambda: None):
        assert all(signal.getsignal(s) is not mine for s in STOP_SIGNALS)
    assert all(signal.getsignal(s) is mine for s in STOP_SIGNALS)
    with pytest.raises(ZeroDivisionError), StopSignals(lambda: None):
        raise ZeroDivisionError
    assert all(signal.getsignal(s) is mine for s in STOP_SIGNALS)


def test_an_ignored_signal_stays_ignored(handlers) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with StopSignals(lambda: pytest.fail("it was ignored")) as signals:
        signal.raise_signal(signal.SIGINT)
    assert signals.received is None
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_handler_that_could_not_be_put_back_is_left(handlers, monkeypatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(signal, "getsignal", lambda which: None if which == signal.SIGINT else before)
    with StopSignals(lambda: None) as signals:
        assert list(signals._previous_handlers) == [signal.SIGTERM]


def test_what_a_signal_asked_for_is_done_later() -> None:
    signals = StopSignals(lambda: None)
    signals.act()
    signals.received = signal.SIGINT
    with pytest.raises(KeyboardInterrupt):
        signals.act()
    signals.received = signal.SIGTERM
    with pytest.raises(SystemExit, match="143"):
        signals.act()


# Training in this process


def test_training_puts_a_users_handlers_back_when_it_is_stopped(workspace, patterns, handlers, monkeypatch) -> None:
    batch_done = engine.Loop._batch_done

    def raise_signal(loop) -> None:
        if loop.done == 1:
            signal.raise_signal(signal.SIGINT)
        batch_done(loop)

    def mine(*_: object) -> None:
        pytest.fail("the signal was meant for the training")

    signal.signal(signal.SIGINT, mine)
    monkeypatch.setattr(engine.Loop, "_batch_done", raise_signal)
    with pytest.raises(KeyboardInterrupt):
        expert(patterns).Train()
    assert signal.getsignal(signal.SIGINT) is mine
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert state().status == "interrupted"


@pytest.mark.parametrize(("signals", "written"), [(1, ["waiting"]), (2, [])])
def test_only_a_second_ctrl_c_leaves_out_what_waits(
    workspace, patterns, handlers, monkeypatch, signals, written
) -> None:
    batch_done, enter, writers, done, begun, free = engine.Loop._batch_done, Writer.__enter__, [], [], Event(), Event()

    def raise_signals(loop) -> None:
        writers[0].put("slow", lambda: (begun.set(), free.wait(PATIENCE)))
        assert begun.wait(PATIENCE)
        writers[0].put("waiting", lambda: done.append("waiting"))
        for _ in range(signals):
            signal.raise_signal(signal.SIGINT)
        batch_done(loop)

    flush, drop = Writer.flush, Writer.drop
    if signals == 1:  # what waits is waited for
        monkeypatch.setattr(Writer, "flush", lambda writer: (free.set(), flush(writer)))
    else:
        monkeypatch.setattr(Writer, "drop", lambda writer: (drop(writer), free.set()))
    monkeypatch.setattr(engine.Loop, "_batch_done", raise_signals)
    monkeypatch.setattr(Writer, "__enter__", lambda writer: writers.append(writer) or enter(writer))
    with pytest.raises(KeyboardInterrupt):
        expert(patterns).Train()
    assert done == written


def test_the_way_to_go_on_names_a_workspace_of_ones_own(tmp_path, patterns, handlers, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    epoch_end = recording.Record.epoch_end

    def stop(record, loop, row) -> None:
        epoch_end(record, loop, row)
        loop.stop = True

    monkeypatch.setattr(recording.Record, "epoch_end", stop)
    with pytest.raises(KeyboardInterrupt):
        expert(patterns, epochs=2, workspace="mine", verbose=1).Train()
    words = f"Prototype('p', 'e', resume_train=True, workspace='{tmp_path / 'mine'}')"
    assert f"To resume: {words}, then Train()" in capsys.readouterr().out
    monkeypatch.undo()
    assert eval(words)._experiment.resuming


def test_training_works_in_another_thread(workspace, patterns, handlers) -> None:
    failed = []

    def train() -> None:
        try:
            expert(patterns).Train()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join(PATIENCE)
    assert failed == []
    assert state().status == "done"


# Signals to other processes


@pytest.fixture(params=BACKENDS)
def plan(request, patterns: Path, tmp_path: Path) -> Plan:
    (tmp_path / "stopped").mkdir()
    return Plan(tmp_path / "stopped", patterns, request.param)


@pytest.fixture
def unbroken(plan: Plan, tmp_path: Path) -> dict:
    other = replace(plan, folder=tmp_path / "unbroken")
    other.folder.mkdir()
    run(other)
    return outcome(newest(other))


def stopped(plan: Plan, which: int) -> Child:
    """A training that got one signal where the plan pauses."""
    child = Child(plan)
    child.wait_for("paused")
    child.signal(which)
    time.sleep(0.2)  # until it has come: a word may be quicker
    child.go_on()
    child.end()
    return child


# each place with one of the signals, in turn
@pytest.mark.parametrize(("place", "which"), list(zip(STOPPED, itertools.cycle(STOP_SIGNALS), strict=False)))
def test_a_signal_stops_after_the_step_and_the_rest_is_the_same(plan: Plan, unbroken, which, place: str) -> None:
    plan = replace(plan, pause=place, often=False)
    child = stopped(plan, which)
    assert child.error.rstrip(": ") == ENDS[which]
    assert child.process.exitcode == (143 if which == signal.SIGTERM else 1)
    assert STOPPED[place] in child.said
    assert newest(plan).state().status == "interrupted"
    assert leftovers(newest(plan)) == []
    run(resumed(plan))
    assert differences(outcome(newest(plan)), unbroken) == []


@pytest.mark.parametrize("which", STOP_SIGNALS)
def test_a_signal_while_the_last_files_are_written_is_obeyed_after_them(plan: Plan, unbroken, which) -> None:
    child = stopped(replace(plan, pause="final writing"), which)
    assert child.error.rstrip(": ") == ENDS[which]
    assert differences(outcome(newest(plan)), unbroken) == []
    assert newest(plan).state().status == "done"


@pytest.mark.parametrize("place", ["training", "final writing"])
def test_repeated_ctrl_c_ends_at_once(plan: Plan, unbroken, place: str) -> None:
    """The child waits for a word that never comes, as it would for a disk that hangs."""
    child = Child(replace(plan, pause=place))
    child.wait_for("paused")
    until = time.monotonic() + PATIENCE
    while child.process.is_alive() and time.monotonic() < until:
        child.signal(signal.SIGINT)
        time.sleep(0.1)
    assert child.end() == 1
    assert child.error == "KeyboardInterrupt: "
    assert newest(plan).state().status == "interrupted"
    run(resumed(plan))
    assert differences(outcome(newest(plan)), unbroken) == []


def test_a_second_sigterm_kills(plan: Plan, unbroken) -> None:
    child = Child(replace(plan, pause="training"))
    child.wait_for("paused")
    child.signal(signal.SIGTERM)
    time.sleep(0.2)
    child.signal(signal.SIGTERM)
    assert child.end() == -signal.SIGTERM
    assert newest(plan).state().status == "interrupted"
    run(resumed(plan))
    assert differences(outcome(newest(plan)), unbroken) == []


SCRIPT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from monklite import Prototype
from monklite.training import engine
batch_done = engine.Loop._batch_done
def told(loop):
    print("step", loop.done, flush=True)
    sys.stdin.readline()
    batch_done(loop)
engine.Loop._batch_done = told
ptf = Prototype("p", "e", verbose=0)
ptf.Dataset_Params(dataset_path=sys.argv[1], split=0.67, input_size=32, batch_size=6)
ptf.Dataset()
ptf.Model_Params(model_name="squeezenet1_1", use_pretrained=False)
ptf.Model()
ptf.Train()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("which", "statuses"), [(signal.SIGINT, (-signal.SIGINT, 1)), (signal.SIGTERM, (143,))])
def test_a_script_ends_as_a_shell_expects(workspace: Path, patterns: Path, which, statuses: tuple[int, ...]) -> None:
    """By SIGINT, which a shell shows as 130 (1 for every script that imports torch, as torch clears up in between); or 143."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(patterns)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert process.stdout.readline() == "step 0\n"
    process.send_signal(which)
    time.sleep(0.3)
    _, errors = process.communicate("\n", timeout=PATIENCE)
    assert process.returncode in statuses, errors
    assert errors.endswith("KeyboardInterrupt\n") == (which == signal.SIGINT)
    assert state().status == "interrupted"
    Prototype("p", "e", resume_train=True, verbose=0).Train()
    assert state().status == "done"
