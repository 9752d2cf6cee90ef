"""The group of commands `monklite`: its options, its errors, and what commands share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .._version import __version__
from ..errors import MonkliteError
from ..printable import printable
from ..rules import PathText

if TYPE_CHECKING:
    from ..facade.console import Console


def warn(text: str) -> None:
    """Print a line to the standard error output."""
    click.echo(printable(text), err=True)


def emit(text: str) -> None:
    """Print text for another program, as it is and in UTF-8, whatever the terminal has."""
    click.echo(text.encode("utf-8", "surrogateescape"), nl=False)


def console() -> Console:
    """The console that prints results."""
    from ..facade.console import Console

    return Console(1)


# refused, in words (2: the command was not understood, by click)
REFUSED = 1
# as a shell reports Ctrl-C
STOPPED = 130


class Commands(click.Group):
    """A group of commands that prints monklite's errors in one line and exits with `REFUSED`, or `STOPPED` after Ctrl-C."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except MonkliteError as error:
            warn(f"error: {error}")
            sys.exit(REFUSED)
        except KeyboardInterrupt:
            warn("stopped")
            sys.exit(STOPPED)


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="monklite")
@click.option("--workspace", default="workspace", show_default=True, help="The folder for all output.")
@click.pass_context
def main(context: click.Context, workspace: str) -> None:
    """Image classifiers: list experiments, show their results, compare them."""
    context.obj = PathText()("workspace", workspace)
