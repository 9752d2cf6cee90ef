"""`monklite` in a terminal: look at what is there and compare it. Training is done from Python."""

from __future__ import annotations

import sys

import click

from ._version import __version__
from .catalog.rows import BACKENDS
from .errors import InvalidValue, MonkliteError


class _Commands(click.Group):
    """Turns monklite's errors into one line and exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except MonkliteError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(1)


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="monklite")
@click.option("--workspace", default="workspace", show_default=True, help="The folder that everything is written to.")
@click.pass_context
def main(context: click.Context, workspace: str) -> None:
    """Image classifiers: what is trained, how good it is, which is better."""
    context.obj = workspace


@main.command(name="list")
@click.pass_obj
def list_runs(workspace: str) -> None:
    """List every run of the workspace."""
    from tabulate import tabulate

    from . import comparison, report
    from .workspace import Workspace

    runs = []
    for run in Workspace(workspace).runs():
        try:
            run.state()
            runs.append(run)
        except MonkliteError as error:
            click.echo(f"left out: {error}", err=True)
    entries = comparison.collect(runs)
    if not entries:
        raise InvalidValue(f"there are no runs in {Workspace(workspace).root}; choose another with --workspace")
    rows = [
        {"project": e.state.project, **row, "status": e.state.status}
        for e, row in zip(entries, report.overview(entries), strict=True)
    ]
    click.echo(tabulate(rows, headers="keys", disable_numparse=True))


@main.command()
@click.argument("project")
@click.argument("experiment")
@click.option("--version", help="A version such as v001; the newest by default.")
@click.pass_obj
def summary(workspace: str, project: str, experiment: str, version: str | None) -> None:
    """Show what is known of an experiment."""
    from .facade import console
    from .workspace import Workspace

    run = Workspace(workspace).find(project, experiment, version)
    console.summary(console.Console(1), run, run.state())


@main.command()
@click.argument("name")
@click.argument("experiments", nargs=-1, required=True, metavar="PROJECT/EXPERIMENT[/VERSION]...")
@click.pass_obj
def compare(workspace: str, name: str, experiments: tuple[str, ...]) -> None:
    """Compare experiments: charts, table and report in comparison/NAME."""
    from .facade.compare import compare as comparing

    ctf = comparing(workspace=workspace)
    ctf.Comparison(name)
    for experiment in experiments:
        parts = experiment.split("/")
        if len(parts) not in (2, 3):
            raise InvalidValue(f"{experiment!r} must be PROJECT/EXPERIMENT or PROJECT/EXPERIMENT/VERSION")
        ctf.Add_Experiment(*parts)
    ctf.Generate_Statistics()


@main.command()
@click.option("--backend", type=click.Choice(BACKENDS), default="pytorch", show_default=True)
def models(backend: str) -> None:
    """List the names of the models."""
    from .catalog.models import names

    click.echo("\n".join(names(backend)))
