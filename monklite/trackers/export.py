"""Runs that were trained before, sent to a tracker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import DamagedFile, MonkliteError, NotFound, TrackerFailed, cut
from ..runs import history
from ..runs.file_names import HISTORY
from ..runs.run import Run
from ..runs.workspace import Workspace
from .sending import Sending
from .table import Row
from .tracked import STATUSES, Tracked, moments_of


@dataclass(frozen=True)
class Exported:
    """What became of a run. `epochs`: that were written now. `reason`: why nothing was written; "": it was, or `known`."""

    run: Run
    epochs: int = 0
    known: bool = False
    where: str = ""
    reason: str = ""


def export(row: Row, workspace: Workspace, project: str, experiment: str | None = None) -> Iterator[Exported]:
    """Send every run of a project, or of one of its experiments, that the tracker does not have yet.

    Raises:
        MissingPackage: the tracker's package is not installed. NotFound: there is no such run. TrackerFailed: the tracker fails.
    """
    row.check()
    return _export(row, workspace, _runs(workspace, project, experiment))


def _runs(workspace: Workspace, project: str, experiment: str | None) -> Sequence[Run]:
    if experiment is not None:
        # raises where there is none, with names that are like it
        workspace.find(project, experiment)
        return workspace.versions(project, experiment)
    found = [run for run in workspace.runs() if run.folder.parent.parent.name == project]
    if not found:
        raise NotFound(f"there is no run in a project {project!r} of {workspace.root}; see 'monklite list'")
    return found


def _export(row: Row, workspace: Workspace, runs: Sequence[Run]) -> Iterator[Exported]:
    for run in runs:
        try:
            state = run.state()
            rows = history.read(run.logs / HISTORY) if (run.logs / HISTORY).exists() else []
        except (DamagedFile, NotFound) as error:
            yield Exported(run, reason=str(error))
            continue
        if state.status not in STATUSES:
            yield Exported(run, reason=f"it {state.progress}")
            continue
        sending, status = Sending(row, run, workspace.root), STATUSES[state.status]
        if sending.sent.status == status and sending.sent.epochs >= len(rows):
            yield Exported(run, known=True, where=sending.sent.where)
            continue
        try:
            sending.begin()
            epochs = sending.epochs(rows, moments_of(rows, Tracked.of(run, workspace.root).began))
            sending.end(status)
        except MonkliteError:
            raise
        # libraries of trackers raise errors of many kinds
        except Exception as error:
            raise TrackerFailed(
                f"{row.title} could not take {run} ({type(error).__name__}: {cut(str(error))}); call it again when it can, and "
                "what it has already is not repeated"
            ) from error
        yield Exported(run, epochs, where=sending.sent.where)
