"""Pruning removes what may go, keeps the rest, and touches nothing else."""

from __future__ import annotations

import errno
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_comparison import fill, fresh

from monklite import files
from monklite.errors import InvalidValue, StorageError
from monklite.runs import heartbeat, prune
from monklite.runs.file_names import BEST, FINAL, LEFTOVER_AGE, RESUME, STATE
from monklite.runs.prune import LEFTOVER, OLD, carry_out, plan
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace
from monklite.spec import Spec

STEPS, GOING_ON = "intermediate weights", "state for resuming"


@pytest.fixture
def space(tmp_path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def trained(space: Workspace, best: float = 0.5, experiment: str = "e", **changes) -> Run:
    run = fill(fresh(space, experiment=experiment), best=best, **changes)
    for name in (BEST, FINAL, RESUME, "intermediate_model_0", "intermediate_model_1"):
        (run.models / name).write_bytes(bytes(1000))
    space.link(run)
    return run


def planned(space: Workspace, **options) -> list[tuple[str, str]]:
    return [(item.kind, item.name) for item in plan(space, **options)]


def everything(space: Workspace) -> list[Path]:
    return sorted(p for p in space.root.rglob("*") if p.name not in (".lock", ".state.lock"))


def killed(path: Path, age: float = 2 * LEFTOVER_AGE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("half")
    os.utime(path, (time.time() - age,) * 2)
    return path


# What is planned


def test_the_newest_versions_and_the_best_stay(space):
    for best in (0.3, 0.9, 0.4, 0.5, 0.6, 0.7):
        trained(space, best)
    assert planned(space, intermediate=False) == [(OLD, "p/e/v001"), (OLD, "p/e/v003")]
    assert planned(space, keep=1, intermediate=False) == [(OLD, f"p/e/v00{n}") for n in (1, 3, 4, 5)]
    assert planned(space, keep=6, intermediate=False) == []


def test_of_two_that_are_as_good_the_newer_stays(space):
    for best in (0.9, 0.9, 0.1):
        trained(space, best)
    assert planned(space, keep=1, intermediate=False) == [(OLD, "p/e/v001")]


def test_folds_and_what_the_user_has_marked_stay(space):
    trained(space, 0.3)
    trained(space, 0.4, tags=("paper",))
    trained(space, 0.4, notes=("the one that was shown",))
    trained(space, 0.6)
    for fold in range(3):
        trained(space, 0.9, asked=Spec().replace({"data.folds": 3, "data.fold": fold}))
    # neither are folds the newest versions, nor the best one
    assert planned(space, keep=1, intermediate=False) == [(OLD, "p/e/v001")]
    assert (STEPS, "p/e/v005 (2 files)") in planned(space)


def test_each_experiment_keeps_its_own(space):
    for experiment in ("a", "b", "a", "b"):
        trained(space, 0.5, experiment)
    assert planned(space, keep=1, intermediate=False) == [(OLD, "p/a/v001"), (OLD, "p/b/v001")]
    assert planned(space, keep=1, intermediate=False, only=["p/b"]) == [(OLD, "p/b/v001")]
    assert len(planned(space, keep=1, intermediate=False, only=["p"])) == 2
    with pytest.raises(InvalidValue, match="there are no runs in q/a; `monklite list` shows those that there are"):
        plan(space, only=["q/a"])


def test_the_weights_of_each_epoch_of_runs_that_stay(space):
    trained(space)
    (item,) = plan(space)
    assert (item.kind, item.name, item.size) == (STEPS, "p/e/v001 (2 files)", 2000)
    assert {p.name for p in item.paths} == {"intermediate_model_0", "intermediate_model_1"}


def test_what_going_on_needs_stays_unless_asked_for(space):
    trained(space)
    assert planned(space, intermediate=False) == []
    assert planned(space, intermediate=False, resume_state=True) == [(GOING_ON, "p/e/v001 (1 file)")]


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_an_interrupted_run_stays_whole_unless_asked_for(space, status):
    trained(space).update(status=status)
    trained(space)
    assert planned(space, keep=1) == [(STEPS, "p/e/v002 (2 files)")]
    assert (OLD, "p/e/v001") in planned(space, keep=1, interrupted=True)
    assert (GOING_ON, "p/e/v001 (1 file)") not in planned(space, interrupted=True, resume_state=True)


def test_what_failed_and_can_be_gone_on_with_keeps_its_state(space):
    trained(space).update(status="failed")
    assert planned(space, resume_state=True) == [(STEPS, "p/e/v001 (2 files)")]


def test_a_run_that_is_held_or_cannot_be_read_stays_and_that_is_told(space):
    held, damaged, told = trained(space), trained(space), []
    trained(space)
    (damaged.folder / STATE).write_text("{")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(held.acquire).result()
    assert planned(space, keep=1, interrupted=True, warn=told.append) == [(STEPS, "p/e/v003 (2 files)")]
    assert [t.split(": ")[0] for t in told] == ["kept", f"p/e/v001 is in use by process {os.getpid()} on {HOST}"]
    assert "v002/experiment-state.json is damaged" in told[0]


HOST = os.uname().nodename if hasattr(os, "uname") else ""


def test_a_version_that_is_a_link_stays(space, tmp_path):
    run = trained(space)
    for _ in range(2):
        trained(space)
    run.folder.rename(tmp_path / "elsewhere")
    run.folder.symlink_to(tmp_path / "elsewhere")
    told = []
    assert (OLD, "p/e/v001") not in planned(space, keep=1, warn=told.append)
    assert told == [f"p/e/v001 is a link to {tmp_path}/elsewhere: kept"]


def test_weights_that_are_links_or_of_another_name_stay(space, tmp_path):
    run = trained(space)
    (run.models / "intermediate_model_1").unlink()
    (run.models / "intermediate_model_1").symlink_to(run.models / FINAL)
    (run.models / "mine.onnx").write_text("mine")
    (item,) = plan(space, resume_state=False)
    assert [p.name for p in item.paths] == ["intermediate_model_0"]


@pytest.mark.parametrize("keep", [0, -1, 1.5, "all"])
def test_nothing_can_be_kept_of_nothing(space, keep):
    with pytest.raises((InvalidValue, TypeError), match="keep must be"):
        plan(space, keep=keep)


def test_old_leftovers_of_writers_are_found_wherever_they_write(space):
    run = trained(space)
    name = f".x.1-ab{files.TEMPORARY}"
    found = [
        killed(f / name) for f in (run.folder, run.logs, run.models, run.folder.parent, space.root / "comparison" / "c")
    ]
    killed(run.folder / f".young{files.TEMPORARY}", age=60)
    killed(run.folder / ".other")
    folder = run.folder.parent / f".import{files.TEMPORARY}"
    killed(folder / "output" / "final")
    os.utime(folder / "output", (0, 0))
    os.utime(folder, (0, 0))
    items = plan(space, intermediate=False)
    assert {p for item in items for p in item.paths} == {*found, folder}
    assert {item.kind for item in items} == {LEFTOVER}
    assert planned(space, intermediate=False, leftovers=False) == []
    assert carry_out(space, items) == 6 * len("half") + sum(i.size - 4 for i in items)
    assert not [p for p in (*found, folder) if p.exists()]


def test_a_leftover_in_which_something_was_written_just_now_stays(space):
    run = trained(space)
    folder = run.folder.parent / f".import{files.TEMPORARY}"
    killed(folder / "old")
    (folder / "young").write_text("x")
    os.utime(folder, (0, 0))
    assert planned(space, intermediate=False) == []


# Its going


def test_a_plan_changes_nothing_and_carrying_it_out_changes_just_that(space):
    for best in (0.9, 0.1, 0.2, 0.3):
        trained(space, best)
    before = everything(space)
    items = plan(space, keep=2)
    assert everything(space) == before
    assert carry_out(space, items) == sum(i.size for i in items) > 5000
    gone = {p.relative_to(space.root / "p" / "e").as_posix() for p in set(before) - set(everything(space))}
    models = {f"v00{n}/output/models/intermediate_model_{k}" for n in (1, 3, 4) for k in (0, 1)}
    assert {g for g in gone if not g.startswith("v002")} == models
    assert sorted(p.name for p in (space.root / "p" / "e").iterdir()) == [STATE, "output", "v001", "v003", "v004"]
    assert plan(space, keep=2) == []
    assert space.claim("p", "e").version == 5


def test_the_plain_names_lead_to_a_version_that_is_there(space):
    old = trained(space, 0.1)
    best = trained(space, 0.9)
    trained(space, 0.2)
    space.claim("p", "e").release()
    space.link(old)
    carry_out(space, plan(space, keep=1))
    assert (best.folder.parent / "output").samefile(best.folder / "output")
    assert (best.folder.parent / STATE).samefile(best.folder / STATE)


def test_an_interrupted_run_goes_when_asked_for(space):
    trained(space).update(status="running")
    trained(space)
    assert carry_out(space, plan(space, keep=1, interrupted=True)) > 5000
    assert [r.version for r in space.versions("p", "e")] == [2]


def test_a_run_that_was_taken_or_changed_since_the_plan_stays(space):
    taken, changed, told = trained(space), trained(space), []
    trained(space)
    items = plan(space, keep=1, intermediate=False)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(taken.acquire).result()
    changed.update(error="new")
    assert carry_out(space, items, told.append) == 0
    assert told == [f"p/e/v00{n} was changed or is in use now: kept" for n in (1, 2)]
    assert taken.is_trained() and changed.is_trained()


def test_what_cannot_be_removed_is_told_and_the_rest_goes(space, monkeypatch):
    for _ in range(3):
        trained(space)
    remove, told = shutil.rmtree, []

    def refuse(path: Path, *args, **kwargs) -> None:
        if "v001" in path.name:
            raise PermissionError(13, "not yours")
        remove(path, *args, **kwargs)

    monkeypatch.setattr(shutil, "rmtree", refuse)
    items = plan(space, keep=1, intermediate=False)
    assert carry_out(space, items, told.append) == items[1].size
    assert len(told) == 1 and "you may not write there" in told[0]
    monkeypatch.undo()
    assert [r.version for r in space.versions("p", "e")] == [3]
    monkeypatch.setattr(prune, "LEFTOVER_AGE", -1.0)
    (left,) = plan(space, intermediate=False)
    assert left.kind == LEFTOVER and "v001" in left.name
    carry_out(space, [left])
    assert not list(space.root.rglob("*monklite-tmp*"))


def test_a_leftover_that_is_a_link_goes_and_what_it_leads_to_stays(space, tmp_path):
    run = trained(space)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_text("mine")
    left = run.folder.parent / f".output{files.TEMPORARY}"
    left.symlink_to(tmp_path / "images")
    os.utime(left, (0, 0), follow_symlinks=False)
    (item,) = plan(space, intermediate=False)
    carry_out(space, [item])
    assert not left.is_symlink()
    assert (tmp_path / "images" / "a.png").read_text() == "mine"


def test_a_run_whose_weights_went_is_free_again(space):
    run = trained(space)
    items = plan(space)
    carry_out(space, items)
    assert not run.is_locked()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run.acquire).result()


def test_a_file_with_two_names_frees_its_bytes_with_the_last_of_them(space):
    run = trained(space)
    (run.models / BEST).unlink()
    (run.models / BEST).hardlink_to(run.models / "intermediate_model_0")
    assert [item.size for item in plan(space)] == [1000]
    (run.models / "intermediate_model_1").unlink()
    (run.models / "intermediate_model_1").hardlink_to(run.models / BEST)
    assert [item.size for item in plan(space)] == [0]
    trained(space), trained(space), trained(space)
    whole = plan(space, leftovers=False)[0]
    assert whole.kind == OLD
    assert whole.size == sum(p.stat().st_size for p in run.folder.rglob("*") if p.is_file()) - 2000


def test_links_inside_a_version_are_not_followed(space, tmp_path):
    run = trained(space)
    trained(space)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_text("mine")
    (run.folder / "data").symlink_to(tmp_path / "images")
    carry_out(space, plan(space, keep=1))
    assert not run.folder.exists()
    assert (tmp_path / "images" / "a.png").read_text() == "mine"


def test_a_storage_error_names_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "unlink", lambda self: (_ for _ in ()).throw(OSError(30, "read-only")))
    (tmp_path / "x").touch()
    with pytest.raises(StorageError, match=r"/x could not be written: the file system is read-only"):
        prune._remove([tmp_path / "x"])


def test_what_a_killed_first_import_left_is_found(space) -> None:
    trained(space)
    leftover = killed(space.root / "q" / "never" / f".import.1-abcd{files.TEMPORARY}" / "output" / "weights")
    (folder,) = (space.root / "q" / "never").iterdir()
    os.utime(folder, (time.time() - 2 * LEFTOVER_AGE,) * 2)
    for path in (leftover.parent, folder):
        os.utime(path, (time.time() - 2 * LEFTOVER_AGE,) * 2)
    items = [item for item in plan(space) if item.kind == LEFTOVER]
    assert [item.name for item in items] == [str(folder.relative_to(space.root))]
    carry_out(space, items)
    assert not folder.exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_can_be_freed(space, monkeypatch, number) -> None:
    run = trained(space)

    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(heartbeat, "_create", full)
    warned: list[str] = []
    freed = carry_out(space, plan(space), warned.append)
    assert (freed, warned) == (2000, [])
    assert not list(run.models.glob("intermediate*"))
    # a training still wants to be announced
    with pytest.raises(StorageError, match="free some space"):
        Run(run.folder).acquire()
