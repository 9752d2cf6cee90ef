"""Trackers: what they are told, read back with their own programs; resumed, failing, switched on, and told of old runs."""

from __future__ import annotations

import json
import math
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monklite import Prototype
from monklite.catalog import rows
from monklite.cli import main
from monklite.errors import InvalidValue, MissingPackage, TrackerFailed, TrainingFailed, UnknownName
from monklite.runs import history
from monklite.runs.file_names import HISTORY
from monklite.runs.run import Run
from monklite.runs.workspace import Workspace
from monklite.trackers import sent, table
from monklite.trackers.export import export
from monklite.trackers.tracked import FOLDER, figures_of
from monklite.training import tracking

NAMES = [pytest.param(name, marks=pytest.mark.skipif(not rows.is_installed(row.package), reason=f"{name} is not installed"))
         for name, row in table.TRACKERS.items()]  # fmt: skip


@pytest.fixture(autouse=True)
def no_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (table.VARIABLE, "WANDB_DIR", *(v for row in table.TRACKERS.values() for v in row.variables)):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables, which take some seconds to make."""
    from mlflow import MlflowClient

    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def with_tables(request: pytest.FixtureRequest, workspace: Path) -> None:
    """As if something had been written to MLflow before."""
    if rows.is_installed("mlflow"):
        (workspace / FOLDER).mkdir(parents=True)
        shutil.copy(request.getfixturevalue("empty_database"), workspace / FOLDER / "mlflow.db")


def opened(patterns: Path, name: str = "e", epochs: int = 2, verbose: int = 0, **more: Any) -> Any:
    ptf = Prototype("p", name, verbose=verbose, **more)
    ptf.Dataset_Params(patterns, split=0.7, input_size=32, batch_size=16)
    ptf.Model_Params("squeezenet1_1", freeze_base_network=True, use_pretrained=False)
    ptf.Training_Params(num_epochs=epochs)
    return ptf


def trained(patterns: Path, trackers: Any, **more: Any) -> Run:
    ptf = opened(patterns, **more)
    ptf.update_trackers(trackers)
    ptf.Reload()
    ptf.Train()
    return ptf._opened.run


# What a tracker has of a run, by its own program: settings, figure -> {epoch: value}, the status, names of files


def of_mlflow(root: Path, run: Run) -> tuple[dict[str, str], dict[str, dict[int, float]], str, set[str]]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{root / FOLDER / 'mlflow.db'}")
    found = client.get_run(sent.read(run.folder)["mlflow"].id)
    figures = {
        name: {metric.step: metric.value for metric in client.get_metric_history(found.info.run_id, name)}
        for name in found.data.metrics
    }
    written = [m for name in found.data.metrics for m in client.get_metric_history(found.info.run_id, name)]
    assert len(written) == sum(map(len, figures.values())), "nothing is written twice"
    assert found.data.tags["monklite.experiment"] == run.folder.parent.name
    files = {file.path for file in client.list_artifacts(found.info.run_id)}
    return dict(found.data.params), figures, found.info.status, files


def of_tensorboard(root: Path, run: Run) -> tuple[dict[str, str], dict[str, dict[int, float]], str, set[str]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

    folder = root / FOLDER / "tensorboard" / "p" / run.folder.parent.name / run.folder.name
    events = EventAccumulator(str(folder)).Reload()
    figures = {name: {e.step: e.value for e in events.Scalars(name)} for name in events.Tags()["scalars"]}
    assert sum(len(events.Scalars(name)) for name in figures) == sum(map(len, figures.values()))
    content = events.summary_metadata
    start = plugin_data_pb2.HParamsPluginData.FromString(content["_hparams_/session_start_info"].plugin_data.content)
    end = plugin_data_pb2.HParamsPluginData()
    if "_hparams_/session_end_info" in content:
        end.ParseFromString(content["_hparams_/session_end_info"].plugin_data.content)
    settings = {
        name: value.string_value or str(value.number_value) for name, value in start.session_start_info.hparams.items()
    }
    return settings, figures, api_pb2.Status.Name(end.session_end_info.status), set()


def logged(content: bytes) -> Iterator[bytes]:
    """The entries of a log of LevelDB, which W&B's offline files are: parts with a head of 7 bytes, in blocks of 32 KiB."""
    whole, place = b"", 0
    while place + 7 <= len(content):
        # W&B's own head counts to the first block
        if (left := 32768 - (place + 7) % 32768) < 7:
            place += left
            continue
        length, kind = struct.unpack_from("<HB", content, place + 4)
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        # 1: the whole, 4: the last part
        if kind in (1, 4):
            yield whole
            whole = b""


def of_wandb(root: Path, run: Run) -> tuple[dict[str, str], dict[str, dict[int, float]], str, set[str]]:
    from wandb.proto.wandb_internal_pb2 import Record

    name = sent.read(run.folder)["wandb"].id
    settings: dict[str, str] = {}
    figures: dict[str, dict[int, float]] = {}
    exits, files = [], set()
    for file in sorted((root / FOLDER / "wandb").glob(f"offline-run-*-{name}/run-{name}.wandb")):
        for data in logged(file.read_bytes()[7:]):
            record = Record.FromString(data)
            kind = record.WhichOneof("record_type")
            if kind == "run":
                settings |= {item.key: str(json.loads(item.value_json)) for item in record.run.config.update}
                assert record.run.run_group == run.folder.parent.name
            elif kind == "history":
                values = {
                    item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item
                }
                for key, value in values.items():
                    assert values["epoch"] not in figures.setdefault(key, {}), "nothing is written twice"
                    figures[key][values["epoch"]] = value
            elif kind == "exit":
                exits.append(record.exit.exit_code)
            elif record.request.log_artifact.artifact.name:
                files |= {entry.path for entry in record.request.log_artifact.artifact.manifest.contents}
            elif kind == "artifact":
                files |= {entry.path for entry in record.artifact.manifest.contents}
    return settings, figures, str(exits[-1]), files


def of_dvclive(root: Path, run: Run) -> tuple[dict[str, str], dict[str, dict[int, float]], str, set[str]]:
    from dvclive.utils import parse_metrics
    from ruamel.yaml import YAML

    folder = root / FOLDER / "dvclive" / "p" / run.folder.parent.name / run.folder.name

    class Written:
        plots_dir, metrics_file = str(folder / "plots"), str(folder / "metrics.json")

    history_of, latest = parse_metrics(Written())
    figures = {
        Path(file).stem: {int(row["step"]): float(row[Path(file).stem]) for row in table}
        for file, table in history_of.items()
    }
    assert sum(map(len, history_of.values())) == sum(map(len, figures.values()))
    settings = {k: str(v) for k, v in YAML(typ="safe").load(folder / "params.yaml").items()}
    return settings, figures, latest["status"], set()


READ = {"mlflow": of_mlflow, "tensorboard": of_tensorboard, "wandb": of_wandb, "dvclive": of_dvclive}
ENDED = {
    "mlflow": ("FINISHED", "KILLED", "FAILED"),
    "tensorboard": ("STATUS_SUCCESS", "STATUS_UNKNOWN", "STATUS_UNKNOWN"),
    "wandb": ("0", "1", "1"),
    "dvclive": ("finished", "stopped", "failed"),
}
FILES = {"experiment-state.json", "history.csv", "train_val_accuracy.png", "train_val_loss.png"}


TIMES = ("seconds", "data_wait", "images_per_second")


def check_figures(figures: Mapping[str, Mapping[int, float]], run: Run, but: Sequence[str] = ()) -> None:
    rows_of_run = history.read(run.logs / HISTORY)
    for row in rows_of_run:
        for name, value in figures_of(row).items():
            if name in but:
                continue
            assert figures[name][row.epoch] == pytest.approx(value, rel=1e-6), name
    assert sorted(figures["train_loss"]) == [row.epoch for row in rows_of_run]


@pytest.mark.parametrize("name", NAMES)
def test_a_tracker_has_settings_figures_status_and_files(name: str, workspace: Path, patterns: Path) -> None:
    run = trained(patterns, name)
    settings, figures, status, files = READ[name](workspace, run)
    asked = run.state().resolved
    assert asked is not None
    assert settings["model.name"] == "squeezenet1_1"
    assert (
        float(settings["training.optimizer.params.learning_rate"]) == asked.training.optimizer.params["learning_rate"]
    )
    check_figures(figures, run)
    assert status == ENDED[name][0] and sent.read(run.folder)[name].status == "finished"
    if name in ("mlflow", "wandb"):
        assert files >= FILES
    # nothing of it is in the folders that people look at, nor beside the workspace
    assert [p.name for p in workspace.parent.iterdir()] == ["workspace"]
    # told again, it says that all is there
    told = CliRunner().invoke(main, ["export-to", name, "p", "--json"])
    (value,) = json.loads(told.output)
    assert told.exit_code == 0 and value["already_there"] and value["epochs"] == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("with_tables")
def test_runs_of_before_are_exported_once(name: str, workspace: Path, patterns: Path) -> None:
    runs = [trained(patterns, [], name=experiment, epochs=1) for experiment in ("e", "f")]
    new = opened(patterns, "g")
    state_before = (runs[0].folder / "experiment-state.json").read_bytes()
    told = CliRunner().invoke(main, ["export-to", name, "p"])
    assert told.exit_code == 0, told.output
    assert "p/e/v001: 1 epochs, " in told.output and "p/f/v001: 1 epochs, " in told.output
    assert "p/g/v001 was left out: it has not been trained" in told.output
    for run in runs:
        _, figures, status, _ = READ[name](workspace, run)
        check_figures(figures, run)
        assert status == ENDED[name][0]
    assert (runs[0].folder / "experiment-state.json").read_bytes() == state_before
    told = CliRunner().invoke(main, ["export-to", name, "p", "e"])
    assert "p/e/v001 was there already: " in told.output and "f" not in told.output.split("already")[0].split("p/e")[0]
    for run in runs:
        check_figures(READ[name](workspace, run)[1], run)
    del new


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("with_tables")
def test_a_resumed_training_goes_on_in_the_same_place(name: str, workspace: Path, patterns: Path) -> None:
    ptf = opened(patterns, epochs=3)
    ptf.update_trackers(name)
    ptf.Reload()
    ptf.add_callback(epoch_start=lambda view: view.stop() if view.epoch == 3 else None)
    with pytest.raises(KeyboardInterrupt):
        ptf.Train()
    run = Workspace().find("p", "e")
    first = sent.read(run.folder)[name]
    assert READ[name](workspace, run)[2] == ENDED[name][1] and first.status == "stopped" and first.epochs == 2
    # the run knows its trackers
    again = Prototype("p", "e", resume_train=True, verbose=0)
    again.Train()
    assert sent.read(run.folder)[name] == first.model_copy(
        update={"epochs": 3, "status": "finished", "where": sent.read(run.folder)[name].where}
    )
    _, figures, status, _ = READ[name](workspace, run)
    check_figures(figures, run)
    assert status == ENDED[name][0]


KILLED = """
import sys, time
from monklite import Prototype
ptf = Prototype("p", "e", verbose=0)
ptf.Dataset_Params(sys.argv[1], split=0.7, input_size=32, batch_size=16)
ptf.Model_Params("squeezenet1_1", freeze_base_network=True, use_pretrained=False)
ptf.Training_Params(num_epochs=4)
ptf.update_trackers(["mlflow", "tensorboard"])
ptf.Reload()
ptf.add_callback(epoch_start=lambda view: view.epoch == 3 and (print("third", flush=True), time.sleep(60)))
ptf.Train()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.usefixtures("with_tables")
def test_after_a_kill_no_epoch_is_missing_or_there_twice(workspace: Path, patterns: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(patterns)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None and child.stdout.readline() == "third\n"
        run = Workspace().find("p", "e")
        end = time.monotonic() + 60
        # the trackers' thread may be behind
        while [s.epochs for s in sent.read(run.folder).values()] != [2, 2] and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        child.kill()
        child.wait()
    assert [s.epochs for s in sent.read(run.folder).values()] == [2, 2]
    Prototype("p", "e", resume_train=True, verbose=0).Train()
    # an epoch that is trained again takes another time
    for name in ("mlflow", "tensorboard"):
        check_figures(READ[name](workspace, run)[1], run, but=TIMES)


def test_trackers_of_trials_are_runs_of_their_own(workspace: Path, patterns: Path) -> None:
    ptf = opened(patterns, epochs=1)
    ptf.update_trackers("tensorboard")
    ptf.Analyse("data.batch_size", [8, 16])
    folders = sorted(p.parent.parent for p in (workspace / FOLDER / "tensorboard").rglob("events.*"))
    assert len({*folders}) == 2


class Failing:
    """A tracker that fails at one of its calls."""

    id = where = "somewhere"

    def __init__(self, at: str) -> None:
        self.at, self.calls = at, []

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.at:
            raise OSError("the server said\nno")

    def epoch(self, number: int, figures: Mapping[str, float], moment: float) -> None:
        self._call("epoch")

    def end(self, status: str, summary: Mapping[str, float], files: Any) -> None:
        self._call("end")


def with_tracker(monkeypatch: pytest.MonkeyPatch, opened_by: Any, name: str = "mlflow") -> None:
    row = table.Row(name, "MLflow", "json", (), opened_by)
    monkeypatch.setattr(table, "TRACKERS", {name: row})


@pytest.mark.parametrize("at", ["open", "epoch", "end"])
def test_a_tracker_that_fails_is_told_once_and_ends_no_training(
    at: str, workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[Failing] = []

    def open_it(run: Any, known: str) -> Failing:
        made.append(Failing(at))
        made[0]._call("open")
        return made[0]

    with_tracker(monkeypatch, open_it)
    run = trained(patterns, "mlflow", epochs=3, verbose=1)
    assert run.state().status == "done" and len(history.read(run.logs / HISTORY)) == 3
    printed = capsys.readouterr().out
    assert printed.count("MLflow failed (the server said) and is told nothing more; the training goes on.") == 1
    assert "'monklite export-to mlflow p e' writes what is missing" in printed
    assert made[0].calls[-1] == at and made[0].calls.count(at) == 1


def test_a_tracker_that_does_not_answer_is_not_waited_for(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    release = threading.Event()

    def hang(run: Any, known: str) -> Any:
        release.wait(60)
        raise OSError("too late")

    with_tracker(monkeypatch, hang)
    monkeypatch.setattr(tracking, "PATIENCE", 0.2)
    try:
        run = trained(patterns, "mlflow", epochs=1, verbose=1)
    finally:
        release.set()
    assert run.state().status == "done"
    assert "MLflow did not answer for 0 s and is not waited for any longer. Afterwards" in capsys.readouterr().out


def test_a_training_that_fails_is_told_as_failed(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ptf = opened(patterns, epochs=5)
    ptf.update_trackers("dvclive" if rows.is_installed("dvclive") else "tensorboard")
    ptf.update_freeze_base_network(False)
    ptf.optimizer_sgd(1e30)
    ptf.Reload()
    with pytest.raises(TrainingFailed, match="take a smaller learning rate"):
        ptf.Train()
    (record,) = sent.read(Workspace().find("p", "e").folder).values()
    assert record.status == "failed"


def test_an_exported_run_that_the_tracker_refuses_is_told(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(patterns, [], epochs=1)
    with_tracker(monkeypatch, lambda run, known: Failing("epoch"))
    with pytest.raises(TrackerFailed, match="MLflow could not take p/e/v001 .OSError: the server said"):
        list(export(table.by_name("mlflow"), Workspace(), "p"))
    told = CliRunner().invoke(main, ["export-to", "mlflow", "q"])
    assert told.exit_code == 1 and "there is no run in a project 'q'" in told.output


def test_the_environment_switches_trackers_on(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def names() -> list[str]:
        return [row.name for row in table.switched_on(None, tmp_path)]

    assert names() == []
    for variable, value, expected in (
        ("MLFLOW_TRACKING_URI", "sqlite:///x.db", ["mlflow"]),
        ("TENSORBOARD_LOGGING_DIR", "logs", ["tensorboard"]),
        ("WANDB_PROJECT", "mine", ["wandb"]),
        ("WANDB_MODE", "disabled", []),
        ("DVC_EXP_NAME", "exp", ["dvclive"]),
        (table.VARIABLE, "tensorboard, mlflow", ["tensorboard", "mlflow"]),
        (table.VARIABLE, "off", []),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            assert names() == expected, variable
    monkeypatch.setenv(table.VARIABLE, "mlfow")
    with pytest.raises(InvalidValue, match="MONKLITE_TRACKERS='mlfow': give names of mlflow, tensorboard, wandb"):
        names()
    # what was asked for in the program wins
    assert table.switched_on([], tmp_path) == []
    monkeypatch.setenv(table.VARIABLE, "off")
    sent.write(tmp_path, "mlflow", sent.Sent(id="x"))
    assert names() == []
    monkeypatch.delenv(table.VARIABLE)
    assert names() == ["mlflow"]


def test_the_trackers_own_variables_name_the_place(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "elsewhere"))
    trained(patterns, None, epochs=1)
    assert list((tmp_path / "elsewhere" / "p" / "e" / "v001").glob("events.*")) and not (workspace / FOLDER).exists()


def test_wrong_or_missing_trackers_are_refused_at_once(
    workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ptf = opened(patterns)
    with pytest.raises(UnknownName, match="Did you mean 'tensorboard'"):
        ptf.update_trackers(["mlflow", "tensorbord"])
    monkeypatch.setattr(rows, "is_installed", lambda package: False)
    with pytest.raises(MissingPackage, match=r'writes to MLflow, which needs mlflow: pip install "monklite\[mlflow\]"'):
        ptf.update_trackers("mlflow")
    with pytest.raises(MissingPackage):
        list(export(table.by_name("mlflow"), Workspace(), "p"))


@pytest.mark.parametrize("content", [b"", b"[]", b'{"trackers": {"mlflow": {"epochs": -1}}}', b"\xff", b"[" * 100_000])
def test_a_damaged_record_of_what_was_sent_holds_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / sent.FILE).write_bytes(content)
    assert sent.read(tmp_path) == {}


def test_figures_that_are_not_finite_are_left_out(workspace: Path, patterns: Path) -> None:
    run = trained(patterns, [], epochs=1)
    (row,) = history.read(run.logs / HISTORY)
    from dataclasses import replace

    figures = figures_of(replace(row, val_loss=math.inf, val_accuracy=math.nan, val_figures={"f1": 0.5}))
    assert "val_loss" not in figures and "val_accuracy" not in figures and figures["val_f1"] == 0.5
