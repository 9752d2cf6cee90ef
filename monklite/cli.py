"""The command `monklite`: list, compare, export and prune runs. Training is done from Python."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._version import __version__
from .catalog.backends import names as backend_names
from .errors import InvalidValue, MonkliteError, NotReady, cut, shown
from .files import format_bytes
from .printable import printable
from .rules import PathText

if TYPE_CHECKING:
    from .facade.console import Console


def _warn(text: str) -> None:
    click.echo(printable(text), err=True)


def _console() -> Console:
    from .facade.console import Console

    return Console(1)


class _File(click.Path):
    """A file, whose name is one that a file can have."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(PathText()("file", value), param, ctx)


class _Commands(click.Group):
    """A group of commands that prints monklite's errors in one line and exits with status 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except MonkliteError as error:
            _warn(f"error: {error}")
            sys.exit(1)


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="monklite")
@click.option("--workspace", default="workspace", show_default=True, help="The folder for all output.")
@click.pass_context
def main(context: click.Context, workspace: str) -> None:
    """Image classifiers: list experiments, show their results, compare them."""
    context.obj = PathText()("workspace", workspace)


@main.command(name="list")
@click.pass_obj
def list_runs(workspace: str) -> None:
    """List every run of the workspace."""
    from .reports import comparison, table
    from .runs.workspace import Workspace

    entries = comparison.collect(Workspace(workspace).runs(), warn=_warn, details=False)
    if not entries:
        raise InvalidValue(
            f"there are no runs in {cut(str(Workspace(workspace).root))}; choose another with --workspace"
        )
    rows = [
        {"project": e.state.project, **row, "status": e.state.status}
        for e, row in zip(entries, table.overview(entries), strict=True)
    ]
    _console().table(rows, gap="")


@main.command()
@click.argument("project")
@click.argument("experiment")
@click.option("--version", help="A version such as v001; the newest by default.")
@click.pass_obj
def summary(workspace: str, project: str, experiment: str, version: str | None) -> None:
    """Show data, model, training and results of an experiment."""
    from .facade import messages
    from .runs.workspace import Workspace

    run = Workspace(workspace).find(project, experiment, version)
    messages.summary(_console(), run, run.state())


@main.command()
@click.argument("name")
@click.argument("experiments", nargs=-1, required=True, metavar="PROJECT/EXPERIMENT[/VERSION]...")
@click.pass_obj
def compare(workspace: str, name: str, experiments: tuple[str, ...]) -> None:
    """Compare experiments: charts, table and report in comparison/NAME."""
    from .facade.compare import compare as compare_class

    comparison = compare_class(workspace=workspace)
    comparison.Comparison(name)
    for experiment in experiments:
        names = experiment.split("/")
        if len(names) not in (2, 3):
            raise InvalidValue(f"{shown(experiment)} must be PROJECT/EXPERIMENT or PROJECT/EXPERIMENT/VERSION")
        comparison.Add_Experiment(*names)
    comparison.Generate_Statistics()


@main.command(name="export")
@click.argument("project")
@click.argument("experiment")
@click.argument("file", type=_File(dir_okay=False))
@click.option("--version", help="A version such as v001; the newest trained one by default.")
@click.option(
    "--resume-state", is_flag=True, help="Include the state for resuming training: several times the weights."
)
@click.option("--intermediate", is_flag=True, help="Include the weights of every epoch.")
@click.pass_obj
def export_run(
    workspace: str,
    project: str,
    experiment: str,
    file: str,
    version: str | None,
    resume_state: bool,
    intermediate: bool,
) -> None:
    """Write a run to one zip file, for backup or sharing.

    It contains no images, but their file names (dataset.csv) and the path of their folder.
    """
    from .runs.packing import pack
    from .runs.workspace import Workspace

    run = Workspace(workspace).find(project, experiment, version, trained=version is None)
    left_out = pack(run, file, resume_state, intermediate)
    _console().say(f"{run} is in {file} ({format_bytes(Path(file).stat().st_size)})")
    if left_out:
        _console().say(f"left out: {', '.join(left_out)}")


@main.command(name="import")
@click.argument("file", type=_File(dir_okay=False))
@click.option("--project", help="Name of the project; by default that of the exported run.")
@click.option("--experiment", help="Name of the experiment; by default that of the exported run.")
@click.pass_obj
def import_run(workspace: str, file: str, project: str | None, experiment: str | None) -> None:
    """Import a run from a zip file as a new version; nothing in the file is executed."""
    from .runs.unpacking import unpack
    from .runs.workspace import Workspace

    run = unpack(file, Workspace(workspace), project, experiment)
    _console().say(f"imported as {run}")


@main.command()
@click.argument("only", nargs=-1, metavar="[PROJECT[/EXPERIMENT]]...")
@click.option("--keep", default=3, show_default=True, help="How many of the newest versions of an experiment to keep.")
@click.option(
    "--intermediate/--no-intermediate", default=True, help="Remove the weights of each epoch.  [default: yes]"
)
@click.option("--resume-state/--no-resume-state", help="Remove the state for resuming finished runs.  [default: no]")
@click.option(
    "--leftovers/--no-leftovers", default=True, help="Remove temporary files of killed processes.  [default: yes]"
)
@click.option("--interrupted", is_flag=True, help="Treat interrupted runs as finished.")
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def prune(workspace: str, only: tuple[str, ...], dry_run: bool, yes: bool, **options: Any) -> None:
    """Show which old versions and weights can be removed, ask, and remove them.

    The best version on validation is always kept, and so is a version that is being trained.
    """
    from .runs import prune as pruning
    from .runs.workspace import Workspace

    runs = Workspace(workspace)
    items = pruning.plan(runs, only=only, warn=_warn, **options)
    rows = [(item.kind, item.name, item.size) for item in items]
    if _confirm_and_remove(rows, lambda: pruning.carry_out(runs, items, _warn), dry_run, yes) == 0:
        _warn("error: nothing could be removed")
        sys.exit(1)


@main.command()
@click.option("--clear", is_flag=True, help="Remove the decoded images; they are decoded again when needed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def cache(workspace: str, clear: bool, yes: bool) -> None:
    """Show how large the cache of decoded images is, or clear it."""
    from .data import cache_limit
    from .runs.workspace import Workspace

    folder = Workspace(workspace).cache
    size = cache_limit.size(folder)
    rows = [("decoded images", str(folder), size)] if size else []
    _confirm_and_remove(rows, lambda: cache_limit.clear(folder, _warn), not clear, yes)


def _confirm_and_remove(
    rows: Sequence[tuple[str, str, int]], remove: Callable[[], int], dry_run: bool, yes: bool
) -> int | None:
    """Show what would be removed (kind, path, bytes), ask, and remove it; `remove` returns the number of freed bytes.

    Returns:
        The freed bytes; None if there was nothing to free, or nothing was to be removed.
    """
    total = sum(size for *_, size in rows)
    table = [
        {"what": kind, "where": path, "size": format_bytes(size)} for kind, path, size in (*rows, ("all", "", total))
    ]
    _console().table(table, gap="", colalign=("left", "left", "right"))
    if dry_run or not rows:
        return None
    if not yes and not _has_terminal():
        raise NotReady("there is no terminal to ask in: look with --dry-run, then confirm with --yes")
    if yes or click.confirm(f"Free {format_bytes(total)}? This cannot be undone"):
        freed = remove()
        _console().say(f"freed {format_bytes(freed)}")
        return freed if total else None
    _console().say("nothing was removed")
    return None


def _has_terminal() -> bool:
    return sys.stdin.isatty()


@main.command()
@click.option("--backend", type=click.Choice(backend_names()), default="pytorch", show_default=True)
def models(backend: str) -> None:
    """List the names of the models."""
    from .catalog.models import names

    for name in names(backend):
        _console().say(name)
