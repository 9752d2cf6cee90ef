"""The command that opens the pages for people who write no code."""

from __future__ import annotations

import os
import sys

import click

from .group import console, main
from .serving import check_installed


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8650, show_default=True, help="0: any that is free.")
@click.option("--browser/--no-browser", default=True, help="Open the page in a browser.  [default: yes]")
@click.pass_obj
def app(workspace: str, port: int, browser: bool) -> None:
    """Open the pages in which pictures are uploaded, networks trained and tried, without code.

    Only this machine is answered, and only who has the key in the printed address. Trainings go on when this ends.
    """
    check_installed("monklite app")
    from ..apps import running
    from ..apps.no_code import server

    opened = running.listening(server.HOST, port)
    port = opened.getsockname()[1]
    address = server.address(workspace, port)
    console().say(f"The pages are at {address}")
    console().say("Ctrl-C ends them; a training that runs goes on.")
    if browser and _has_display():
        import webbrowser

        webbrowser.open(address)
    running.run(server.create(workspace, port), opened)


def _has_display() -> bool:
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
