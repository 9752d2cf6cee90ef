"""Commands that use a trained run or a bundle: evaluate, predict."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InvalidValue, shown
from ..rules import PathText
from .group import console, emit, main, warn
from .runtime_option import check_is_bundle, runtime_option

if TYPE_CHECKING:
    from ..image_predictor import ImagePredictor
    from ..runs.workspace import Workspace


@main.command()
@click.argument("project")
@click.argument("experiment")
@click.argument("images")
@click.option("--table", help="The table of the labels; without it, images are in one folder per class.")
@click.option("--name", help="Of the evaluation; by default test, test-2 and so on.")
@click.option("--version", help="A version such as v001; the newest trained one by default.")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
@click.pass_obj
def evaluate(
    workspace: str,
    project: str,
    experiment: str,
    images: str,
    table: str | None,
    name: str | None,
    version: str | None,
    as_json: bool,
) -> None:
    """Evaluate a run on a folder of test images; figures and charts are kept with the run."""
    from ..facade.prototype import Prototype
    from ..runs import state
    from ..runs.workspace import Workspace

    run = Workspace(workspace).find(project, experiment, version, trained=version is None)
    backend, verbose = run.state().spec.backend, 0 if as_json else 1
    how: dict[str, Any] = {"eval_infer": True, "version": run.version, "workspace": workspace, "verbose": verbose}
    opened = Prototype(project, experiment, backend, **how)
    opened.Dataset_Params(images, table or False)
    opened.Dataset()
    opened.Evaluate(name=name)
    evaluation = opened._evaluation
    if as_json and evaluation.figures is not None:
        emit(state.as_json(evaluation.figures.model_dump(), indent=2))
    if evaluation.unsaved:
        warn(f"the figures could not be stored: {evaluation.unsaved}")
        sys.exit(1)


@main.command()
@click.argument("words", nargs=-1, required=True, metavar="{PROJECT EXPERIMENT | BUNDLE} IMAGES...")
@click.option("--version", help="A version of a run such as v001; the newest trained one by default.")
@runtime_option
@click.option("--csv", "form", flag_value="csv", help="Print a table as CSV.")
@click.option("--json", "form", flag_value="json", help="Print one JSON object per image.")
@click.pass_obj
def predict(workspace: str, words: tuple[str, ...], version: str | None, runtime: str | None, form: str | None) -> None:
    """Predict images, or every image of a folder, with the best weights of a run, or with a bundle.

    Images that cannot be read are named on the error output, and the exit status is then 1.
    """
    from ..answer_forms import row

    predictor, images = _predictor(workspace, [PathText()("images", word) for word in words], version, runtime)
    unread: list[str] = []

    def left_out(name: str, problem: str) -> None:
        unread.append(name)
        warn(f"left out: {problem}")

    _print((row(found, predictor.task.classes) for found in predictor.of_paths(images, left_out)), form)
    if unread:
        sys.exit(1)


def _predictor(
    workspace: str, words: Sequence[str], version: str | None, runtime: str | None
) -> tuple[ImagePredictor, Sequence[str]]:
    """The predictor, of a bundle if the first word is the path of one, and the images."""
    from ..runs.workspace import Workspace

    root = Workspace(workspace)
    if _is_bundle(root, words, version):
        from ..exporting import certified

        _check_given(words[1:])
        return certified.predictor_of(words[0], runtime), words[1:]
    from ..inference import Predictor

    check_is_bundle(runtime)
    _check_given(words[2:])
    project, experiment, *images = words
    return Predictor(root.find(project, experiment, version, trained=version is None), root.cache), images


def _check_given(images: Sequence[str]) -> None:
    if not images:
        raise click.UsageError("give PROJECT EXPERIMENT IMAGES... or BUNDLE IMAGES...")


def _is_bundle(root: Workspace, words: Sequence[str], version: str | None) -> bool:
    """Whether the first word is the path of a bundle.

    Raises:
        InvalidValue: it can be meant as a bundle or as a project.
    """
    from ..exporting.reading import looks_like_bundle

    name = words[0]
    # no project has such a name
    if Path(name).name != name:
        if version is not None:
            raise InvalidValue(f"--version={shown(version)} is of a run, and {shown(name)} is the path of a bundle")
        return True
    if version is not None:
        return False
    is_there, is_run = looks_like_bundle(name), _is_run(root, words)
    if is_there and is_run:
        raise InvalidValue(
            f"{shown(name)} is a bundle in this folder, and also a project with the experiment {shown(words[1])}: "
            f"write {shown(f'./{name}')} for the bundle, or give the --version of the run"
        )
    return is_there or (name.lower().endswith(".zip") and not is_run)


def _is_run(root: Workspace, words: Sequence[str]) -> bool:
    # not names of a project and an experiment
    with contextlib.suppress(InvalidValue):
        return len(words) > 1 and bool(root.versions(*words[:2]))
    return False


def _print(rows: Iterator[dict[str, Any]], form: str | None) -> None:
    from ..csv_files import as_csv

    if form == "json":
        for row in rows:
            emit(json.dumps(row) + "\n")
    elif found := list(rows):
        if form == "csv":
            emit(as_csv(list(found[0]), (list(row.values()) for row in found)))
        else:
            console().table(
                [{k: f"{v:.4f}" if isinstance(v, float) else v for k, v in r.items()} for r in found], gap=""
            )
