"""Commands that show runs: list, summary, compare."""

from __future__ import annotations

import click

from ..errors import InvalidValue, cut, shown
from .group import console, main, warn


@main.command(name="list")
@click.pass_obj
def list_runs(workspace: str) -> None:
    """List every run of the workspace."""
    from ..reports import comparison, table
    from ..runs.workspace import Workspace

    entries = comparison.collect(Workspace(workspace).runs(), warn=warn, details=False)
    if not entries:
        raise InvalidValue(
            f"there are no runs in {cut(str(Workspace(workspace).root))}; choose another with --workspace"
        )
    rows = [
        {"project": e.state.project, **row, "status": e.state.status}
        for e, row in zip(entries, table.overview(entries), strict=True)
    ]
    console().table(rows, gap="")


@main.command()
@click.argument("project")
@click.argument("experiment")
@click.option("--version", help="A version such as v001; the newest by default.")
@click.pass_obj
def summary(workspace: str, project: str, experiment: str, version: str | None) -> None:
    """Show data, model, training and results of an experiment."""
    from ..facade import messages
    from ..runs.workspace import Workspace

    run = Workspace(workspace).find(project, experiment, version)
    messages.summary(console(), run, run.state())


@main.command()
@click.argument("name")
@click.argument("experiments", nargs=-1, required=True, metavar="PROJECT/EXPERIMENT[/VERSION]...")
@click.pass_obj
def compare(workspace: str, name: str, experiments: tuple[str, ...]) -> None:
    """Compare experiments: charts, table and report in comparison/NAME."""
    from ..facade.compare import compare as compare_class

    comparison = compare_class(workspace=workspace)
    comparison.Comparison(name)
    for experiment in experiments:
        names = experiment.split("/")
        if len(names) not in (2, 3):
            raise InvalidValue(f"{shown(experiment)} must be PROJECT/EXPERIMENT or PROJECT/EXPERIMENT/VERSION")
        comparison.Add_Experiment(*names)
    comparison.Generate_Statistics()
