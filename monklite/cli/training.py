"""The command that trains: train."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Any

import click

from ..errors import InvalidValue
from .archives import FilePath
from .group import STOPPED, emit, main, warn

if TYPE_CHECKING:
    from ..runs.run import Run

TERMINATED = 128 + signal.SIGTERM


@main.command()
@click.option("--config", "config", required=True, type=FilePath(), help="The file of settings; 'config' writes one.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting in place of the file's, such as training.epochs=20.",
)
@click.option("--project", help="Name of the project; by default that in the file.")
@click.option("--experiment", help="Name of the experiment; by default that in the file.")
@click.option(
    "--track",
    multiple=True,
    metavar="TRACKER",
    help="Tell mlflow, tensorboard, wandb or dvclive of it; may be repeated.",
)
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped; begin if there is none.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON; all else goes to the error output.")
@click.pass_obj
def train(
    workspace: str,
    config: str,
    overrides: tuple[str, ...],
    project: str | None,
    experiment: str | None,
    track: tuple[str, ...],
    resume: bool,
    as_json: bool,
) -> None:
    """Train by a file of settings.

    The exit status is 0 when the training is done, 1 if it was refused or has failed, 2 if the command was not understood, and
    130 if it was stopped; what was trained until then is saved, and --resume goes on with it.
    """
    from ..runs.state import as_json as json_of
    from ..settings_files.reading import read

    settings = read(config, overrides)
    names = _name("project", project, settings.project), _name("experiment", experiment, settings.experiment)
    output = contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()
    with output:
        run = _train(workspace, names, settings.asked, resume, track)
    if as_json:
        emit(json_of(_results(run), indent=2) + "\n")


def _name(title: str, given: str | None, in_file: str | None) -> str:
    if name := given or in_file:
        return name
    raise InvalidValue(f"the {title} has no name: write '{title}: ...' into the file, or give --{title}")


def _train(workspace: str, names: tuple[str, str], asked: Any, resume: bool, track: tuple[str, ...]) -> Run:
    from ..facade.settings import train_by
    from ..rules import AUTO

    try:
        return train_by(asked, *names, workspace=workspace, resume_train=AUTO if resume else False, trackers=track)
    # stopped by a signal, and saved
    except KeyboardInterrupt:
        code = signal.SIGINT + 128
    except SystemExit as error:
        if error.code != TERMINATED:
            raise
        code = TERMINATED
    warn("stopped: the same command with --resume goes on" + (" (terminated)" if code == TERMINATED else ""))
    sys.exit(STOPPED)


def _results(run: Run) -> dict[str, Any]:
    state = run.state()
    return {
        "project": state.project,
        "experiment": state.experiment,
        "version": run.folder.name,
        "folder": str(run.folder),
        "status": state.status,
        "classes": state.dataset.classes if state.dataset else [],
        "results": state.results.model_dump() if state.results else None,
    }
