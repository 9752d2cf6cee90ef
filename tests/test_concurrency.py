"""Real processes that race for one workspace: claims, updates, links, readers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from monklite.runs import history
from monklite.runs.file_names import HISTORY, STATE
from monklite.runs.workspace import Workspace

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes are forked")
RACE = """
import os, sys, traceback
from monklite.errors import NotFound
from monklite.records import EpochRow
from monklite.runs import history
from monklite.runs.file_names import HISTORY, STATE
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace
space = Workspace(sys.argv[1])

def race(*jobs):
    children = []
    for job in jobs:
        child = os.fork()
        if child == 0:
            try:
                job()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    failed = [os.waitpid(c, 0)[1] for c in children]
    sys.exit(any(failed))
"""
TRAINERS = """
def train(i):
    for attempt in range(4):
        run = space.claim("p", f"e{i % 2}")
        run.update(status="running", error=f"{i}-{attempt}")
        space.link(run)
        for n in range(1, 4):
            history.write(run.logs / HISTORY, [EpochRow(e, *[i / 10] * 8) for e in range(1, n + 1)])
            assert run.update(ended=f"2026-01-0{n}T00:00:00+00:00").error == f"{i}-{attempt}"
        run.update(status="done")
        run.release()

def look():
    for _ in range(30):
        for run in space.runs():
            try:
                state = run.state()
            except NotFound:
                continue  # claimed this moment
            rows = history.read(run.logs / HISTORY)
            assert state.status in ("new", "running", "done"), state.status
            assert len({r.seconds for r in rows}) <= 1 and [r.epoch for r in rows] == list(range(1, len(rows) + 1))
            assert state.status == "new" or (run.folder.parent / STATE).exists()

race(*[lambda i=i: train(i) for i in range(10)], look, look)
"""
FIELDS = ("created", "started", "ended", "error")
MOMENT = """
def moment(field, n):
    return f"2026-01-{1 + len(field):02d}T00:00:{n:02d}+00:00"
"""
UPDATERS = f"""
{MOMENT}
folder = space.claim("p", "e").folder
def write(field):
    for n in range(30):
        Run(folder).update(**{{field: moment(field, n)}})
race(*[lambda f=f: write(f) for f in {FIELDS}])
"""
HOLDERS = """
folder = space.claim("p", "e")
folder.update(status="running")
folder.release()
folder = folder.folder
def take():
    taken = 0
    while taken < 20:
        run = Run(folder)
        if run.acquire():
            run.is_training = True
            with open(folder / "alone", "x"):
                run.update(error=str(os.getpid()))
                assert run.state().error == str(os.getpid()) and run.state().status == "running"
            os.unlink(folder / "alone")
            taken += 1
            run.release()
race(take, take, take)
"""


def raced(script: str, root: Path) -> Workspace:
    done = subprocess.run([sys.executable, "-c", RACE + script, str(root)], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    return Workspace(root)


@pytest.mark.slow
def test_ten_processes_train_in_one_project_while_others_look(tmp_path):
    space = raced(TRAINERS, tmp_path)
    runs = list(space.runs())
    assert [r.folder.name for r in space.versions("p", "e0")] == [f"v{n:03d}" for n in range(1, 21)]
    assert sorted(run.state().error for run in runs) == sorted(f"{i}-{n}" for i in range(10) for n in range(4))
    assert {(run.state().status, len(history.read(run.logs / HISTORY))) for run in runs} == {("done", 3)}
    assert not list(tmp_path.rglob("*monklite-tmp*"))
    assert (tmp_path / "p" / "e0" / STATE).is_symlink()


def test_no_update_of_several_processes_is_lost(tmp_path):
    state = raced(UPDATERS, tmp_path).find("p", "e").state()
    moments = {"created": "08", "started": "08", "ended": "06", "error": "06"}
    assert {f: getattr(state, f) for f in FIELDS} == {f: f"2026-01-{day}T00:00:29+00:00" for f, day in moments.items()}


def test_a_run_is_held_by_one_process_at_a_time(tmp_path):
    raced(HOLDERS, tmp_path)
