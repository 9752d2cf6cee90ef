"""Training without Python: `train`, `config`, and the exit statuses of all commands."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file

from monklite import Prototype
from monklite.cli import main
from monklite.cli.group import Commands
from monklite.runs.workspace import Workspace

SMALL = "data: {{sources: ['{images}'], input_size: 32, batch_size: 8}}\nmodel: {{name: squeezenet1_1, pretrained: false}}\n"
NAMED = "project: p\nexperiment: e\n"


def invoked(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def file(workspace: Path, patterns: Path) -> Path:
    path = workspace.parent / "run.yaml"
    path.write_text(NAMED + SMALL.format(images=patterns.as_posix()) + "training: {epochs: 1}\n", encoding="utf-8")
    return path


def test_a_file_trains_what_the_same_calls_train(file: Path, workspace: Path, patterns: Path, backend: str) -> None:
    status, output, errors = invoked("train", "--config", str(file), "--set", f"backend={backend}", "--json")
    assert status == 0, errors
    results = json.loads(output)
    assert results["status"] == "done" and results["results"]["epochs_completed"] == 1
    assert (results["project"], results["experiment"], results["version"]) == ("p", "e", "v001")
    assert "Training Start" in errors and "\x1b" not in output + errors

    ptf = Prototype("p", "by calls", backend=backend, verbose=0)
    ptf.Default(patterns, model_name="squeezenet1_1", num_epochs=1, use_pretrained=False)
    ptf.update_input_size(32)
    ptf.update_batch_size(8)
    ptf.Train()
    ours, theirs = (Workspace().find("p", name) for name in ("e", "by calls"))
    assert ours.state().asked == theirs.state().asked
    assert ours.state().results.val_loss == theirs.state().results.val_loss
    if backend == "pytorch":
        left, right = (load_file(run.models / "final") for run in (ours, theirs))
        assert all((left[name] == right[name]).all() for name in left) and left.keys() == right.keys()

    # the file of the run trains the same again
    status, _, errors = invoked("config", "p", "e", "-o", "again.yaml")
    assert status == 0, errors
    status, output, errors = invoked("train", "--config", "again.yaml", "--experiment", "again", "--json")
    assert status == 0, errors
    assert json.loads(output)["results"]["val_loss"] == results["results"]["val_loss"]
    assert Workspace().find("p", "again").state().asked.differences(ours.state().asked) == []


def test_the_usual_settings_of_a_new_experiment_are_written(workspace: Path, patterns: Path) -> None:
    words = ("config", "p", "e", "--dataset", str(patterns), "--model", "densenet121")
    status, output, _ = invoked(*words)
    assert status == 0 and "name: densenet121" in output and "learning_rate: 0.001" in output
    Path("taken.yaml").write_text("mine")
    status, _, errors = invoked(*words, "-o", "taken.yaml")
    assert status == 1 and "is there already, and stays as it is" in errors
    assert Path("taken.yaml").read_text() == "mine"


def test_what_was_resolved_is_written(file: Path) -> None:
    assert invoked("train", "--config", str(file))[0] == 0
    status, output, _ = invoked("config", "p", "e", "--resolved")
    assert status == 0 and "\n  input_size: 32  #" in output and "\n  optimizer:\n    name: adam\n" in output
    assert "by recipe" not in output


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("train",), 2, "--config"),
        (("train", "--config", "none.yaml"), 1, "there is no file 'none.yaml'"),
        (("train", "--config", "{file}", "--set", "training.epohcs=1"), 1, "Did you mean 'epochs'?"),
        (("train", "--config", "{file}", "--set", "project="), 1, "the project has no name"),
        (("train", "--config", "{file}", "--set", "data.sources=[none]"), 1, "none"),
        (("train", "--config", "{file}", "--experiment", "a/b"), 1, "a/b"),
        (("train", "--confg", "x"), 2, "--config"),
        (("config", "p", "none"), 1, "none"),
        (("config", "p", "e", "--dataset", "x", "--model", "resnet"), 1, "Did you mean"),
        (("nothing",), 2, "nothing"),
    ],
)
def test_what_is_refused_exits_with_1_and_usage_with_2(
    file: Path, words: Sequence[str], status: int, message: str
) -> None:
    got, output, errors = invoked(*(word.format(file=file) for word in words))
    assert got == status and message in errors and "Traceback" not in errors + output


def test_every_command_exits_with_130_after_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, command in main.commands.items():
        monkeypatch.setattr(command, "invoke", lambda context: (_ for _ in ()).throw(KeyboardInterrupt))
        needed = ["x"] * sum(p.param_type_name == "argument" and p.required for p in command.params)
        options = [
            word for p in command.params if p.param_type_name == "option" and p.required for word in (p.opts[0], "x")
        ]
        assert CliRunner().invoke(main, [name, *needed, *options]).exit_code == 130, name
    assert isinstance(main, Commands)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_training_that_is_stopped_is_saved_and_goes_on(file: Path, number: signal.Signals) -> None:
    words = [sys.executable, "-m", "monklite", "train", "--config", str(file), "--set", "training.epochs=400"]
    history = Path("workspace/p/e/output/logs/history.csv")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 120
        while not (history.exists() and history.read_text().count("\n") > 2) and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "--resume goes on" in errors and "Traceback" not in errors
    done = Workspace().find("p", "e").state().results.epochs_completed
    status, output, errors = invoked(
        "train", "--config", str(file), "--set", f"training.epochs={done + 1}", "--resume", "--json"
    )
    assert status == 0, errors
    assert json.loads(output)["version"] == "v001" and json.loads(output)["results"]["epochs_completed"] == done + 1
    # what is done is not trained again
    status, output, _ = invoked(
        "train", "--config", str(file), "--set", f"training.epochs={done + 1}", "--resume", "--json"
    )
    assert status == 0 and json.loads(output)["version"] == "v001"
