"""Trainings killed at random moments, in processes of their own, and gone on with: the end is that of the unbroken one."""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from children import Child, Plan, resumed, run

from monklite import history
from monklite.backends import tensors
from monklite.catalog.rows import BACKENDS
from monklite.engine import Point
from monklite.errors import NotFound
from monklite.experiment import Experiment
from monklite.files import TEMPORARY
from monklite.history import EpochRow
from monklite.workspace import BEST, FINAL, HISTORY, RESUME, SAMPLES, STATE, Run, Workspace

TIMES = ("seconds", "data_wait", "images_per_second")
UNLIKE = ("train_seconds", "images_per_second", "gpu_process_mib", "gpu_framework_mib", "process_mib")
# seconds that a file takes longer to be flushed, and whether every chance to save is taken
DISKS = [{"flush": 0.0, "often": True}, {"flush": 0.01, "often": False}, {"flush": 0.04, "often": True}]
MOST_KILLS = 4  # of one training; then it is left in peace
NOTHING, ELSEWHERE = "before anything was saved", "while the last files were written"


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def plan(backend: str, patterns: Path, tmp_path: Path) -> Plan:
    (tmp_path / "unbroken").mkdir()
    return Plan(tmp_path / "unbroken", patterns, backend)


def newest(plan: Plan) -> Run:
    return Workspace(plan.folder / "workspace").versions("p", "e")[-1]


# What is compared


def outcome(run: Run) -> dict[str, Any]:
    """All that a run left, but for times and memory: files by their bytes."""
    state = run.state()
    found: dict[str, Any] = {f.name: digest(f) for f in run.models.iterdir() if f.name != RESUME}
    arrays, point = saved(run)
    found["resume state"] = {n: a.tobytes() for n, a in arrays.items()}
    found["point"] = (timeless(point.history), point.images, point.steps, point.batch_size)
    found["history"] = timeless(history.read(run.logs / HISTORY))
    found["samples"] = digest(run.folder / SAMPLES)
    found["results"] = state.results.model_dump(exclude=set(UNLIKE))
    found["state"] = (state.status, state.error, state.spec, state.dataset, state.model)
    return found


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def timeless(rows: Any) -> list[dict[str, float]]:
    return [{k: v for k, v in asdict(row).items() if k not in TIMES} for row in rows]


def saved(run: Run) -> tuple[dict[str, np.ndarray], Point]:
    arrays, notes = tensors.read(run.models / RESUME)
    return arrays, Point.from_notes(notes["notes"], RESUME)


def leftovers(run: Run) -> list[str]:
    """Half-written files, ours and those of safetensors, in any version."""
    return [p.name for end in (TEMPORARY, ".tmp??????") for p in run.folder.parent.rglob(f"*{end}")]


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    return sorted(k for k in ours.keys() | theirs.keys() if ours.get(k) != theirs.get(k))


# What a killed run looks like


def kind_of(plan: Plan) -> str:
    """Where a kill struck."""
    runs = Workspace(plan.folder / "workspace").versions("p", "e")
    if not runs or not (runs[-1].folder / STATE).exists() or not runs[-1].has_saved_state():
        return NOTHING
    point = saved(runs[-1])[1]
    if runs[-1].state().status == "done":
        return "after the end"
    if point.images:
        return "within an epoch"
    return ELSEWHERE if len(point.history) == plan.epochs else "between epochs"


def check_what_is_there(run: Run, plan: Plan, unbroken: Run) -> None:
    """Every file that a killed run left is whole, and no weights are older than what would be gone on from."""
    if not (run.folder / STATE).exists():
        return
    assert run.state().status != "running"
    rows = history.read(run.logs / HISTORY)
    assert timeless(rows) == timeless(history.read(unbroken.logs / HISTORY)[: len(rows)])
    for epoch in range(plan.epochs):
        check_weights(run, plan, f"intermediate_model_{epoch}", {epoch}, unbroken)
    check_weights(run, plan, FINAL, {plan.epochs - 1}, unbroken)
    if not run.has_saved_state():
        return
    point = saved(run)[1]
    assert timeless(point.history) == timeless(history.read(unbroken.logs / HISTORY)[: len(point.history)])
    if point.history:
        assert weights(run, BEST), "the best weights are behind what is gone on from"
        check_weights(run, plan, BEST, best_epochs(point.history, unbroken), unbroken)


def best_epochs(done: tuple[EpochRow, ...], unbroken: Run) -> set[int]:
    """The best epoch of those done, and later ones that were better still: their weights may have been written already."""
    rows = history.read(unbroken.logs / HISTORY)
    bests = [max(rows[:n], key=lambda r: (r.val_accuracy, -r.val_loss)) for n in range(len(done), len(rows) + 1)]
    return {row.epoch - 1 for row in bests}


def check_weights(run: Run, plan: Plan, name: str, epochs: set[int], unbroken: Run) -> None:
    """These weights, if they are there, are those of one of these epochs (from 0) of the unbroken run."""
    file = weights(run, name)
    if file is None:
        return
    right = [weights(unbroken, f"intermediate_model_{e}") for e in epochs]
    assert digest(file) in [digest(f) for f in right if f], f"{file} is of another epoch, or damaged"
    if plan.backend == "mxnet":
        sums = Path(f"{file}.sha256")
        assert not sums.exists() or digest(file) in sums.read_text().split()
        assert sums.exists(), f"{file} came before its checksum"


def weights(run: Run, name: str) -> Path | None:
    """The file that holds these weights, whichever backend wrote it."""
    prefix, number = re.fullmatch(r"(.*?)(\d*)", name).groups()
    named = [run.models / name, run.models / f"{prefix}-{int(number or 0):04d}.params"]
    return next((f for f in named if f.exists()), None)


# Kills


class Killer:
    """Kills children at random moments of the time that an unbroken one takes, and counts where that was."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.unbroken, self.random, self.found = plan, random.Random(seed), Counter()
        run(plan)  # for warmth
        self.unbroken = replace(plan, folder=plan.folder.parent / "again")
        self.unbroken.folder.mkdir()
        child = run(self.unbroken)
        self.setting_up, self.training = child.seconds("here", "begun"), child.seconds("begun", "done")
        assert differences(outcome(newest(plan)), self.expected) == []

    @property
    def expected(self) -> dict[str, Any]:
        return outcome(newest(self.unbroken))

    @property
    def kills(self) -> int:
        return sum(n for kind, n in self.found.items() if kind != "while a file was written")

    def torment(self, plan: Plan, most: int) -> None:
        """One training, killed again and again, to its end."""
        plan.folder.mkdir()
        for _ in range(min(MOST_KILLS, most - self.kills)):
            if not self._kill(self._next(plan)):
                break
        if not any(r.state().status == "done" for r in self._readable(plan)):
            run(replace(self._next(plan), flush=0.0))
        assert differences(outcome(newest(plan)), self.expected) == []
        assert leftovers(newest(plan)) == []

    def _runs(self, plan: Plan) -> list[Run]:
        return Workspace(plan.folder / "workspace").versions("p", "e")

    def _next(self, plan: Plan) -> Plan:
        """Going on, or beginning anew where a kill came before anything was saved."""
        return replace(plan, resume=any(map(Experiment.can_resume, self._readable(plan))))

    def _readable(self, plan: Plan) -> list[Run]:
        return [r for r in self._runs(plan) if (r.folder / STATE).exists()]

    def _kill(self, plan: Plan) -> bool:
        """Whether it was killed before it was done."""
        child = Child(plan)
        child.wait_for("here")
        if self.random.random() < 0.15:  # anywhere, from the first line on
            time.sleep(self.random.uniform(0, self.setting_up))
        else:
            child.wait_for("begun")
            time.sleep(self.random.uniform(0, self.training * (1 + 15 * plan.flush)))
        child.process.kill()
        if child.end() == 0:
            return False
        self.found[kind_of(plan)] += 1
        self.found["while a file was written"] += bool(self._runs(plan) and leftovers(newest(plan)))
        for found in self._readable(plan):
            check_what_is_there(found, plan, newest(self.unbroken))
        return True


@pytest.mark.parametrize("most", [3, pytest.param(50, marks=pytest.mark.slow)])
def test_a_training_killed_anywhere_goes_on_to_the_same_end(plan: Plan, backend: str, most: int) -> None:
    killer, journeys = Killer(plan, seed=most), 0
    while killer.kills < most:
        folder = plan.folder.parent / f"killed {journeys}"
        killer.torment(replace(plan, folder=folder, **DISKS[journeys % len(DISKS)]), most)
        journeys += 1
        assert journeys < 5 * most, f"too few kills find a training: {killer.found}"
    print(f"\n{backend}: {killer.kills} kills in {journeys} trainings: {dict(killer.found)}")
    if most >= 50:
        assert {NOTHING, "within an epoch", "while a file was written"} < killer.found.keys(), killer.found
        assert len(killer.found) >= 4, killer.found


# Two at once


@pytest.mark.parametrize("rounds", [1, pytest.param(12, marks=pytest.mark.slow)])
def test_two_processes_that_train_one_experiment_get_a_version_each(plan: Plan, rounds: int) -> None:
    for i in range(rounds):
        both = replace(plan, folder=plan.folder / str(i), flush=0.002 * (i % 3))
        both.folder.mkdir()
        children = [Child(both), Child(both)]
        assert set(watch(both, children)) <= {"new", "running", "done"}
        assert [c.end() for c in children] == [0, 0], children[0].said
        first, second = Workspace(both.folder / "workspace").versions("p", "e")
        assert differences(outcome(first), outcome(second)) == []
        assert first.state().status == second.state().status == "done"
        assert leftovers(first) == []


def watch(plan: Plan, children: list[Child]) -> Counter:
    """The statuses that a reader sees meanwhile; no file is ever half there."""
    seen: Counter = Counter()
    while any(c.process.is_alive() for c in children):
        for found in Workspace(plan.folder / "workspace").versions("p", "e"):
            with contextlib.suppress(NotFound):  # claimed and not yet set up
                seen[found.state().status] += 1
            history.read(found.logs / HISTORY)
            if found.has_saved_state():
                saved(found)
        time.sleep(0.002)
    return seen


@pytest.mark.parametrize("rounds", [1, pytest.param(12, marks=pytest.mark.slow)])
def test_of_two_processes_that_resume_one_run_one_gets_it(plan: Plan, rounds: int) -> None:
    run(plan)
    for i in range(rounds):
        broken = replace(plan, folder=plan.folder / str(i), pause="validation")
        broken.folder.mkdir()
        killed = Child(broken)
        killed.wait_for("paused")
        killed.process.kill()
        killed.end()
        children = [Child(resumed(broken)), Child(resumed(broken))]
        watch(broken, children)
        assert sorted(c.end() for c in children) == [0, 1]
        refused = next(c for c in children if c.error)
        assert re.search(r"NotReady: .*(is being trained right now|has 3 epochs already)", refused.error)
        assert differences(outcome(newest(broken)), outcome(newest(plan))) == []
        assert leftovers(newest(broken)) == []
