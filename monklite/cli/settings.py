"""The command that writes files of settings: config."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..catalog.backends import names as backend_names
from ..errors import InvalidValue, NotReady, shown
from .archives import FilePath
from .group import console, emit, main

if TYPE_CHECKING:
    from ..spec import Spec


@main.command()
@click.argument("project")
@click.argument("experiment")
@click.option("--version", help="A version of the run, such as v001; the newest by default.")
@click.option("--resolved", is_flag=True, help="Also the values that the recipe has chosen, so that none is left open.")
@click.option("--dataset", type=FilePath(), help="Of no run: for this folder of images, the usual settings.")
@click.option("--table", type=FilePath(dir_okay=False), help="A table of the images in --dataset and their labels.")
@click.option("--model", default="resnet18", show_default=True, help="With --dataset: the network.")
@click.option("--backend", type=click.Choice(backend_names()), default="pytorch", show_default=True)
@click.option("-o", "--output", type=FilePath(dir_okay=False), help="The file to write; by default it is printed.")
@click.pass_obj
def config(
    workspace: str,
    project: str,
    experiment: str,
    version: str | None,
    resolved: bool,
    dataset: str | None,
    table: str | None,
    model: str,
    backend: str,
    output: str | None,
) -> None:
    """Write the settings of a run, or those of a new one (--dataset), as a file that 'train' reads."""
    from .._version import __version__
    from ..settings_files.writing import as_yaml

    if dataset is None:
        spec, notes = _of_run(workspace, project, experiment, version, resolved)
    else:
        spec, notes = _usual(dataset, table, model, backend), ()
    usage = f"monklite train --config {Path(output).name if output else 'FILE'}"
    folder = str(Path(output).parent) if output else ""
    text = as_yaml(
        spec, project, experiment, (f"settings of monklite {__version__}: {usage}", *notes), folder, resolved
    )
    if output is None:
        return emit(text)
    _write(Path(output), text)
    return console().say(f"wrote {output}")


def _of_run(
    workspace: str, project: str, experiment: str, version: str | None, resolved: bool
) -> tuple[Spec, tuple[str, ...]]:
    from ..runs.workspace import Workspace
    from ..settings_tree import build
    from ..spec import Spec

    run = Workspace(workspace).find(project, experiment, version)
    state = run.state()
    notes = [f"of the run {run}"]
    if state.origin is not None:
        origin = "/".join(map(str, state.origin))
        notes.append(
            f"the run was copied from {origin}; a training by this file begins as 'model' says, without its weights"
        )
    if not resolved:
        return state.asked, tuple(notes)
    if state.resolved is None:
        raise NotReady(
            f"{run}: its settings were not resolved yet, because its images were not read: leave out --resolved"
        )
    return build(Spec, state.resolved.model_dump()), tuple(notes)


def _usual(dataset: str, table: str | None, model: str, backend: str) -> Spec:
    from ..catalog.default_recipes import default_spec, quick_mode
    from ..spec import Folders, Table

    source = Folders(path=dataset) if table is None else Table(path=dataset, csv=table, label_delimiter=None, reading=2)
    return default_spec(backend).replace({**quick_mode(backend, model), "data.sources": (source,)})


def _write(path: Path, text: str) -> None:
    from ..files import storing, write_new

    with storing(path):
        try:
            write_new(path, text.encode())
        except FileExistsError:
            raise InvalidValue(f"{shown(str(path))} is there already, and stays as it is: give another name") from None
