"""monklite as tools and scripts use it: looked at while nothing is open, with warnings as errors, from odd command lines."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from monklite import Prototype
from monklite.cli import main
from monklite.errors import NotReady
from monklite.facade.prototype import prototype
from monklite.runs.workspace import Workspace
from monklite.testing.datasets import draw_patterns

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
ODD = (
    "x" * 5000, "", "\x00", "\x1b[31m", "\n", "1", "-1", "1" * 5000, "../x", "p/e/" + "1" * 5000, "p/e/v001/x", "/", "nan",
    "\udcff", "(" * 500, "p", "é" * 300, "p/" + "x" * 300,
)  # fmt: skip
COMMANDS = (
    ["list", "{}"], ["summary", "{}", "e"], ["summary", "p", "{}"], ["summary", "p", "e", "--version", "{}"],
    ["compare", "{}", "p/e"], ["compare", "c", "{}"], ["compare", "c", "p/e/{}"], ["export", "{}", "e", "a.zip"],
    ["export", "p", "{}", "a.zip"], ["export", "p", "e", "{}", "--version", "1"],
    ["export", "p", "e", "a.zip", "--version", "{}"],
    ["import", "{}"], ["import", "a.zip", "--project", "{}"], ["import", "bad.zip", "--experiment", "{}"],
    ["prune", "{}", "--dry-run"], ["prune", "--keep", "{}", "--dry-run"], ["cache", "{}"], ["models", "--backend", "{}"],
    ["models", "{}"], ["{}"], ["--workspace", "{}", "list"], ["--workspace", "{}", "cache"], ["--workspace", "{}", "prune"],
    ["--workspace", "{}", "summary", "p", "e"], ["--{}"],
)  # fmt: skip


@pytest.fixture
def run(workspace: Path) -> None:
    claimed = Workspace(workspace).claim("p", "e")
    claimed.release()
    Path("bad.zip").write_bytes(b"no archive")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_odd_command_lines_end_in_a_line(run: None, command: list[str]) -> None:
    for odd in ODD:
        words = [word.replace("{}", odd) for word in command]
        result = CliRunner().invoke(main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), (words, result.exception)
        assert result.exit_code in (0, 1, 2), words
        if result.exit_code == 1:
            assert len(result.stderr.splitlines()[-1]) < 600, words
            assert "\x1b" not in result.stderr, words


def test_a_version_of_thousands_of_digits_is_refused_on_the_command_line(run: None) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from monklite.cli import main; main()", "summary", "p", "e", "--version", "1" * 5000],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: version must be a number such as 1 or 'v001', not '111")


def test_an_unopened_prototype_can_be_looked_at(workspace: Path) -> None:
    ptf = prototype(verbose=0)
    assert ptf.model is ptf.criterion is ptf.optimizer is None
    assert hasattr(ptf, "model") and not hasattr(ptf, "modle")
    assert "Train" in dict(inspect.getmembers(ptf))
    with pytest.raises(NotReady, match="no experiment is open"):
        ptf.Dataset()


def test_an_opened_prototype_can_be_looked_at_in_each_mode(workspace: Path, patterns: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    assert ptf.model is None and "Train" in dict(inspect.getmembers(ptf))
    ptf.Default(patterns, model_name="squeezenet1_1", use_pretrained=False, num_epochs=1)
    ptf.update_input_size(32)
    ptf.Train()
    assert ptf.model is not None
    ptf.Switch_Mode(eval_infer=True)
    assert ptf.model is not None and "Train" in dict(inspect.getmembers(ptf))


def test_each_backend_trains_where_warnings_are_errors(workspace: Path, backend: str) -> None:
    draw_patterns(Path("images"), {"dots": 4, "rings": 4}, side=32)
    model = "squeezenet1_1" if backend == "pytorch" else "squeezenet1.1"
    script = (
        f"import monklite; ptf = monklite.Prototype('p', 'e', backend={backend!r}, verbose=0); "
        f"ptf.Default('images', model_name={model!r}, use_pretrained=False, num_epochs=1); ptf.update_input_size(32); ptf.Train()"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=200, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr


def test_warnings_are_not_silenced_for_good(workspace: Path) -> None:
    script = "import warnings; from monklite import backends; backends.load('mxnet'); warnings.warn('own')"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=200, env=ENVIRONMENT
    )
    assert done.stderr.endswith("UserWarning: own\n"), done.stderr
