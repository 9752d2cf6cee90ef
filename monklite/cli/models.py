"""The command that lists the networks."""

from __future__ import annotations

import click

from ..catalog.backends import names as backend_names
from .group import console, main


@main.command()
@click.option("--backend", type=click.Choice(backend_names()), default="pytorch", show_default=True)
def models(backend: str) -> None:
    """List the names of the models."""
    from ..catalog.models import names

    for name in names(backend):
        console().say(name)
