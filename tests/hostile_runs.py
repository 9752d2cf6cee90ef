"""A trained run that hostile tests work on, what can be done with it, and the rule for how each attempt must end."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner
from whole import WHOLE

from monklite import compare
from monklite.catalog import models
from monklite.cli import main
from monklite.errors import MonkliteError
from monklite.facade import messages
from monklite.facade.console import Console
from monklite.facade.prototype import prototype
from monklite.runs.workspace import Workspace

T = TypeVar("T")
MOST_CHARACTERS = 500
# what takes many minutes is tried whole on request
ON_REQUEST = pytest.mark.skipif(not WHOLE, reason="takes long: set MONKLITE_TESTS=whole")


def sampled(attempts: Iterable[T], stride: int) -> Iterator[T]:
    """Every `stride`-th attempt; all of them with `MONKLITE_TESTS=whole`."""
    return itertools.islice(attempts, 0, None, 1 if WHOLE else stride)


def some_of_each_family(names: Iterable[str], backend: str) -> list[str]:
    """The first and every fourth network of each family, whose sizes are built alike; all with `MONKLITE_TESTS=whole`."""
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(models.find_model(name, backend).family, []).append(name)
    return [name for family in families.values() for name in sampled(family, 4)]


def done_or_refused(call: Callable[[], Any], what: object, counts: Counter[str]) -> bool:
    """Make a call; whether it was carried out. Any other end than a refusal in words fails the test."""
    counts["calls"] += 1
    try:
        call()
    except MonkliteError as error:
        counts["refused"] += 1
        assert len(str(error)) <= MOST_CHARACTERS, (what, len(str(error)), str(error)[:200])
        return False
    except Exception as error:
        pytest.fail(f"{what}: {type(error).__name__}: {str(error)[:300]}")
    return True


NETWORKS = {"pytorch": "squeezenet1_1", "mxnet": "squeezenet1.1"}


def expert(patterns: Path, backend: str = "pytorch") -> None:
    """Train the run, test it, and leave its table of predictions."""
    ptf = prototype(verbose=0, backend=backend)
    ptf.Prototype("p", "e")
    ptf.Dataset_Params(dataset_path=str(patterns), split=0.7, input_size=32, batch_size=8, num_processors=1)
    ptf.Dataset()
    ptf.Model_Params(model_name=NETWORKS[backend], freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.Training_Params(num_epochs=2, display_progress=False, save_intermediate_models=False)
    ptf.Train()
    ptf.Prototype("p", "e", eval_infer=True)
    ptf.Dataset_Params(dataset_path=str(patterns))
    ptf.Dataset()
    ptf.Evaluate()


def train_in(folder: Path, patterns: Path, backend: str = "pytorch") -> Path:
    """A really trained and tested run; every test works on copies of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "images").symlink_to(patterns)
        expert(patterns, backend)
    return folder / "workspace"


def copy_into(folder: Path, trained: Path) -> Workspace:
    space = Workspace(folder / "workspace")
    shutil.copytree(trained / "p", space.root / "p", symlinks=True)
    (folder / "images").symlink_to((trained.parent / "images").resolve())
    return space


def fresh_copy(trained: Path, space: Workspace) -> None:
    for project in ("p", "q"):
        shutil.rmtree(space.root / project, ignore_errors=True)
    shutil.copytree(trained / "p", space.root / "p", symlinks=True)


def quick_calls(space: Workspace) -> list[tuple[str, Callable[[], Any]]]:
    run = space.versions("p", "e")[0]
    return [
        ("summary", lambda: messages.summary(Console(0), run, run.state())),
        ("list", lambda: cli(space, "list")),
        ("progress", lambda: run.state().progress),
    ]


def cli(space: Workspace, *arguments: str) -> None:
    result = CliRunner().invoke(main, ["--workspace", str(space.root), *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception


def compared(space: Workspace) -> None:
    made = compare(verbose=0, workspace=space.root)
    made.Comparison("c")
    made.Add_Experiment("p", "e", 1)
    made.Generate_Statistics()


def evaluated(backend: str = "pytorch") -> None:
    ptf = prototype(verbose=0, backend=backend)
    ptf.Prototype("p", "e", version=1, eval_infer=True)
    ptf.Dataset_Params(dataset_path="images")
    ptf.Dataset()
    ptf.Evaluate()


def copied(backend: str = "pytorch") -> None:
    ptf = prototype(verbose=0, backend=backend)
    ptf.Prototype("q", "copy", copy_from=["p", "e", 1])
    ptf.Dataset()
    ptf.Model()


def resumed(backend: str = "pytorch", epochs: int = 3) -> None:
    ptf = prototype(verbose=0, backend=backend)
    ptf.Prototype("p", "e", resume_train=True, version=1)
    ptf.update_num_epochs(epochs)
    ptf.Train()


def expensive_calls(space: Workspace) -> list[tuple[str, Callable[[], Any]]]:
    return [
        ("compare", lambda: compared(space)),
        ("eval_infer", evaluated),
        ("copy", copied),
        ("resume", resumed),
    ]
