"""Commands that free disk space, after asking: prune, cache."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from ..errors import NotReady
from ..files import format_bytes
from .group import console, main, warn


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
    from ..runs import prune as pruning
    from ..runs.workspace import Workspace

    runs = Workspace(workspace)
    items = pruning.plan(runs, only=only, warn=warn, **options)
    rows = [(item.kind, item.name, item.size) for item in items]
    if _confirm_and_remove(rows, lambda: pruning.carry_out(runs, items, warn), dry_run, yes) == 0:
        warn("error: nothing could be removed")
        sys.exit(1)


@main.command()
@click.option("--clear", is_flag=True, help="Remove the decoded images; they are decoded again when needed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def cache(workspace: str, clear: bool, yes: bool) -> None:
    """Show how large the cache of decoded images is, or clear it."""
    from ..data import cache_limit
    from ..runs.workspace import Workspace

    folder = Workspace(workspace).cache
    size = cache_limit.size(folder)
    rows = [("decoded images", str(folder), size)] if size else []
    _confirm_and_remove(rows, lambda: cache_limit.clear(folder, warn), not clear, yes)


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
    console().table(table, gap="", colalign=("left", "left", "right"))
    if dry_run or not rows:
        return None
    if not yes and not _has_terminal():
        raise NotReady("there is no terminal to ask in: look with --dry-run, then confirm with --yes")
    if yes or click.confirm(f"Free {format_bytes(total)}? This cannot be undone"):
        freed = remove()
        console().say(f"freed {format_bytes(freed)}")
        return freed if total else None
    console().say("nothing was removed")
    return None


def _has_terminal() -> bool:
    return sys.stdin.isatty()
