"""Room on the disk: what could go, and its going. Nothing goes that was not planned, shown and asked for."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from ..errors import InvalidValue, MonkliteError
from ..files import TEMPORARY, storing
from ..rules import Whole
from .file_names import COMPARISON, INTERMEDIATE, RESUME, kind_of_weights
from .heartbeat import disk_time
from .run import Run
from .state import RunState
from .workspace import Workspace

KEEP = 3  # newest versions of an experiment
LEFTOVER_AGE = 3600.0  # seconds; a younger one may belong to a writer that is alive
OLD, LEFTOVER = "old version", "leftover of a killed writer"
WEIGHTS = {INTERMEDIATE: "intermediate weights", RESUME: "state for going on"}

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Item:
    """One thing that can go. `size`: bytes; `run`, `state`: the run it belongs to, and how that was when planned."""

    what: str
    name: str
    paths: tuple[Path, ...]
    size: int
    run: Run | None = None
    state: RunState | None = None


def plan(
    workspace: Workspace,
    keep: int = KEEP,
    intermediate: bool = True,
    resume_state: bool = False,
    leftovers: bool = True,
    interrupted: bool = False,
    only: Sequence[str] = (),
    tell: Tell = lambda text: None,
) -> list[Item]:
    """What would go; changes nothing.

    Of each experiment stay the newest versions, the best on validation, and whatever is being trained or cannot be read.

    Args:
        keep: how many of the newest versions stay. intermediate: the weights of each epoch, of finished runs.
        resume_state: what finished runs would need to be trained further. interrupted: treat those runs as finished.
        only: `project` or `project/experiment`; all by default. tell: told what stays against expectation, and why.
    """
    Whole(least=1)("keep", keep)
    kinds = [k for k, wanted in ((INTERMEDIATE, intermediate), (RESUME, resume_state)) if wanted]
    finished = {"done", "failed", "new"} | ({"interrupted"} if interrupted else set())
    runs = [run for run in workspace.runs() if _is_wanted(run, only)]
    if only and not runs:
        raise InvalidValue(f"there are no runs in {', '.join(only)}; `monklite list` shows those that there are")
    items: list[Item] = []
    for _, versions in groupby(runs, key=lambda run: run.folder.parent):
        readable = list(_readable(versions, tell))
        old = _old(readable, keep)
        for run, state in readable:
            if state.status not in finished or _is_held(run, tell):
                continue
            if run in old:
                items.append(Item(OLD, str(run), (run.folder,), _size(run.folder), run, state))
            else:
                items += _weights(run, state, kinds)
    return items + (list(_leftovers(workspace, runs)) if leftovers else [])


def _is_wanted(run: Run, only: Sequence[str]) -> bool:
    project, experiment, _ = run.folder.parts[-3:]
    return not only or project in only or f"{project}/{experiment}" in only


def _readable(runs: Iterable[Run], tell: Tell) -> Iterator[tuple[Run, RunState]]:
    for run in runs:
        if run.folder.is_symlink():
            tell(f"{run} is a link to {run.folder.readlink()}: it stays")
            continue
        try:
            yield run, run.state()
        except MonkliteError as error:
            tell(f"it stays: {error}")


def _old(runs: Sequence[tuple[Run, RunState]], keep: int) -> list[Run]:
    """All but the newest and the best on validation."""
    judged = [(s.results.best_figure, r.version) for r, s in runs if s.results is not None]
    best = max(judged, default=(0, 0))[1]
    return [r for r, _ in runs[:-keep] if r.version != best]


def _is_held(run: Run, tell: Tell) -> bool:
    if not run.is_held():
        return False
    tell(f"{run} is held by {run.holder() or 'this process'}: it stays")
    return True


def _weights(run: Run, state: RunState, kinds: Sequence[str]) -> Iterator[Item]:
    prefix, backend = state.asked.training.intermediate_prefix, state.asked.backend
    files = sorted(p for p in run.models.glob("[!.]*") if p.is_file() and not p.is_symlink())
    for kind in kinds:
        found = tuple(p for p in files if kind_of_weights(p.name, prefix, backend) == kind)
        if found and (kind != RESUME or state.status == "done"):
            name = f"{run} ({len(found)} file{'s' * (len(found) > 1)})"
            yield Item(WEIGHTS[kind], name, found, _size(*found), run, state)


def _leftovers(workspace: Workspace, runs: Sequence[Run]) -> Iterator[Item]:
    """What killed writers left, old enough that nobody can still be writing it."""
    folders = {f: None for run in runs for f in (run.folder.parent, run.folder, run.logs, run.models)}
    folders |= dict.fromkeys(sorted((workspace.root / COMPARISON).glob("*/")))
    for folder in folders:
        for path in sorted(folder.glob(f".*{TEMPORARY}")):
            if disk_time(folder) - _newest(path) > LEFTOVER_AGE:
                yield Item(LEFTOVER, str(path.relative_to(workspace.root)), (path,), _size(path))


def carry_out(workspace: Workspace, items: Sequence[Item], tell: Tell = lambda text: None) -> int:
    """Let them go; returns the bytes that are free now. What is held or was changed since the plan stays, and is told."""
    freed = 0
    for item in items:
        try:
            if _go(item):
                freed += item.size
            else:
                tell(f"{item.name} was changed or taken in the meantime: it stays")
        except MonkliteError as error:
            tell(str(error))
    for folder in {i.run.folder.parent for i in items if i.run is not None}:
        _link_again(workspace, folder)
    return freed


def _go(item: Item) -> bool:
    run = item.run
    if run is None:
        _remove(item.paths)
        return True
    if not run.hold():
        return False
    try:
        now = run.state()
        if now.status == "running":  # held by nobody but this, so not any more
            now = now.model_copy(update={"status": "interrupted"})
        if item.state is None or now.to_json() != item.state.to_json():  # as text: a loss that is no number equals none
            return False
        _remove(item.paths)
        return True
    finally:
        run.release()


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        with storing(path), contextlib.suppress(FileNotFoundError):
            if path.is_dir() and not path.is_symlink():
                gone = path
                if not path.name.endswith(TEMPORARY):  # gone at once for all who look, even if this is killed now
                    gone = path.rename(path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}"))
                shutil.rmtree(gone)
            else:
                path.unlink()


def _link_again(workspace: Workspace, experiment: Path) -> None:
    """Where the plain names led to a version that went, lead them to the newest that is trained."""
    if any(p.is_symlink() and not p.exists() for p in experiment.iterdir()):
        runs = workspace.versions(experiment.parent.name, experiment.name)
        found = [r for r in runs if r.is_trained()] or runs
        if found:
            workspace.link(found[-1])


def _tree(path: Path) -> Iterator[os.stat_result]:
    for p in (path, *path.rglob("*")) if path.is_dir() and not path.is_symlink() else (path,):
        with contextlib.suppress(FileNotFoundError):
            yield p.lstat()


def _size(*paths: Path) -> int:
    """Bytes that are free when these are gone: of a file with several names only with the last of them."""
    found = [info for path in paths for info in _tree(path) if not stat.S_ISDIR(info.st_mode)]
    names = Counter((info.st_dev, info.st_ino) for info in found)
    return sum({(i.st_dev, i.st_ino): i.st_size for i in found if names[i.st_dev, i.st_ino] >= i.st_nlink}.values())


def _newest(path: Path) -> float:
    return max((s.st_mtime for s in _tree(path)), default=0.0)
