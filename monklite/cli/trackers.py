"""The command that writes runs to a tracker: export-to."""

from __future__ import annotations

from typing import Any

import click

from .group import console, emit, main, warn


@main.command(name="export-to")
@click.argument("tracker")
@click.argument("project")
@click.argument("experiment", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print what became of each run as JSON.")
@click.pass_obj
def export_to(workspace: str, tracker: str, project: str, experiment: str | None, as_json: bool) -> None:
    """Write the runs of a project, or of one experiment, to TRACKER: mlflow, tensorboard, wandb or dvclive.

    It goes where a training would write, see the tracker's own variables. What the tracker has already is not repeated.
    """
    from ..runs.state import as_json as json_of
    from ..runs.workspace import Workspace
    from ..trackers.export import Exported, export
    from ..trackers.table import by_name

    row, done = by_name(tracker), list[Exported]()
    for exported in export(row, Workspace(workspace), project, experiment):
        done.append(exported)
        if not as_json:
            _say(exported)
    if as_json:
        emit(json_of([_values(exported) for exported in done], indent=2))


def _say(exported: Any) -> None:
    if exported.reason:
        warn(f"{exported.run} was left out: {exported.reason}")
    elif exported.known:
        console().say(f"{exported.run} was there already: {exported.where}")
    else:
        console().say(f"{exported.run}: {exported.epochs} epochs, {exported.where}")


def _values(exported: Any) -> dict[str, Any]:
    return {
        "run": str(exported.run),
        "epochs": exported.epochs,
        "already_there": exported.known,
        "where": exported.where,
        "left_out": exported.reason,
    }
