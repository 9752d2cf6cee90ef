"""Freeing disk space: plan which old versions and weights to remove, and remove exactly those."""

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

from ..errors import InvalidValue, MonkliteError, cut
from ..files import TEMPORARY, reading, storing
from ..looking import entries, exists, is_file, is_folder, is_link, walk
from ..rules import Whole
from ..transient import attempted, retried
from .file_names import INTERMEDIATE, LEFTOVER_AGE, RESUME, kind_of_weights
from .heartbeat import disk_time
from .run import Run
from .state import RunState
from .workspace import Workspace

# newest versions of an experiment that are kept
KEEP = 3
OLD, LEFTOVER = "old version", "leftover of a killed writer"
WEIGHTS = {INTERMEDIATE: "intermediate weights", RESUME: "state for resuming"}

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Item:
    """One thing that can be removed.

    `size`: bytes. `run`, `state`: the run it belongs to, and its state at planning time; None for a leftover.
    """

    kind: str
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
    warn: Warn = lambda message: None,
) -> list[Item]:
    """List what can be removed; changes nothing.

    Each experiment keeps its newest versions, the best one on validation, the folds of cross-validations, those with tags or
    notes, and those in training or unreadable.

    Args:
        keep: number of newest versions to keep. intermediate: remove the weights of each epoch of finished runs.
        resume_state: remove the state that finished runs need to be trained further. leftovers: remove temporary files of
            killed writers. interrupted: treat interrupted runs as finished. only: `project` or `project/experiment`; all
            by default. warn: called with a message for each run that is kept unexpectedly.

    Raises:
        InvalidValue: `keep` is less than 1, or there are no runs in `only`.
    """
    Whole(least=1)("keep", keep)
    kinds = [kind for kind, enabled in ((INTERMEDIATE, intermediate), (RESUME, resume_state)) if enabled]
    finished = {"done", "failed", "new"} | ({"interrupted"} if interrupted else set())
    runs = [run for run in workspace.runs() if _is_selected(run, only)]
    if only and not runs:
        raise InvalidValue(f"there are no runs in {cut(', '.join(only))}; `monklite list` shows those that there are")
    items: list[Item] = []
    for _, versions in groupby(runs, key=lambda run: run.folder.parent):
        readable = list(_read_states(versions, warn))
        old = _old_versions(readable, keep)
        for run, state in readable:
            if state.status not in finished or _is_in_use(run, warn):
                continue
            if run in old:
                items.append(Item(OLD, str(run), (run.folder,), _size(run.folder), run, state))
            else:
                items += _weights(run, state, kinds)
    return items + (list(_leftovers(workspace, runs)) if leftovers else [])


def remove_runs(workspace: Workspace, runs: Iterable[Run], warn: Warn) -> int:
    """Remove runs that the user no longer wants; returns the number of bytes freed. `warn`: as in `carry_out`."""
    states = list(_read_states(runs, warn))
    return carry_out(workspace, [Item(OLD, str(r), (r.folder,), _size(r.folder), r, s) for r, s in states], warn)


def _is_selected(run: Run, only: Sequence[str]) -> bool:
    project, experiment, _ = run.folder.parts[-3:]
    return not only or project in only or f"{project}/{experiment}" in only


def _read_states(runs: Iterable[Run], warn: Warn) -> Iterator[tuple[Run, RunState]]:
    for run in runs:
        try:
            if is_link(run.folder):
                warn(f"{run} is a link to {retried(run.folder.readlink, run.folder)}: kept")
                continue
            yield run, run.state()
        except MonkliteError as error:
            warn(f"kept: {error}")


def _old_versions(runs: Sequence[tuple[Run, RunState]], keep: int) -> list[Run]:
    """All but the newest and the best on validation; neither folds, which are worth something only together, nor what the user
    has marked."""
    alone = [(run, state) for run, state in runs if not state.asked.data.folds]
    ranked = [(state.results.best_figure, run.version) for run, state in alone if state.results is not None]
    best = max(ranked, default=(0, 0))[1]
    return [run for run, state in alone[:-keep] if run.version != best and not (state.tags or state.notes)]


def _is_in_use(run: Run, warn: Warn) -> bool:
    if not run.is_locked():
        return False
    warn(f"{run} is in use by {run.holder() or 'this process'}: kept")
    return True


def _weights(run: Run, state: RunState, kinds: Sequence[str]) -> Iterator[Item]:
    prefix, backend = state.asked.training.intermediate_prefix, state.asked.backend
    files = [p for p in entries(run.models) if p.name[0] != "." and is_file(p) and not is_link(p)]
    for kind in kinds:
        paths = tuple(p for p in files if kind_of_weights(p.name, prefix, backend) == kind)
        if paths and (kind != RESUME or state.status == "done"):
            name = f"{run} ({len(paths)} file{'s' * (len(paths) > 1)})"
            yield Item(WEIGHTS[kind], name, paths, _size(*paths), run, state)


def _leftovers(workspace: Workspace, runs: Sequence[Run]) -> Iterator[Item]:
    """Temporary files of killed writers, old enough that nobody can still be writing them."""
    folders = {f: None for run in runs for f in (run.folder.parent, run.folder, run.logs, run.models)}
    folders |= dict.fromkeys(f for run in runs for f in run.evaluation_folders())
    # an import that was killed may have left an experiment without a version
    folders |= dict.fromkeys(
        e for p in entries(workspace.root) if p.name[0] != "." and is_folder(p) for e in entries(p) if is_folder(e)
    )
    for folder in folders:
        for path in entries(folder):
            if path.match(f".*{TEMPORARY}") and disk_time(folder) - _last_change(path) > LEFTOVER_AGE:
                yield Item(LEFTOVER, str(path.relative_to(workspace.root)), (path,), _size(path))


def carry_out(workspace: Workspace, items: Sequence[Item], warn: Warn = lambda message: None) -> int:
    """Remove the planned items; returns the number of bytes freed.

    Runs that are in use, or were changed since the plan, are kept; `warn` is called with a message for each.
    """
    freed = 0
    # leftovers first: on a full disk the space that they free may be what locking a run needs
    for item in sorted(items, key=lambda item: item.run is not None):
        try:
            if _remove_if_unchanged(item):
                freed += item.size
            else:
                warn(f"{item.name} was changed or is in use now: kept")
        except MonkliteError as error:
            warn(str(error))
    for folder in {item.run.folder.parent for item in items if item.run is not None}:
        try:
            _repair_links(workspace, folder)
        except MonkliteError as error:
            warn(str(error))
    return freed


def _remove_if_unchanged(item: Item) -> bool:
    run = item.run
    if run is None:
        _remove(item.paths)
        return True
    if not run.acquire(to_free_space=True):
        return False
    try:
        current = run.state()
        # only this process has the lock, so nobody trains the run any more
        if current.status == "running":
            current = current.model_copy(update={"status": "interrupted"})
        # compared as text, because NaN does not equal NaN
        if item.state is None or current.to_json() != item.state.to_json():
            return False
        _remove(item.paths, run)
        return True
    finally:
        run.release()


def _remove(paths: Sequence[Path], run: Run | None = None) -> None:
    """Remove files and folders. `run`: the one whose folder is removed, locked by this process."""
    for path in paths:
        with storing(path), contextlib.suppress(FileNotFoundError):
            if is_folder(path) and not is_link(path):
                folder = path
                # renamed first: for readers it disappears at once, even if this process is killed halfway
                if not path.name.endswith(TEMPORARY):
                    folder = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
                    _rename_folder(path, folder, run)
                attempted(lambda folder=folder: _remove_tree(folder))  # type: ignore[misc]
            else:
                attempted(path.unlink)


def _rename_folder(path: Path, renamed: Path, run: Run | None) -> None:
    try:
        attempted(lambda: path.rename(renamed))
    except PermissionError:
        if run is None:
            raise
        # Windows renames no folder with an open file in it, so that whoever locks the run now keeps it
        run.release()
        path.rename(renamed)


def _remove_tree(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _repair_links(workspace: Workspace, experiment: Path) -> None:
    """Point links to a removed version at the newest trained one."""
    if any(is_link(p) and not exists(p) for p in entries(experiment)):
        runs = workspace.versions(experiment.parent.name, experiment.name)
        candidates = [run for run in runs if run.is_trained()] or runs
        if candidates:
            workspace.link(candidates[-1])


def _walk(path: Path) -> Iterator[os.stat_result]:
    for p in (path, *walk(path)) if not is_link(path) and is_folder(path) else (path,):
        with reading(p), contextlib.suppress(FileNotFoundError):
            yield attempted(p.lstat)


def _size(*paths: Path) -> int:
    """Bytes freed by removing the paths; a file with several hard links counts only if all of them are among the paths."""
    files = [info for path in paths for info in _walk(path) if not stat.S_ISDIR(info.st_mode)]
    links = Counter((info.st_dev, info.st_ino) for info in files)
    return sum({(i.st_dev, i.st_ino): i.st_size for i in files if links[i.st_dev, i.st_ino] >= i.st_nlink}.values())


def _last_change(path: Path) -> float:
    return max((info.st_mtime for info in _walk(path)), default=0.0)
