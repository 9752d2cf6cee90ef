"""The disk of the workspace: space, the cache of decoded images, and what the file system refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .. import locks
from ..data import cache_limit
from ..errors import MonkliteError
from ..files import format_bytes
from ..looking import exists
from ..runs.workspace import Workspace
from .finding import Finding

# below, a training with its weights and decoded images does not fit
LEAST_FREE = 2 * 10**9


def found(root: str) -> Iterator[Finding]:
    """What concerns the workspace, which need not exist yet; nothing is written but a file to try out locks."""
    workspace = Workspace(root)
    free = cache_limit.free_bytes(workspace.root)
    level, remedy = ("note", "monklite prune and monklite cache --clear free some") if free < LEAST_FREE else ("ok", "")
    yield Finding("disk", "workspace", f"{workspace.root}, {format_bytes(free)} free", level, remedy)  # type: ignore[arg-type]
    yield from _cache(workspace.cache)
    nearest = next(folder for folder in (workspace.root, *workspace.root.absolute().parents) if exists(folder))
    if locks.are_supported(nearest):
        yield Finding("disk", "file locks", "work")
    else:
        remedy = "train each experiment from one process at a time, or use a workspace on another drive"
        yield Finding("disk", "file locks", f"are refused by the drive of {nearest}", "note", remedy)


def _cache(folder: Path) -> Iterator[Finding]:
    try:
        used, allowed = cache_limit.size(folder), cache_limit.limit(folder)
    except MonkliteError as error:
        yield Finding("disk", "decoded images", str(error), "error", f"set or remove {cache_limit.LIMIT_VARIABLE}")
        return
    yield Finding("disk", "decoded images", f"{format_bytes(used)} of {format_bytes(allowed)} ({folder})")
