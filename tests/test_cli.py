"""The command line, as a process of its own where the exit status matters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from monklite.cli import main
from monklite.history import EpochRow, write
from monklite.state import Results
from monklite.workspace import HISTORY, Workspace


@pytest.fixture
def runs(workspace: Path) -> Path:
    for name in ("first", "second"):
        run = Workspace(workspace).claim("p", name)
        write(run.logs / HISTORY, [EpochRow(1, 0.1, 1.0, 0.5, 0.9, 0.75, 2.0, 0.1, 10.0)])
        results = Results(
            epochs_completed=1, train_accuracy=0.5, train_loss=1.0, val_accuracy=0.75, val_loss=0.9, best_val_accuracy=0.75,
            best_epoch=1, train_seconds=2.0, images_per_second=10.0,
        )  # fmt: skip
        run.update(status="done", results=results)
        run.release()
    return workspace


def said(*words: str) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.output


def test_runs_are_listed(runs: Path) -> None:
    lines = said("list").splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [["p", "first"], ["p", "second"]]
    assert "75.0" in lines[2] and "done" in lines[2]


def test_experiments_are_compared(runs: Path) -> None:
    assert "Generated" in said("compare", "two", "p/first", "p/second/v001")
    assert (runs / "comparison" / "two" / "report.html").exists()


def test_an_experiment_is_summed_up(runs: Path) -> None:
    assert "Best val accuracy: 0.7500 (epoch 1)" in said("summary", "p", "first")


def test_models_are_listed() -> None:
    assert "densenet121" in said("models")
    assert "resnet50_v2" in said("models", "--backend", "mxnet")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["summary", "p", "frist"], "no experiment of project 'p' is called 'frist'. Did you mean 'first'?"),
        (["compare", "two", "first"], "'first' must be PROJECT/EXPERIMENT"),
        (["--workspace", "elsewhere", "list"], "there are no runs in"),
    ],
)
def test_errors_are_one_line_and_status_1(runs: Path, words: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from monklite.cli import main; main()", *words], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and message in done.stderr
    assert "Traceback" not in done.stderr
