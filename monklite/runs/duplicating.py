"""A run as a version of another experiment, which it becomes in the same way as an imported one."""

from __future__ import annotations

import os
import secrets

from ..files import TEMPORARY, discard
from ..locks import Lock
from .packing import pack
from .run import Run
from .unpacking import unpack
from .workspace import Workspace

LOCK = ".copies.lock"


def duplicated(run: Run, workspace: Workspace, experiment: str, note: str) -> Run:
    """The newest version of an experiment of the same project, if it is a copy of this run; otherwise a new one, which is.

    What only resuming needs is not copied.

    Args:
        note: for the notes of a new copy.

    Raises:
        NotReady: the run is not trained. InvalidValue: a name that cannot be a folder. StorageError: the disk is too small.
    """
    state = run.state()
    # of two processes that are done at once, one makes the copy
    with Lock(run.folder.parent / LOCK):
        made = workspace.versions(state.project, experiment)
        if made and _training(made[-1]) == _training(run):
            return made[-1]
        file = run.folder.with_name(f".{run.folder.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
        try:
            pack(run, file)
            copy = unpack(file, workspace, experiment=experiment)
        finally:
            discard(file)
        copy.note(note)
        return copy


def _training(run: Run) -> tuple[object, ...]:
    """What no two trainings have in common."""
    state = run.state()
    return state.created, state.started, state.ended, state.asked, state.results
