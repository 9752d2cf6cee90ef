"""Commands that use a trained run: evaluate, predict."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..rules import PathText
from .group import console, emit, main, warn

if TYPE_CHECKING:
    from ..inference import Prediction, Predictor


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
@click.argument("project")
@click.argument("experiment")
@click.argument("images", nargs=-1, required=True)
@click.option("--version", help="A version such as v001; the newest trained one by default.")
@click.option("--csv", "form", flag_value="csv", help="Print a table as CSV.")
@click.option("--json", "form", flag_value="json", help="Print one JSON object per image.")
@click.pass_obj
def predict(
    workspace: str, project: str, experiment: str, images: tuple[str, ...], version: str | None, form: str | None
) -> None:
    """Predict images, or every image of a folder, with the best weights of a run.

    Images that cannot be read are named on the error output, and the exit status is then 1.
    """
    from ..inference import Predictor
    from ..runs.workspace import Workspace

    paths = [PathText()("images", image) for image in images]
    root = Workspace(workspace)
    predictor = Predictor(root.find(project, experiment, version, trained=version is None), root.cache)
    unread: list[str] = []

    def left_out(name: str, problem: str) -> None:
        unread.append(name)
        warn(f"left out: {problem}")

    rows = (_row(prediction, predictor) for prediction in _predictions(predictor, paths, left_out))
    _print(rows, form)
    if unread:
        sys.exit(1)


def _predictions(
    predictor: Predictor, paths: Sequence[str], left_out: Callable[[str, str], None]
) -> Iterator[Prediction]:
    """The predictions of the images, in the order in which they are given; a folder's images have its name before theirs."""
    from dataclasses import replace
    from itertools import groupby
    from pathlib import Path

    from ..looking import is_folder

    for of_folder, group in groupby(paths, lambda path: is_folder(Path(path))):
        if not of_folder:
            yield from predictor.stream(list(group), left_out, argument="images")
            continue
        for folder in group:
            for prediction in predictor.stream(folder, left_out):
                yield replace(prediction, name=str(Path(folder, prediction.name)))


def _row(prediction: Prediction, predictor: Predictor) -> dict[str, Any]:
    """The name of the image, the prediction as text, and the score of each class."""
    answer = prediction.answer
    predicted = answer["predicted_class"] if "predicted_class" in answer else "|".join(answer["predicted_classes"])
    scores = dict(zip(predictor.task.classes, prediction.scores.tolist(), strict=True))
    row = {"image": prediction.name, "predicted": predicted, **{f"p({name})": p for name, p in scores.items()}}
    # where it was decided when a prediction is unsure
    if "unsure" in answer:
        row |= {"unsure": answer["unsure"] or "", "possible": "|".join(answer["possible_classes"])}
    return row


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
