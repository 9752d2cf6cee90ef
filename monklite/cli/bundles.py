"""Commands about bundles: export-model, verify."""

from __future__ import annotations

import sys

import click

from ..rules import PathText
from .archives import FilePath
from .group import console, emit, main
from .runtime_option import runtime_option


@main.command(name="export-model")
@click.argument("project")
@click.argument("experiment")
@click.argument("path", type=FilePath())
@click.option("--version", help="A version such as v001; the newest trained one by default.")
@click.option("--int8", is_flag=True, help="Compute with whole numbers of 8 bits, calibrated on training images.")
@click.option(
    "--most-loss", default=0.01, show_default=True, help="The largest share by which the accuracy may fall with --int8."
)
@click.option("--images", help="The folder that holds the images of the run now, if they were moved.")
@click.pass_obj
def export_model(
    workspace: str,
    project: str,
    experiment: str,
    path: str,
    version: str | None,
    int8: bool,
    most_loss: float,
    images: str | None,
) -> None:
    """Write a run as a bundle: a folder, or a zip file if PATH ends with .zip.

    It is compared with the run on its validation images first, and not written if it does not agree.
    """
    from ..facade.exporting import write_bundle
    from ..rules import Number
    from ..runs.workspace import Workspace

    root, most = Workspace(workspace), Number(least=0, most=1)("most_loss", most_loss)
    run = root.find(project, experiment, version, trained=version is None)
    where = images and PathText()("images", images)
    write_bundle(run, root.cache, path, console(), "int8" if int8 else None, most, where)


@main.command()
@click.argument("bundle", type=FilePath())
@click.option("--images", help="A folder with the validation images of the run, under any names.")
@runtime_option
@click.option("--json", "as_json", is_flag=True, help="Print the certificate as JSON.")
def verify(bundle: str, images: str | None, runtime: str | None, as_json: bool) -> None:
    """Compare a bundle, on this machine, with what its network answered before it was exported.

    That is known for drawn pictures, and for the validation images of the run where their files are here. If it does not agree,
    the exit status is 1.
    """
    from ..exporting.reading import Bundle
    from ..exporting.runtimes import USUAL
    from ..exporting.verifying import verify as verified
    from ..facade.export_messages import certificate
    from ..runs.state import as_json as json_of

    tick = None if as_json else console().ticker("    comparing")
    made = verified(Bundle(bundle), images and PathText()("images", images), tick, runtime or USUAL.package)
    if as_json:
        emit(json_of(made.model_dump(by_alias=True), indent=2))
    else:
        certificate(console(), made)
    if made.problems():
        sys.exit(1)
