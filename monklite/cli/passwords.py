"""The command that writes the file of a page's password."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..rules import PathText
from .group import console, main

# characters of the line that is read; a longer one is refused in words
MOST_LINE = 4096


@main.command()
@click.argument("file")
def password(file: str) -> None:
    """Write the password of a page into a new file, as a hash.

    It is asked for twice, or is the first line of the standard input if that is not a terminal.
    """
    from ..apps import password_file

    path = Path(PathText()("file", file))
    # before anybody types
    password_file.check_new(path)
    password_file.write(path, _asked() if sys.stdin.isatty() else sys.stdin.readline(MOST_LINE).rstrip("\r\n"))
    console().say(f"the hash of the password is in {path}; the password itself is nowhere: remember it")


def _asked() -> str:
    given: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return given
