"""The workspace on disk: names, claims between processes, links, look-ups, copies."""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monklite.errors import (
    DamagedFile,
    InvalidType,
    InvalidValue,
    MonkliteError,
    NotFound,
    StorageError,
    UnknownArgument,
    UnknownName,
)
from monklite.runs import heartbeat
from monklite.runs import run as module
from monklite.runs.file_names import BEST, FINAL, STATE, check_name, kind_of_weights
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace

TRAINER = """
import sys, time
from monklite.runs.workspace import Workspace
run = Workspace(sys.argv[1]).claim("p", "e")
run.update(status="running")
print(run.folder.name, flush=True)
time.sleep(60)
"""
ELSEWHERE = (
    """
from monklite.runs import heartbeat, run
heartbeat._machine_id, heartbeat.BEAT_EVERY = lambda: "another machine", 0.05
run.LOCK = ".lock-of-another-machine"
"""
    + TRAINER
)  # what a machine looks like whose locks are not seen here
GOOD_NAMES = [
    "a",
    "sample-project-1",
    "Lungs 2026 (v2)",
    "lr=0.01,wd=1e-4",
    "v001",
    "output",
    "a.b",
    "肺",
    "9",
    "a" * 100,
]
BAD_NAMES = [
    "",
    ".",
    "..",
    "../up",
    "a/b",
    "a\\b",
    "/etc",
    ".hidden",
    " a",
    "a ",
    "a.",
    "a..b",
    "C:",
    "a:b",
]
BAD_NAMES += ["a\n", "a\0", "a\tb", "\x7f", "a*", "a?", "<b>", "$HOME", "~", "a" * 101, "肺" * 86]


@pytest.fixture
def runs(tmp_path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def trained(space: Workspace, project: str = "p", experiment: str = "e") -> Run:
    run = space.claim(project, experiment)
    run.update(status="done")
    (run.models / FINAL).write_text("weights")
    space.link(run)
    run.release()
    return run


@pytest.fixture
def quick(monkeypatch) -> None:
    """A heart that beats fast, so that its end is soon seen."""
    monkeypatch.setattr(heartbeat, "BEAT_EVERY", 0.2)
    monkeypatch.setattr(heartbeat, "STALE_AFTER", 3.0)


@contextlib.contextmanager
def training(root: Path, script: str = TRAINER):
    """A process that trains, killed at the end of the block if it was not before."""
    with subprocess.Popen([sys.executable, "-c", script, str(root)], stdout=subprocess.PIPE) as trainer:
        try:
            assert trainer.stdout.readline() == b"v001\n"
            yield trainer
        finally:
            trainer.kill()


def eventually(condition, seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def claim_and_wait(root: str, start, done, found) -> None:
    start.wait()
    run = Workspace(root).claim("p", "e")
    found.put(run.version)
    done.wait()


# Names


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_plain_name_is_taken_as_it_is(runs, name):
    assert runs.experiment(name, name) == runs.root / name / name


@pytest.mark.parametrize("kind", ["project", "experiment", "comparison"])
@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_no_safe_folder_is_refused_with_the_rule(kind, name):
    with pytest.raises(InvalidValue, match=f"cannot be the {kind} name: begin with a letter, digit, _ or -"):
        check_name(kind, name)


@pytest.mark.parametrize("name", [None, 3, Path("a"), b"a"])
def test_a_name_that_is_no_text_is_refused(name):
    with pytest.raises(InvalidType, match="the project name must be a string, not"):
        check_name("project", name)


def test_no_project_may_stand_where_comparisons_are_kept():
    with pytest.raises(
        InvalidValue, match="'comparison' cannot be a project name: comparisons are kept in that folder"
    ):
        check_name("project", "comparison")
    assert check_name("experiment", "comparison") == "comparison"


@given(st.text(max_size=6) | st.text("./\\a_~:\0 ", max_size=6))
def test_whatever_is_accepted_is_one_visible_folder_inside_the_workspace(name):
    root = Path("/somewhere/workspace")
    try:
        folder = Workspace(root).experiment(name, name)
    except MonkliteError as error:
        assert "name" in str(error)
    else:
        assert Path(os.path.normpath(folder)) == root / name / name
        assert not name.startswith(".")
        assert name.isprintable()


# Claiming


def test_the_first_claim_is_v001_with_its_folders_and_state(runs):
    run = runs.claim("p", "e")
    assert run.folder == runs.root / "p" / "e" / "v001"
    assert run.logs.is_dir()
    assert run.models.is_dir()
    state = run.state()
    assert (state.project, state.experiment, state.version, state.status) == ("p", "e", 1, "new")


def test_a_run_whose_training_never_began_is_taken_again(runs):
    run = runs.claim("p", "e")
    run.update(error="left by the first")
    run.release()
    again = runs.claim("p", "e")
    assert again.folder == run.folder
    assert again.state().error is None


@pytest.mark.parametrize("status", ["running", "done", "failed", "interrupted"])
def test_a_run_whose_training_began_is_left_alone(runs, status):
    run = runs.claim("p", "e")
    run.update(status=status)
    before = (run.folder / STATE).read_bytes()
    run.release()
    assert runs.claim("p", "e").version == 2
    assert (run.folder / STATE).read_bytes() == before


def in_a_thread(action):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(action).result()


def test_a_run_that_another_thread_holds_is_not_taken_again(runs):
    first = in_a_thread(lambda: runs.claim("p", "e"))
    assert runs.claim("p", "e").version == 2
    assert first.state().status == "new"
    assert not first.taken_over


def test_a_run_that_this_thread_only_holds_is_taken_over(runs):
    first = runs.claim("p", "e")
    second = runs.claim("p", "e")
    assert second.version == 1
    assert first.taken_over and not second.taken_over


def test_a_run_that_is_being_trained_is_not_taken_over(runs):
    first = runs.claim("p", "e")
    first.is_training = True
    assert runs.claim("p", "e").version == 2


def test_a_run_with_a_damaged_state_is_left_alone(runs):
    run = runs.claim("p", "e")
    run.release()
    (run.folder / STATE).write_text("{")
    assert runs.claim("p", "e").version == 2
    assert (run.folder / STATE).read_text() == "{"


def test_a_claim_goes_on_after_the_newest_version(runs):
    for version in ("v002", "v1000", "v007"):
        (runs.root / "p" / "e" / version).mkdir(parents=True)
        (runs.root / "p" / "e" / version / STATE).write_text("{")
    assert runs.claim("p", "e").folder.name == "v1001"
    assert [r.version for r in runs.versions("p", "e")] == [2, 7, 1000, 1001]


def test_claiming_removes_what_a_killed_writer_left(runs):
    run = runs.claim("p", "e")
    run.release()
    (run.folder / ".experiment-state.json.1-ab.monklite-tmp").write_text("half")
    runs.claim("p", "e")
    assert not list(run.folder.glob("*monklite-tmp*"))


def test_a_run_that_ends_while_it_is_looked_at_is_not_taken_for_interrupted(runs, monkeypatch):
    run = runs.claim("p", "e")
    run.update(status="running")
    reader = Run(run.folder)
    monkeypatch.setattr(reader, "is_locked", lambda: run.update(status="done") is None)
    assert reader.state().status == "done"


def test_claiming_removes_what_was_left_in_a_version_that_is_not_gone_on_with(runs):
    run = runs.claim("p", "e")
    run.update(status="running")
    run.release()
    (run.models / ".resume_state.1-ab.monklite-tmp").write_text("half")
    (run.models / ".tmpaB3dE6").write_text("half, by safetensors")
    (run.models / ".tmp").write_text("not ours")
    assert runs.claim("p", "e").version == 2
    assert [p.name for p in run.models.iterdir()] == [".tmp"]


def test_half_made_links_are_removed_unless_their_run_is_held(runs):
    one = trained(runs)
    for version in (1, 2):
        (one.folder.parent / f".output.{version}.monklite-tmp").symlink_to(f"v00{version}/output")
    two = runs.claim("p", "e")
    assert two.version == 2
    (one.folder.parent / ".output.2.monklite-tmp").symlink_to("v002/output")
    assert one.acquire()
    one.remove_leftovers()
    left = sorted(p.name for p in one.folder.parent.iterdir() if "monklite-tmp" in p.name)
    assert left == [".output.2.monklite-tmp"]


def test_processes_that_claim_at_once_get_different_versions(runs):
    context = multiprocessing.get_context("spawn")
    start, done, found = context.Event(), context.Event(), context.Queue()
    claimers = [
        context.Process(target=claim_and_wait, args=(str(runs.root), start, done, found), daemon=True) for _ in range(4)
    ]
    for process in claimers:
        process.start()
    start.set()
    versions = [found.get(timeout=60) for _ in claimers]
    done.set()
    for process in claimers:
        process.join(60)
    assert sorted(versions) == [1, 2, 3, 4]


@pytest.mark.parametrize("attempt", range(3))
def test_threads_that_claim_again_and_again_get_different_versions(runs, attempt):
    def claim_and_train(_: int) -> Run:
        run = runs.claim("p", "e")
        run.is_training = True
        return run

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(claim_and_train, range(24)))
    assert len({run.version for run in claimed}) == 24


@pytest.mark.parametrize("name", ["CON", "nul.txt", "com1", "COM²"])
def test_a_name_that_windows_keeps_is_refused(name):
    with pytest.raises(InvalidValue, match=r"Windows reserves it"):
        check_name("experiment", name)


def test_comparison_is_no_project_in_any_case():
    with pytest.raises(InvalidValue, match=r"comparisons are kept in that folder"):
        check_name("project", "Comparison")


# Holding and status


def test_a_run_is_held_until_it_is_released(runs):
    run = in_a_thread(lambda: runs.claim("p", "e"))
    other = Run(run.folder)
    assert other.is_locked()
    assert not other.acquire()
    run.release()
    assert not other.is_locked()
    assert other.acquire()


def test_a_running_run_that_is_held_reads_as_running(runs):
    run = runs.claim("p", "e")
    run.update(status="running")
    assert runs.find("p", "e").state().status == "running"


def test_a_run_whose_process_was_killed_reads_as_interrupted(runs):
    with training(runs.root) as trainer:
        assert runs.find("p", "e").state().status == "running"
        assert str(runs.find("p", "e").holder()) == f"process {trainer.pid} on {platform.node()}"
        trainer.kill()
        trainer.wait()
        assert runs.find("p", "e").state().status == "interrupted"
    assert runs.claim("p", "e").version == 2


def test_a_killed_process_whose_number_was_given_again_does_not_train(runs):
    with training(runs.root) as trainer:
        trainer.kill()
    path = runs.find("p", "e").folder / heartbeat.HOLDER
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": os.getpid()}))
    assert runs.find("p", "e").state().status == "interrupted"
    assert runs.find("p", "e").acquire()


def test_a_run_that_another_machine_trains_is_seen_and_left_alone(runs, quick):
    with training(runs.root, ELSEWHERE) as trainer:
        run = runs.find("p", "e")
        assert run.state().status == "running"
        assert str(run.holder()).startswith(f"process {trainer.pid} on")
        assert not run.acquire()
        assert runs.claim("p", "e").version == 2


def test_a_run_that_was_killed_on_another_machine_reads_as_interrupted_and_can_be_taken(runs, quick):
    with training(runs.root, ELSEWHERE) as trainer:
        trainer.kill()
    run = runs.find("p", "e")
    assert eventually(lambda: run.state().status == "interrupted")
    assert run.acquire()
    assert run.holder().is_local()


@pytest.mark.parametrize("jump", [-1e6, 1e6])
def test_a_run_that_another_machine_trains_is_not_taken_however_wrong_the_clocks_are(runs, quick, monkeypatch, jump):
    with training(runs.root, ELSEWHERE):
        monkeypatch.setattr(heartbeat, "disk_time", lambda folder: time.time() + jump)
        assert not runs.find("p", "e").acquire()


@pytest.mark.parametrize("jump", [-1e6, 1e6])
def test_a_clock_that_jumps_changes_no_status(runs, monkeypatch, jump):
    now = time.time()
    run = runs.claim("p", "e")
    run.update(status="running")
    monkeypatch.setattr(time, "time", lambda: now + jump)
    assert runs.find("p", "e").state().status == "running"
    with training(runs.root.parent / "elsewhere", ELSEWHERE):
        assert Workspace(runs.root.parent / "elsewhere").find("p", "e").state().status == "running"


def test_a_run_that_was_taken_over_while_its_process_slept_is_written_no_more(runs, monkeypatch):
    run = runs.claim("p", "e")
    run.update(status="running")
    monkeypatch.setattr(heartbeat, "_machine_id", lambda: "another machine")
    monkeypatch.setattr(module, "LOCK", ".lock-of-another-machine")
    monkeypatch.setattr(heartbeat, "STALE_AFTER", 0.0)
    monkeypatch.setattr(heartbeat, "BEAT_EVERY", 0.02)
    other = in_a_thread(lambda: Run(run.folder))
    assert in_a_thread(other.acquire)
    with pytest.raises(StorageError, match=r"p/e/v001 was taken over by process \d+ on .* and it writes no more"):
        run.update(status="done")
    assert not run.acquire()
    run.release()
    assert other.update(error="of the other").error == "of the other"


def test_a_run_whose_process_is_stopped_for_a_while_still_trains(runs):
    run = runs.claim("p", "e")
    run.update(status="running")
    os.utime(run.folder / heartbeat.HOLDER, (0, 0))
    assert runs.find("p", "e").state().status == "running"


def test_a_copy_of_a_run_that_is_being_trained_reads_as_interrupted(runs):
    run = runs.claim("p", "e")
    run.update(status="running")
    shutil.copytree(runs.root, runs.root.with_name("copy"))
    assert Workspace(runs.root.with_name("copy")).find("p", "e").state().status == "interrupted"
    assert runs.find("p", "e").state().status == "running"


def test_an_object_that_is_forgotten_gives_up_its_run(runs):
    run = in_a_thread(lambda: runs.claim("p", "e"))
    folder = run.folder
    del run
    gc.collect()
    assert not Run(folder).is_locked()
    assert not (folder / heartbeat.HOLDER).exists()


def test_update_changes_only_what_it_names(runs):
    run = runs.claim("p", "e")
    created = run.state().created
    run.update(status="failed", error="why")
    state = run.state()
    assert (state.status, state.error, state.created, state.version) == ("failed", "why", created, 1)


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"testin": None}, UnknownArgument, "'testin'.*Did you mean 'testing'"),
        ({"status": "dnoe"}, InvalidValue, "dnoe"),
        ({"results": {"epochs": 3}}, InvalidValue, "results"),
        ({"schema": 7}, UnknownArgument, "no field 'schema'"),
        ({"schema_version": 7}, UnknownArgument, "no field 'schema_version'"),
    ],
)
def test_a_wrong_update_is_refused_and_nothing_is_written(runs, changes, kind, message):
    run = runs.claim("p", "e")
    before = (run.folder / STATE).read_bytes()
    with pytest.raises(kind, match=message):
        run.update(error="also this", **changes)
    assert (run.folder / STATE).read_bytes() == before


def test_updates_of_many_threads_are_all_kept(runs):
    from concurrent.futures import ThreadPoolExecutor

    run = runs.claim("p", "e")
    values = {
        name: f"2026-01-0{i}T00:00:00+00:00" for i, name in enumerate(("started", "ended", "error", "created"), 1)
    }
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: Run(run.folder).update(**{name: values[name]}), values))
    assert {name: getattr(run.state(), name) for name in values} == values


def test_a_folder_without_a_state_is_no_run(runs):
    folder = runs.root / "p" / "e" / "v001"
    folder.mkdir(parents=True)
    with pytest.raises(NotFound, match=r"v001/experiment-state\.json is missing: this is not a run of monklite"):
        Run(folder).state()


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_a_damaged_state_is_told_with_its_path(runs, content):
    run = runs.claim("p", "e")
    (run.folder / STATE).write_bytes(content)
    with pytest.raises(DamagedFile, match=r"p/e/v001/experiment-state\.json is damaged"):
        run.state()


def test_a_run_prints_as_project_experiment_version(runs):
    assert str(runs.claim("p", "e")) == "p/e/v001"


@pytest.mark.parametrize("name", [BEST, FINAL, f"{BEST}-0000.params", f"{FINAL}-symbol.json"])
def test_a_run_with_weights_is_trained(runs, name):
    run = runs.claim("p", "e")
    assert not run.is_trained()
    (run.models / name).write_text("weights")
    assert run.is_trained()


# Links


def test_the_plain_paths_lead_to_the_newest_trained_version(runs):
    trained(runs)
    newest = trained(runs)
    plain = newest.folder.parent
    assert (plain / "output" / "models" / FINAL).samefile(newest.models / FINAL)
    assert (plain / STATE).samefile(newest.folder / STATE)
    assert not (plain / "output").readlink().is_absolute()


def test_a_new_version_does_not_move_the_links_before_it_is_trained(runs):
    first = trained(runs)
    assert runs.claim("p", "e").version == 2
    assert (first.folder.parent / "output").samefile(first.folder / "output")


def test_a_real_file_or_folder_is_never_replaced_by_a_link(runs):
    plain = runs.root / "p" / "e"
    (plain / "output" / "models").mkdir(parents=True)
    (plain / "output" / "models" / "final").write_text("of Monk v1")
    (plain / STATE).write_text("mine")
    trained(runs)
    assert (plain / "output" / "models" / "final").read_text() == "of Monk v1"
    assert (plain / STATE).read_text() == "mine"
    assert runs.find("p", "e").version == 1


def test_where_there_are_no_links_the_versions_themselves_are_found(runs, monkeypatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    run = trained(runs)
    assert list(run.folder.parent.iterdir()) == [run.folder]
    assert runs.find("p", "e", trained=True).folder == run.folder


# Finding


def test_find_takes_the_newest_version_unless_one_is_named(runs):
    trained(runs)
    trained(runs)
    assert runs.find("p", "e").version == 2
    assert [runs.find("p", "e", v).version for v in (1, "1", "v001", "v1", 2)] == [1, 1, 1, 1, 2]


def test_find_can_ask_for_the_newest_that_has_weights(runs):
    trained(runs)
    runs.claim("p", "e")
    assert runs.find("p", "e").version == 2
    assert runs.find("p", "e", trained=True).version == 1


def test_an_experiment_without_weights_is_told(runs):
    runs.claim("p", "e")
    with pytest.raises(NotFound, match=r"p/e has not been trained yet: call Train\(\) first"):
        runs.find("p", "e", trained=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("lugs", "frozen"),
            r"no project in .*workspace is called 'lugs'\. Did you mean 'lungs'\? Known: cats, lungs$",
        ),
        (
            ("lungs", "frozn"),
            r"no experiment of project 'lungs' is called 'frozn'\. Did you mean 'frozen'\? Known: fro",
        ),
        (("lungs", "frozen", 7), r"no version of lungs/frozen is called 7\. Known: v001$"),
        (("lungs", "frozen", "v002"), r"is called 'v002'\. Did you mean 'v001'\? Known: v001$"),
        (("lungs", "empty"), r"no experiment of project 'lungs' is called 'empty'\. Known: frozen$"),
    ],
)
def test_an_unknown_name_names_the_nearest(runs, arguments, message):
    trained(runs, "lungs", "frozen")
    trained(runs, "cats", "a")
    for folder in ("comparison/x", ".cache", "lungs/empty"):
        (runs.root / folder).mkdir(parents=True)
    with pytest.raises(UnknownName, match=message):
        runs.find(*arguments)


def test_a_workspace_that_is_not_there_knows_no_project(runs):
    with pytest.raises(UnknownName, match=r"no project in .* is called 'p'\. Known: \(none\)"):
        runs.find("p", "e")
    assert not runs.root.exists()


@pytest.mark.parametrize("version", ["newest", -1, 1.0, True, "²", ""])
def test_a_version_that_is_no_number_is_refused(runs, version):
    trained(runs)
    with pytest.raises(InvalidValue, match=r"version must be a number such as 1 or 'v001', not"):
        runs.find("p", "e", version)


def test_looking_for_something_makes_no_folder(runs):
    assert runs.versions("p", "e") == []
    assert list(runs.runs()) == []
    assert not runs.root.exists()


def test_runs_are_listed_by_name_without_comparisons_and_strange_folders(runs):
    for names in (("q", "e"), ("p", "f"), ("p", "e"), ("p", "e")):
        trained(runs, *names)
    for folder in ("comparison/x/v001", ".cache/a/v001", "p/.git/v001", "p/e/vOld"):
        (runs.root / folder).mkdir(parents=True)
    (runs.root / "p" / "notes.txt").write_text("mine")
    assert list(map(str, runs.runs())) == ["p/e/v001", "p/e/v002", "p/f/v001", "q/e/v001"]


# Moving


def zipped(root: Path) -> Path:
    archive = shutil.make_archive(str(root.with_name("archive")), "zip", root)
    shutil.unpack_archive(archive, root.with_name("unzipped"))
    shutil.rmtree(root)
    return root.with_name("unzipped")


MOVES = {
    "renamed": lambda root: root.rename(root.with_name("elsewhere")),
    "copied": lambda root: Path(shutil.copytree(root, root.with_name("copy"), symlinks=True)),
    "copied without links": lambda root: Path(shutil.copytree(root, root.with_name("copy"), symlinks=False)),
    "zipped": zipped,
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_a_workspace_that_moved_still_opens(runs, move):
    run = trained(runs)
    before = run.state()
    there = Workspace(move(runs.root))
    found = there.find("p", "e", trained=True)
    assert found.state() == before
    assert there.claim("p", "e").version == 2


@pytest.mark.parametrize("name", ["renamed", "copied", "copied without links"])
def test_the_plain_paths_of_a_workspace_that_moved_still_lead_to_the_weights(runs, name):
    trained(runs)
    there = MOVES[name](runs.root)
    assert (there / "p" / "e" / "output" / "models" / FINAL).read_text() == "weights"


def test_no_absolute_path_is_written_into_a_run(runs):
    run = trained(runs)
    assert str(runs.root.parent) not in (run.folder / STATE).read_text()


def test_a_copied_experiment_goes_by_the_name_of_its_folder(runs):
    run = trained(runs)
    shutil.copytree(run.folder.parent, runs.root / "q" / "copy", symlinks=True)
    state = runs.find("q", "copy").state()
    assert (state.project, state.experiment, state.version) == ("q", "copy", 1)
    (runs.root / "q" / "copy" / "v001").rename(runs.root / "q" / "copy" / "v005")
    assert runs.find("q", "copy").state().version == 5


def test_a_relative_workspace_stays_where_it_was_when_the_working_folder_changes(workspace, tmp_path, monkeypatch):
    space = Workspace()
    monkeypatch.chdir("/")
    assert space.root == workspace
    assert space.claim("p", "e").folder == tmp_path / "workspace" / "p" / "e" / "v001"


# Storage


def test_a_file_in_the_place_of_the_workspace_is_a_storage_error(tmp_path):
    (tmp_path / "workspace").write_text("a file")
    with pytest.raises(StorageError, match="could not be written: Not a directory"):
        Workspace(tmp_path / "workspace").claim("p", "e")


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_cannot_be_written_is_a_storage_error(runs, monkeypatch, code):
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(StorageError, match="could not be written: (the file system|you may|the disk)"):
        runs.claim("p", "e")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_workspace_is_told(runs):
    runs.root.mkdir(mode=0o500)
    with pytest.raises(StorageError, match="could not be written: you may not write there"):
        runs.claim("p", "e")


def test_a_running_run_on_a_read_only_copy_reads_as_interrupted(runs, monkeypatch):
    run = runs.claim("p", "e")
    run.update(status="running")

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    assert Run(run.folder).state().status == "interrupted"


def test_the_run_of_another_user_reads_as_running(runs, monkeypatch):
    run = runs.claim("p", "e")
    run.update(status="running")

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "not yours")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    assert Run(run.folder).state().status == "running"


def test_what_a_reader_makes_of_the_status_is_not_written(runs):
    """A run that looks dead for a moment, on another machine or between two beats, is not made so."""
    run = runs.claim("p", "e")
    run.update(status="running")
    run.release()
    reader = Run(run.folder)
    assert reader.state().status == "interrupted"
    reader.update(error="judged")
    assert '"status": "running"' in (run.folder / STATE).read_text()


@pytest.mark.parametrize(
    ("backend", "name", "kind"),
    [
        ("pytorch", "intermediate_model_3", "intermediate"),
        ("mxnet", "intermediate_model_-0003.params", "intermediate"),
        ("mxnet", "intermediate_model_-0003.params.sha256", "intermediate"),
        ("mxnet", "intermediate_model_-symbol.json", "intermediate"),
        ("pytorch", "intermediate_model_-symbol.json", None),
        ("mxnet", "intermediate_model_3", None),
        ("of another package, not installed here", "intermediate_model_3", "intermediate"),
        ("pytorch", "intermediate_model_notes.md", None),
        ("mxnet", "intermediate_model_notes.md", None),
        ("pytorch", "intermediate_model_", None),
        ("mxnet", "best_model-0000.params", "best_model"),
        ("pytorch", "final", "final"),
        ("pytorch", "finally.txt", None),
    ],
)
def test_only_weights_are_weights(backend: str, name: str, kind: str | None):
    assert kind_of_weights(name, "intermediate_model_", backend) == kind
