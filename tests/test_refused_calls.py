"""The matrix: every system call that the package makes, refused in each plausible way, in every operation.

Each must be done, done with a note, or refused in words; what was there before stays, and afterwards all goes on.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from refusals import CALLS, Refusal, available
from test_comparison import fill, judged
from whole import WHOLE

from monklite import Prototype, compare, locks
from monklite.backends import array_files
from monklite.backends.pytorch import weights as pytorch_weights
from monklite.data import cache, csv_table, discover, table_frames
from monklite.data.augment import policy
from monklite.errors import MonkliteError, StorageError, UnreadableImage
from monklite.files import write_text
from monklite.records import EpochRow
from monklite.reports import comparison_charts
from monklite.runs import history, packing, predictions, prune, unpacking
from monklite.runs.file_names import HISTORY, PREDICTIONS, REPORT, STATE
from monklite.runs.run import Run
from monklite.runs.state import RunState
from monklite.runs.workspace import Workspace
from monklite.spec import Table
from monklite.tasks import SingleLabel
from monklite.training.curves import draw_curves
from monklite.transient import attempted

PERMANENT = (errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS, errno.EROFS, errno.ENOSPC, errno.EIO)
PASSING = (errno.EIO, errno.ESTALE, errno.EMFILE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EBUSY)
# steps that a file system may lack for good, and what it says then: everything is done all the same
DISPENSABLE = [
    (call, code)
    for call in ("chmod", "link", "symlink", "utime", "flock", "statvfs", "fsync")
    for code in (errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
]


def some(codes: tuple[int, ...], name: str) -> tuple[int, ...]:
    """Two of the codes, other ones for each name; all of them with `MONKLITE_TESTS=whole`."""
    first = zlib.crc32(name.encode()) % len(codes)
    return codes if WHOLE else (codes * 2)[first : first + 2]


ROWS = [EpochRow(epoch=i, **{n: 0.5 for n in history.EPOCH_COLUMNS if n != "epoch"}) for i in (1, 2)]
RIGHT = [True, True, False, True]
WEIGHTS = {"a": np.arange(4, dtype=np.float32)}


@dataclass
class Place:
    """A workspace with the run p/e of two versions, a folder of images, and an archive of a run."""

    folder: Path

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folder / "workspace")

    def run(self, version: int = 2) -> Run:
        return Run(self.folder / "workspace" / "p" / "e" / f"v{version:03d}")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    # all charts are written in the same way
    monkeypatch.setattr(comparison_charts, "CHARTS", comparison_charts.CHARTS[:2])
    place = Place(tmp_path)
    for _ in range(2):
        run = place.workspace.claim("p", "e")
        history.write(run.logs / HISTORY, ROWS[:1])
        write_text(run.models / "final", "weights")
        run.update(status="done")
        place.workspace.link(run)
        run.release()
    for name in ("first", "second"):
        trained = place.workspace.claim("compared", name)
        fill(trained, epochs=2, right=RIGHT)
        trained.release()
    (tmp_path / "table.csv").write_text("image,label\ncat/0.png,cat\ncat/1.png,cat\ndog/0.png,dog\ndog/1.png,dog\n")
    array_files.write(tmp_path / "weights", WEIGHTS, {"notes": 1})
    packing.pack(place.run(), tmp_path / "run.zip")
    for name, value in (("cat", 10), ("dog", 200)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(2):
            Image.fromarray(np.full((8, 8, 3), value + i, np.uint8)).save(tmp_path / "images" / name / f"{i}.png")
    return place


def claim(place: Place) -> None:
    run = place.workspace.claim("p", "new")
    try:
        assert run.state().status == "new"
    finally:
        run.release()


def update(place: Place) -> None:
    run = place.run()
    try:
        assert run.acquire()
        run.update(status="interrupted")
        assert run.state().status == "interrupted"
    finally:
        run.release()


def add_history(place: Place) -> None:
    history.write(place.run().logs / HISTORY, ROWS)
    assert history.read(place.run().logs / HISTORY) == ROWS


def link(place: Place) -> None:
    place.workspace.link(place.run(1))


def find(place: Place) -> None:
    assert place.workspace.find("p", "e", trained=True).version == 2
    assert len(list(place.workspace.runs())) >= 2


def export(place: Place) -> None:
    packing.pack(place.run(1), place.folder / "exported.zip")


def import_(place: Place) -> None:
    run = unpacking.unpack(place.folder / "run.zip", place.workspace, experiment="imported")
    assert run.state().status == "done"


def free_space(place: Place) -> None:
    warnings: list[str] = []
    items = prune.plan(place.workspace, keep=1, warn=warnings.append)
    prune.carry_out(place.workspace, items, warnings.append)
    # removed, or said why not
    assert warnings or "old version" in [item.kind for item in items] or not os.path.lexists(place.run(1).folder)


def decode(place: Place) -> None:
    samples = discover.from_folders(place.folder / "images")
    table, store = cache.open_store(samples, policy((), 8, 8), place.workspace.cache, 1)
    if any(table.problems):
        # a file that may not be read is left out, with the reason, and read again next time
        raise UnreadableImage(f"{place.folder}: {table.problems}")
    assert store.read(np.arange(4))[:, 0, 0, 0].tolist() == [10, 11, 200, 201]


def compare_(place: Place) -> None:
    made = compare(verbose=0, workspace=place.folder / "workspace")
    made.Comparison("c")
    for name in ("first", "second"):
        made.Add_Experiment("compared", name)
    rows = made.Generate_Statistics()
    if made._unsaved:
        # the table is there, and a note says which file is not
        assert len(rows) in (1, 2)
        raise StorageError(made._unsaved)
    page = attempted((place.folder / "workspace" / "comparison" / "c" / REPORT).read_bytes)
    assert page.endswith(b"</html>")
    if len(rows) < 2:
        # a run that cannot be read is left out, and the report says why
        assert b"is left out:" in page
        raise StorageError(f"{place.folder}: {len(rows)} runs")
    assert list(rows["experiment"]) == ["first", "second"]


def keep_predictions(place: Place) -> None:
    run = place.run()
    predictions.write(run.logs / PREDICTIONS, SingleLabel(("cat", "dog")), ["a", "b"], np.array([0, 1]), np.eye(2))
    run.update(testing=judged(RIGHT))
    assert predictions.read(run.logs / PREDICTIONS).correct.tolist() == [True, True]


def draw(place: Place) -> None:
    draw_curves(place.run(), ROWS)


def read_table(place: Place) -> None:
    samples = csv_table.from_csv(Table(path=str(place.folder / "images"), csv=str(place.folder / "table.csv")))
    assert samples.paths.tolist() == ["cat/0.png", "cat/1.png", "dog/0.png", "dog/1.png"]


def keep_frame(place: Place) -> None:
    frame = pd.DataFrame({"image": ["cat/0.png", "dog/0.png"], "label": ["cat", "dog"]})
    # the second time the file is there already
    paths = {table_frames.write(frame, place.folder / "workspace", None) for _ in range(2)}
    assert len(paths) == 1
    assert len(csv_table.from_csv(Table(path=str(place.folder / "images"), csv=paths.pop()))) == 2


def keep_state(place: Place) -> None:
    array_files.write(place.folder / "state", WEIGHTS, {"notes": 1})
    arrays, metadata = array_files.read(place.folder / "state")
    assert (arrays["a"].tolist(), metadata) == (WEIGHTS["a"].tolist(), {"notes": 1})


def load_weights(place: Place) -> None:
    assert array_files.read(place.folder / "weights")[0]["a"].tolist() == WEIGHTS["a"].tolist()
    assert pytorch_weights.read_state_dict(place.folder / "weights").tensors["a"].tolist() == WEIGHTS["a"].tolist()


OPERATIONS = (
    claim, update, add_history, link, find, export, import_, free_space, decode, compare_, keep_predictions, draw, read_table,
    keep_frame, keep_state, load_weights,
)  # fmt: skip


def attempt(operation: Callable[[Place], None], place: Place, refusal: Refusal) -> str:
    """`done`, or the words of the refusal."""
    with pytest.MonkeyPatch.context() as patch:
        refusal.install(patch)
        try:
            operation(place)
        except MonkliteError as error:
            return str(error)
        except Exception as error:
            raise AssertionError(f"{refusal.call} refused with {errno.errorcode[refusal.code]}: {error!r}") from error
    return "done"


def check_nothing_lost(operation: Callable[[Place], None], place: Place) -> None:
    state = place.run().state()
    assert isinstance(state, RunState)
    assert state.status in (("done", "interrupted") if operation is update else ("done",))
    assert history.read(place.run().logs / HISTORY) in (ROWS[:1], ROWS)
    assert (place.run().models / "final").read_text() == "weights"
    for name in ("first", "second"):
        compared = place.workspace.find("compared", name)
        assert compared.state().testing.num_correct == sum(RIGHT)
        assert predictions.read(compared.logs / PREDICTIONS).correct.tolist() == RIGHT
    assert array_files.read(place.folder / "weights")[0]["a"].tolist() == WEIGHTS["a"].tolist()
    assert len(list((place.folder / "images").rglob("*.png"))) == 4
    assert not place.run().is_locked()


@pytest.mark.parametrize("call", [call for call in CALLS if available(call)])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.__name__.strip("_"))
def test_every_call_refused_in_every_operation(place: Place, operation, call: str) -> None:
    for code in some(PERMANENT, operation.__name__ + call):
        refusal = Refusal(place.folder, call, code)
        words = attempt(operation, place, refusal)
        assert words == "done" or str(place.folder) in words, words
        check_nothing_lost(operation, place)
        (place.folder / "exported.zip").unlink(missing_ok=True)
        if not refusal.count:
            # the operation does not make this call
            break
    operation(place)
    check_nothing_lost(operation, place)


@pytest.mark.parametrize(("call", "code"), [(c, e) for c, e in DISPENSABLE if available(c)])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.__name__.strip("_"))
def test_what_nobody_needs_is_left_out(place: Place, operation, call: str, code: int) -> None:
    assert attempt(operation, place, Refusal(place.folder, call, code)) == "done"


@pytest.mark.parametrize("call", ["open_read", "open_write", "stat", "listdir", "scandir", "replace", "mkdir"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.__name__.strip("_"))
def test_trouble_that_passes_makes_no_difference(place: Place, operation, call: str) -> None:
    for code in some(PASSING, operation.__name__ + call):
        refusal = Refusal(place.folder, call, code, times=2)
        words = attempt(operation, place, refusal)
        assert words == "done", (code, words)
        check_nothing_lost(operation, place)
        (place.folder / "exported.zip").unlink(missing_ok=True)
        if not refusal.count:
            break


def test_a_file_that_an_antivirus_holds_for_a_moment_is_replaced(place: Place) -> None:
    refusal = Refusal(place.folder, "replace", errno.EACCES, times=2)
    assert attempt(add_history, place, refusal) == "done"
    assert refusal.count == 2


def test_a_drive_without_locks_is_used_and_said_once(place: Place, caplog) -> None:
    for operation in (update, claim):
        assert attempt(operation, place, Refusal(place.folder, "flock", errno.ENOLCK)) == "done"
    told = [r.getMessage() for r in caplog.records if "has no file locks" in r.getMessage()]
    assert len(told) == 1
    assert "do not work on one experiment in two processes at a time" in told[0]


def test_a_probe_that_another_process_removes_says_nothing_about_locks(place: Place, monkeypatch, caplog) -> None:
    real, calls = locks._file_lock, []

    def removed(path: Path) -> object:
        lock = real(path)
        calls.append(path)
        if len(calls) < 3:
            monkeypatch.setattr(lock, "acquire", lambda timeout: (_ for _ in ()).throw(locks.Timeout(str(path))))
        return lock

    monkeypatch.setattr(locks, "_file_lock", removed)
    assert locks.are_supported(place.folder)
    assert len(set(calls)) == 3
    assert not caplog.records


def test_without_locks_a_living_holder_is_still_seen(place: Place) -> None:
    with pytest.MonkeyPatch.context() as patch:
        Refusal(place.folder, "flock", errno.ENOTSUP).install(patch)
        run, other = place.run(), place.run()
        assert run.acquire()
        run.is_training = True
        assert other.is_locked()
        assert not other.acquire()
        run.release()
        run.is_training = False
        assert not other.is_locked()
        assert other.acquire()
        other.release()


def test_a_holder_that_cannot_be_read_now_does_not_make_a_run_free(place: Place) -> None:
    run = place.run()
    assert run.acquire()
    words = attempt(lambda p: Run(p.run().folder).is_locked(), place, Refusal(run.folder, "open_read", errno.EIO))
    run.release()
    assert words == (
        f"{run.folder}/.holder cannot be read now (Input/output error): the drive or network share does not answer: "
        "check that it is connected, then run it again"
    )


def test_a_state_that_cannot_be_read_now_is_not_damaged_and_not_replaced(place: Place) -> None:
    before = (place.run().folder / STATE).read_bytes()
    words = attempt(lambda p: p.run().state(), place, Refusal(place.run().folder, "open_read", errno.ESTALE))
    assert "cannot be read now (Stale file handle)" in words
    assert (place.run().folder / STATE).read_bytes() == before


def test_links_that_became_folders_in_a_copy_are_kept_and_said(place: Place, caplog) -> None:
    experiment = place.run().folder.parent
    for name in (STATE, "output"):
        (experiment / name).unlink()
    (experiment / "output").mkdir()
    (experiment / STATE).write_bytes((place.run().folder / STATE).read_bytes())
    for _ in range(2):
        place.workspace.link(place.run())
    assert (experiment / "output").is_dir()
    assert not (experiment / "output").is_symlink()
    assert [r.getMessage() for r in caplog.records] == [
        f"{experiment / STATE} is not a link (the workspace was copied?) and stays as it is, and so does 'output' "
        f"beside it: they do not show p/e/v002; its files are in {place.run().folder}"
    ]


def train(patterns: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    ptf.Dataset_Params(dataset_path=patterns, split=0.7, input_size=32, batch_size=8, num_processors=1)
    ptf.Dataset()
    ptf.Model_Params(model_name="squeezenet1_1", freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.Training_Params(num_epochs=1)
    ptf.Train()


def test_a_network_is_trained_on_a_drive_that_refuses_all_that_nobody_needs(
    workspace: Path, patterns: Path, caplog
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for call in ("chmod", "link", "symlink", "utime", "flock", "fsync", "statvfs"):
            if available(call):
                Refusal(workspace, call, errno.ENOTSUP).install(patch)
        train(patterns)
    run = Workspace(workspace).find("p", "e")
    assert run.state().status == "done"
    assert len(history.read(run.logs / HISTORY)) == 1
    assert run.is_trained()
    told = " ".join(record.getMessage() for record in caplog.records)
    for words in ("cannot flush files", "has no file locks", "there are no links"):
        assert told.count(words) == 1, words


def compared(place: Place) -> compare:
    made = compare(verbose=0, workspace=place.folder / "workspace")
    made.Comparison("c")
    for name in ("first", "second"):
        made.Add_Experiment("compared", name)
    return made


@pytest.mark.parametrize("call", ["open_read", "stat", "lstat", "listdir", "scandir"])
def test_a_run_that_cannot_be_read_is_left_out_of_a_comparison_with_the_reason(place: Place, call: str, caplog) -> None:
    made, first = compared(place), place.workspace.find("compared", "first").folder
    for code in some(PERMANENT, call):
        refusal = Refusal(first, call, code)
        with pytest.MonkeyPatch.context() as patch:
            refusal.install(patch)
            rows = made.Generate_Statistics()
        page = (place.folder / "workspace" / "comparison" / "c" / REPORT).read_text(encoding="utf-8")
        if len(rows) == 2:
            # nothing was refused that is needed
            assert "is left out" not in page
            continue
        assert rows["experiment"].tolist() == ["second"]
        assert "compared/first/v001 is left out:" in page
        assert str(first) in page
    assert len(made.Generate_Statistics()) == 2


def test_predictions_that_cannot_be_read_now_are_no_missing_predictions(place: Place) -> None:
    """Without them the comparison would say less than it knows, without a word."""
    made, logs = compared(place), place.workspace.find("compared", "first").logs
    with pytest.MonkeyPatch.context() as patch:
        Refusal(logs / PREDICTIONS, "open_read", errno.EIO).install(patch)
        with pytest.raises(StorageError, match=r"test_predictions\.csv cannot be read now"):
            made.Generate_Statistics()


def test_a_comparison_whose_folder_is_a_file_says_so_and_gives_the_table(place: Place, capsys) -> None:
    (place.folder / "workspace" / "comparison").write_text("mine")
    made = compared(place)
    made._console.verbose = made.verbose = 1
    assert len(made.Generate_Statistics()) == 2
    told = capsys.readouterr().out
    assert "Note: the files of this comparison are missing or those of before: " in told
    assert "comparison/c could not be written: " in told
    assert (place.folder / "workspace" / "comparison").read_text() == "mine"


WRITES = ("open_write", "mkdir", "replace", "rename", "unlink", "rmdir", "symlink", "link", "chmod", "utime", "flock")


def test_what_only_reads_works_on_a_drive_that_is_read_only(workspace: Path, patterns: Path, caplog, capsys) -> None:
    train(patterns)
    before = {p: p.stat().st_mtime_ns for p in workspace.rglob("*")}
    with pytest.MonkeyPatch.context() as patch:
        for call in WRITES:
            if available(call):
                Refusal(workspace, call, errno.EROFS).install(patch)
        Prototype("p", "e", summary=True)
        read = Prototype("p", "e", eval_infer=True)
        read.Summary()
        assert len(read.Infer(img_dir=str(patterns / "dots"))) == 12
        read.Dataset_Params(dataset_path=str(patterns))
        read.Dataset()
        accuracy, _ = read.Evaluate()
        made = compare(verbose=0, workspace=workspace)
        made.Comparison("c")
        made.Add_Experiment("p", "e")
        assert len(made.Generate_Statistics()) == 1
    assert accuracy >= 0
    assert "the file system is read-only" in capsys.readouterr().out
    assert [r.getMessage() for r in caplog.records if "those of before: " in r.getMessage()] == [
        "the files of this comparison are missing or those of before: "
        f"{workspace / 'comparison' / 'c'} could not be written: the file system is read-only. What was saved before is "
        "untouched."
    ]
    assert {p: p.stat().st_mtime_ns for p in workspace.rglob("*")} == before
