"""Trainings killed at random moments, in processes of their own, and gone on with: the end is that of the unbroken one."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from children import Child, Plan, resumed, run
from hostile_runs import ON_REQUEST
from kills import DISKS, NOTHING, WRITING, Killer, differences, leftovers, newest, outcome, saved

from monklite.catalog.backends import BUILT_IN
from monklite.errors import NotFound
from monklite.runs import history
from monklite.runs.file_names import HISTORY
from monklite.runs.workspace import Workspace

BACKENDS = tuple(BUILT_IN)


@pytest.fixture
def plan(backend: str, patterns: Path, tmp_path: Path) -> Plan:
    (tmp_path / "unbroken").mkdir()
    return Plan(tmp_path / "unbroken", patterns, backend)


@pytest.mark.parametrize("most", [4, pytest.param(30, marks=ON_REQUEST)])
def test_a_training_killed_anywhere_goes_on_to_the_same_end(plan: Plan, backend: str, most: int) -> None:
    killer, journeys = Killer(plan, seed=most), 0
    while killer.kills < most:
        folder = plan.folder.parent / f"killed {journeys}"
        killer.torment(replace(plan, folder=folder, **DISKS[journeys % len(DISKS)]), most)
        journeys += 1
        assert journeys < 5 * most, f"too few kills find a training: {killer.found}"
    print(f"\n{backend}: {killer.kills} kills in {journeys} trainings: {dict(killer.found)}")
    if most >= 30:
        assert {NOTHING, "within an epoch", WRITING} < killer.found.keys(), killer.found
        assert len(killer.found) >= 4, killer.found


def test_what_is_killed_is_a_training_that_gets_better(plan: Plan) -> None:
    """One that stood still would come out the same whatever was lost of it."""
    run(plan)
    losses = [row.val_loss for row in history.read(newest(plan).logs / HISTORY)]
    assert sorted(losses, reverse=True) == losses
    assert len(set(losses)) == plan.epochs


# Two at once


@pytest.mark.parametrize("rounds", [1, pytest.param(3, marks=ON_REQUEST)])
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


@pytest.mark.parametrize("rounds", [1, pytest.param(3, marks=ON_REQUEST)])
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
