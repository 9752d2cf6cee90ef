"""Commands that find and show runs: list, tag, summary, report, compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from ..errors import InvalidValue, cut, shown
from .group import console, emit, main, warn

if TYPE_CHECKING:
    from ..reports.comparison import Entry


@main.command(name="list")
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Only runs for which it holds, such as training.optimizer.name=adam, 'best val acc>90', experiment~resnet.",
)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only runs that have this tag.")
@click.option("--sort", default="", metavar="FIELD", help="Sort by a field, such as results.best_val_accuracy.")
@click.option("--descending", is_flag=True, help="The largest value first.")
@click.option("--show", multiple=True, metavar="FIELD", help="Show this field too.")
@click.option("--json", "form", flag_value="json", help="Print every field of each run as JSON.")
@click.option("--csv", "form", flag_value="csv", help="Print the columns of a comparison as CSV.")
@click.pass_obj
def list_runs(
    workspace: str,
    conditions: tuple[str, ...],
    tags: tuple[str, ...],
    sort: str,
    descending: bool,
    show: tuple[str, ...],
    form: str | None,
) -> None:
    """List the runs of the workspace: all, or those that are looked for."""
    from ..reports import comparison
    from ..reports.run_filter import Condition, check_known, chosen
    from ..runs.workspace import Workspace

    wanted = [*map(Condition.parse, conditions), *(Condition("tags", "=", tag) for tag in tags)]
    entries = comparison.collect(Workspace(workspace).runs(), warn=warn, details=False)
    if not entries:
        raise InvalidValue(
            f"there are no runs in {cut(str(Workspace(workspace).root))}; choose another with --workspace"
        )
    found = chosen(entries, wanted, sort, descending)
    check_known(show, [fields for _, fields in found])
    _print_runs(found, show, form)


def _print_runs(found: Sequence[tuple[Entry, dict[str, Any]]], show: Sequence[str], form: str | None) -> None:
    from ..csv_files import as_csv
    from ..reports import table
    from ..runs.state import as_json

    entries = [entry for entry, _ in found]
    more = [{name: _as_text(fields.get(name)) for name in show} for _, fields in found]
    if form == "json":
        return emit(as_json([fields for _, fields in found], indent=2))
    if form == "csv":
        rows = [{**table.written(table.row(e)), **table.written(extra)} for e, extra in zip(entries, more, strict=True)]
        titles = [*table.titles(), *show]
        return emit(as_csv(titles, (list(row.values()) for row in rows)))
    if not found:
        return console().say("no run fits")
    return console().table(
        [
            {"project": e.state.project, **row, "status": e.state.status, **table.written(extra)}
            for e, row, extra in zip(entries, table.overview(entries), more, strict=True)
        ],
        gap="",
    )


def _as_text(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


@main.command()
@click.argument("project")
@click.argument("experiment")
@click.argument("tags", nargs=-1)
@click.option("--remove", multiple=True, metavar="TAG", help="Take this tag away.")
@click.option("--note", "notes", multiple=True, metavar="TEXT", help="Add a note.")
@click.option("--version", help="A version such as v001; the newest by default.")
@click.pass_obj
def tag(
    workspace: str,
    project: str,
    experiment: str,
    tags: tuple[str, ...],
    remove: tuple[str, ...],
    notes: tuple[str, ...],
    version: str | None,
) -> None:
    """Give a run tags and notes, or take tags away, and show them."""
    from ..record_rules import NOTE, TAG
    from ..rules import ListOf
    from ..runs.workspace import Workspace

    tags, remove, notes = ListOf(TAG)("tags", tags), ListOf(TAG)("--remove", remove), ListOf(NOTE)("--note", notes)
    run = Workspace(workspace).find(project, experiment, version)
    kept = run.tag(tags, remove) if tags or remove else run.state().tags
    for text in notes:
        run.note(text)
    console().say(f"{run}: {', '.join(kept) or 'no tags'}")
    for text in run.state().notes:
        console().say(f"    note: {text}")


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
@click.argument("project")
@click.argument("experiment")
@click.option("--version", help="A version such as v001; the newest trained one by default.")
@click.option("--errors/--no-errors", default=True, help="Draw the worst mistakes, if they were not drawn yet.")
@click.pass_obj
def report(workspace: str, project: str, experiment: str, version: str | None, errors: bool) -> None:
    """Write the report of an experiment as one page, and its model card."""
    from ..facade.reporting import write_report
    from ..inference import Predictor
    from ..runs.workspace import Workspace

    root = Workspace(workspace)
    run = root.find(project, experiment, version, trained=version is None)
    write_report(run, console(), (lambda: Predictor(run, root.cache)) if errors else None)


@main.command()
@click.argument("name")
@click.argument("experiments", nargs=-1, required=True, metavar="PROJECT/EXPERIMENT[/VERSION]...")
@click.option(
    "--evaluation", metavar="NAME", help="The evaluation to compare; by default of the images that most share."
)
@click.pass_obj
def compare(workspace: str, name: str, experiments: tuple[str, ...], evaluation: str | None) -> None:
    """Compare experiments: charts, table and report in comparison/NAME."""
    from ..facade.compare import compare as compare_class

    comparison = compare_class(workspace=workspace)
    comparison.Comparison(name)
    for experiment in experiments:
        names = experiment.split("/")
        if len(names) not in (2, 3):
            raise InvalidValue(f"{shown(experiment)} must be PROJECT/EXPERIMENT or PROJECT/EXPERIMENT/VERSION")
        comparison.Add_Experiment(*names)
    comparison.Generate_Statistics(evaluation=evaluation)
