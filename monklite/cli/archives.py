"""Commands that write a run to one file, and read it from there: export, import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..files import format_bytes
from ..rules import PathText
from .group import console, main


class FilePath(click.Path):
    """A file, whose name is one that a file can have."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(PathText()("file", value), param, ctx)


@main.command(name="export")
@click.argument("project")
@click.argument("experiment")
@click.argument("file", type=FilePath(dir_okay=False))
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
    from ..runs.packing import pack
    from ..runs.workspace import Workspace

    run = Workspace(workspace).find(project, experiment, version, trained=version is None)
    left_out = pack(run, file, resume_state, intermediate)
    console().say(f"{run} is in {file} ({format_bytes(Path(file).stat().st_size)})")
    if left_out:
        console().say(f"left out: {', '.join(left_out)}")


@main.command(name="import")
@click.argument("file", type=FilePath(dir_okay=False))
@click.option("--project", help="Name of the project; by default that of the exported run.")
@click.option("--experiment", help="Name of the experiment; by default that of the exported run.")
@click.pass_obj
def import_run(workspace: str, file: str, project: str | None, experiment: str | None) -> None:
    """Import a run from a zip file as a new version; nothing in the file is executed."""
    from ..runs.unpacking import unpack
    from ..runs.workspace import Workspace

    run = unpack(file, Workspace(workspace), project, experiment)
    console().say(f"imported as {run}")
