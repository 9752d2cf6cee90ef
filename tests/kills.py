"""Trainings killed at random moments, and what they must have left: for tests, and for whoever wants to see it.

Every kill is a real SIGKILL of a process that trains (`children`). What goes on from there must end as the unbroken training did.
"""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from children import Child, Plan, run

from monklite import opening
from monklite.backends import array_files
from monklite.files import TEMPORARY
from monklite.records import ACCURACY, EpochRow
from monklite.runs import history
from monklite.runs.file_names import BEST, FINAL, HISTORY, RESUME, SAMPLES, STATE
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace
from monklite.training.early_stopping import best_of
from monklite.training.position import Position
from monklite.training.starting_over import starts_over

TIMES = ("seconds", "data_wait", "images_per_second")
UNLIKE = ("train_seconds", "images_per_second", "gpu_process_mib", "gpu_framework_mib", "process_mib")
# seconds that a file takes longer to be flushed, and whether every chance to save is taken
DISKS = [{"flush": 0.0, "often": True}, {"flush": 0.01, "often": False}, {"flush": 0.04, "often": True}]
MOST_KILLS = 4  # of one training; then it is left in peace
NOTHING, ELSEWHERE = "before anything was saved", "while the last files were written"
WRITING = "while a file was written"


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
    found["results"] = state.results and state.results.model_dump(exclude=set(UNLIKE))
    found["state"] = (state.status, state.error, state.spec, state.dataset, state.model)
    return found


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def timeless(rows: Any) -> list[dict[str, float]]:
    return [{k: v for k, v in asdict(row).items() if k not in TIMES} for row in rows]


def saved(run: Run) -> tuple[dict[str, np.ndarray], Position]:
    arrays, metadata = array_files.read(run.models / RESUME)
    return arrays, Position.from_dict(metadata["notes"], RESUME)


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
    bests = [best_of(rows[:n], ACCURACY) for n in range(len(done), len(rows) + 1)]
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
    number = re.sub(r"\D", "", name)
    prefix = name.removesuffix(number)
    named = [run.models / name, run.models / f"{prefix}-{int(number or 0):04d}.params"]
    return next((f for f in named if f.exists()), None)


# Kills


class Killer:
    """Kills children at random moments of the time that an unbroken one takes, and counts where that was."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.unbroken, self.random = plan, random.Random(seed)
        self.found: Counter[str] = Counter()
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
        return sum(n for kind, n in self.found.items() if kind != WRITING)

    def torment(self, plan: Plan, most: int) -> None:
        """One training, killed again and again, to its end."""
        plan.folder.mkdir()
        for _ in range(min(MOST_KILLS, most - self.kills)):
            if not self._kill(self._next(plan)) or self._is_done(plan):  # a kill may come after all is done
                break
        if not self._is_done(plan):
            run(replace(self._next(plan), flush=0.0))
        assert differences(outcome(newest(plan)), self.expected) == []
        assert leftovers(newest(plan)) == []

    def _is_done(self, plan: Plan) -> bool:
        return any(r.state().status == "done" for r in self._readable(plan))

    def _runs(self, plan: Plan) -> list[Run]:
        return Workspace(plan.folder / "workspace").versions("p", "e")

    def _next(self, plan: Plan) -> Plan:
        """Going on, also where a kill came before anything was saved; beginning anew where it came before the training."""
        runs = self._readable(plan)
        return replace(plan, resume=any(opening.can_resume(run) or starts_over(run) for run in runs))

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
        self.found[WRITING] += bool(self._runs(plan) and leftovers(newest(plan)))
        for found in self._readable(plan):
            check_what_is_there(found, plan, newest(self.unbroken))
        return True
