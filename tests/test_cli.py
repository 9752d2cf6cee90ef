"""The command line, as a process of its own where the exit status matters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from monklite.cli import main
from monklite.records import EpochRow, Results
from monklite.runs.file_names import HISTORY
from monklite.runs.history import write
from monklite.runs.workspace import Workspace


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


def test_a_damaged_run_among_good_ones_is_told_and_left_out(runs: Path) -> None:
    damaged = Workspace(runs).find("p", "first")
    (damaged.folder / "experiment-state.json").write_text("{")
    result = CliRunner().invoke(main, ["list"])
    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()[2:]] == [["p", "second"]]
    assert "p/first/v001 is left out: " in result.stderr and "is damaged" in result.stderr


def test_a_run_goes_out_and_comes_in(runs: Path) -> None:
    (Workspace(runs).find("p", "first").models / "final").write_text("weights")
    (Workspace(runs).find("p", "first").models / "resume_state").write_text("more")
    out = said("export", "p", "first", "run.zip")
    assert "p/first/v001 is in run.zip (" in out and "left out: output/models/resume_state" in out
    assert said("import", "run.zip") == "imported as p/first/v002\n"
    assert said("import", "run.zip", "--project", "q", "--experiment", "x") == "imported as q/x/v001\n"
    assert "left out" not in said("export", "p", "first", "all.zip", "--version", "v001", "--resume-state")


def test_pruning_shows_asks_and_frees(runs: Path, monkeypatch) -> None:
    for _ in range(3):
        run = Workspace(runs).claim("p", "first")
        run.update(status="done")
        run.release()
    assert "p/first/v002" in said("prune", "--keep", "1", "--dry-run")
    refused = CliRunner().invoke(main, ["prune", "--keep", "1"])
    assert refused.exit_code == 1
    assert "there is no terminal to ask in: look with --dry-run, then confirm with --yes" in refused.output
    monkeypatch.setattr("monklite.cli.removing.has_terminal", lambda: True)
    no = CliRunner().invoke(main, ["prune", "--keep", "1"], input="n\n")
    assert "This cannot be undone [y/N]: n\nnothing was removed" in no.output
    assert len(Workspace(runs).versions("p", "first")) == 4
    assert "freed " in CliRunner().invoke(main, ["prune", "--keep", "1"], input="y\n").output
    assert [r.version for r in Workspace(runs).versions("p", "first")] == [1, 4]  # the one with results is the best


def test_pruning_without_asking_is_for_scripts(runs: Path) -> None:
    for _ in range(4):
        run = Workspace(runs).claim("p", "first")
        run.update(status="done")
        run.release()
    assert "freed" in said("prune", "p/first", "--yes")
    assert [r.version for r in Workspace(runs).versions("p", "first")] == [1, 3, 4, 5]
    assert "old version" not in said("prune", "--yes")


IMAGES = f"{'a' * 32}.images.npy"


def test_the_cache_is_shown_and_cleared(runs: Path) -> None:
    (runs / ".cache").mkdir()
    (runs / ".cache" / IMAGES).write_bytes(bytes(2500))
    assert "2.5 kB" in said("cache")
    assert (runs / ".cache" / IMAGES).exists()
    assert "freed 2.5 kB" in said("cache", "--clear", "--yes")
    assert not (runs / ".cache" / IMAGES).exists()


def test_a_name_from_a_stranger_does_not_control_the_terminal(runs: Path) -> None:
    run = Workspace(runs).find("p", "first")
    asked = run.state().asked.replace({"model.name": "\x1b]0;title\x07\x1b[31m"})
    run.update(asked=asked, resolved=None)
    result = CliRunner().invoke(main, ["list"], color=True)
    assert "\x1b" not in result.output and "\x07" not in result.output
    assert "\\x1b]0;title\\x07" in result.output
