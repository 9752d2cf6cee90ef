"""Hints about a run that is trained, or was: how to extend it or copy it, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..rules import AUTO
from ..runs.run import Run
from ..runs.state import RunState
from ..spec import Resolved, ResolvedTraining


def how_to_extend(run: Run, training: ResolvedTraining, done: int, best: int) -> str:
    """Say what a finished run needs to be trained further. `done`, `best`: number of epochs done, and the best one."""
    reason = f"{run} has {done} epochs already"
    calls = [f"update_num_epochs(more than {done})"]
    if done < training.epochs:
        reason, calls = f"{run} stopped early after {done} of {training.epochs} epochs", []
    without_better = done - max(best, training.head_epochs)
    if 0 < training.early_stopping <= without_better:
        calls.append(f"update_early_stopping(0, or more than {without_better})")
    # stopped by a callback
    if not calls:
        return f"{reason}: to train it further, call Train()"
    return f"{reason}: to train it further, call {' and '.join(calls)}"


def copy_call(run: Run) -> str:
    """The call with which a user copies a run."""
    project, experiment, _ = run.folder.parts[-3:]
    return f"Prototype(..., copy_from=[{project!r}, {experiment!r}, {run.version}])"


def slow_precision(run: Run, spec: Resolved, candidates: Sequence[str]) -> Iterator[str]:
    """Yield a note if a run goes on in a precision that is slow here: its weights and its history are of that precision.

    Args:
        candidates: the precisions that may be fast on this device.
    """
    if spec.model.precision not in (AUTO, *candidates):
        yield (
            f"the training of {run} began in {spec.model.precision} on another device and goes on in it, although this device "
            f"is slow in it. To train in {candidates[0]}, copy it: {copy_call(run)}"
        )


def how_it_stays(previous: Run, state: RunState, new: Run) -> Iterator[str]:
    """Yield what becomes of the version before a new one, unless its training never began."""
    if state.status == "done":
        yield f"{previous.folder.name} is trained and stays as it is; this goes into {new.folder.name}"
    elif state.status != "new":
        hint = " (Prototype(..., resume_train=True) resumes it)" if previous.has_saved_state() else ""
        yield (
            f"{previous.folder.name} is {state.status} and stays as it is{hint}; this goes into {new.folder.name} and starts "
            "from the beginning"
        )
