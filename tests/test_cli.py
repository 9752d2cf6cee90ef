"""The command line, as a process of its own where the exit status matters."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from monklite import Prototype
from monklite.cli import main
from monklite.errors import InvalidType, InvalidValue
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
    monkeypatch.setattr("monklite.cli.removing._has_terminal", lambda: True)
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


def tagged(name: str, *tags: str) -> None:
    Workspace("workspace").find("p", name).tag(tags)


def listed(*words: str) -> list[str]:
    """The experiments that `list` finds, in its order."""
    return [run["experiment"] for run in json.loads(said("list", "--json", *words))]


def test_runs_are_found_by_any_field_and_tag(runs: Path) -> None:
    tagged("first", "baseline", "paper")
    assert listed() == ["first", "second"]
    assert listed("--where", "experiment=second") == ["second"]
    assert listed("--where", "experiment~FIR") == ["first"]
    assert listed("--where", "results.best_val_accuracy>=0.75", "--where", "version<2") == ["first", "second"]
    assert listed("--where", "best val acc>75") == []
    assert listed("--where", "data.shuffle=true", "--tag", "baseline") == ["first"]
    assert listed("--where", "tags!=paper") == ["second"]
    assert listed("--where", "started!=none") == []
    assert listed("--sort", "experiment", "--descending") == ["second", "first"]


def test_a_field_is_shown_and_runs_are_written_as_csv(runs: Path) -> None:
    tagged("first", "a", "b")
    header, *rows = csv.reader(io.StringIO(said("list", "--csv", "--show", "tags")))
    assert [dict(zip(header, row, strict=True))["tags"] for row in rows] == ["a, b", ""]
    assert [dict(zip(header, row, strict=True))["best val acc"] for row in rows] == ["75.0", "75.0"]
    assert "a, b" in said("list", "--show", "tags", "--tag", "a")
    assert said("list", "--tag", "c") == "no run fits\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--where", "experiment"], "'experiment' is no condition: write a field, one of"),
        (["--where", "results.best_val_acuracy>1"], r"no run has the field 'results.best_val_acuracy'. Did you mean"),
        (["--where", "version>new"], "version is 1, which cannot be compared with 'new': give a number"),
        (["--where", "tags<5"], "which has no order: use =, != or ~"),
        (["--sort", "x"], "no run has the field 'x'"),
        (["--show", "x"], "no run has the field 'x'"),
    ],
)  # fmt: skip
def test_wrong_conditions_are_explained(runs: Path, words: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["list", *words])
    assert result.exit_code == 1 and message in result.output


def test_tags_and_notes_are_kept(runs: Path) -> None:
    assert said("tag", "p", "first", "a", "b", "a", "--note", "a larger rate next").splitlines() == [
        "p/first/v001: a, b", "    note: a larger rate next",
    ]  # fmt: skip
    said("tag", "p", "first", "c", "--remove", "a", "--note", "no better")
    state = Workspace("workspace").find("p", "first").state()
    assert (state.tags, state.notes) == (("b", "c"), ("a larger rate next", "no better"))
    assert "Note 2:" in said("summary", "p", "first") and "b, c" in said("summary", "p", "first")


def test_the_open_experiment_is_tagged(workspace: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    assert ptf.Tag("a") == ("a",)
    assert ptf.Tag(["b", "a"], remove="x") == ("a", "b")
    assert ptf.Tag(remove=["a"]) == ("b",)
    ptf.Note("why")
    state = Workspace("workspace").find("p", "e").state()
    assert (state.tags, state.notes) == (("b",), ("why",))
    with pytest.raises(
        InvalidValue, match="tags must be a list of values, each a text of at least 1 and at most 100 characters"
    ):
        ptf.Tag("")
    with pytest.raises(InvalidType, match="text must be"):
        ptf.Note(5)
