"""Going on with a training: what may be changed, where it stands, and whether anything is left to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..backends import Learner, tensors
from ..errors import DamagedFile, NotFound, NotReady
from ..records import ACCURACY
from ..runs import history
from ..runs.file_names import BEST, HISTORY, RESUME
from ..runs.run import Run
from ..spec import Resolved, ResolvedTraining
from ..tasks import TASKS
from .early_stopping import best_of, ended
from .engine import Point
from .progress import Say

MAY_CHANGE = (
    "training.epochs",
    "training.early_stopping",
    "training.optimizer.params.learning_rate",
    "training.save_intermediate_models",
    "training.intermediate_prefix",
    "data.workers",
    "data.sources",
)
# of these, what changes the epochs that are trained again, or leaves them out
RETRAINED_BY = ("training.epochs", "training.early_stopping", "training.optimizer.params.learning_rate")


def check_change(run: Run, before: Resolved, after: Resolved) -> None:
    """Refuse settings that belong to the weights of a run that is gone on with.

    Raises:
        NotReady: names the setting, and how to get a run that may have it.
    """
    changed = after.differences(before)
    refused = [path for path in changed if not path.startswith(MAY_CHANGE)]
    if refused:
        raise NotReady(
            f"a resumed run keeps its {refused[0]}, for its weights were trained with it. It can be given another "
            "number of epochs, learning rate, early stopping, number of processors and place of its images; to change "
            f"more, copy it: {copy_of(run)}"
        )
    if any(path.startswith(RETRAINED_BY) for path in changed):
        _check_best_is_kept(run)


def _check_best_is_kept(run: Run) -> None:
    """A killed run may have best weights of an epoch that is trained again; with other settings it comes out differently, and
    the weights would be of no epoch in the history."""
    done, best = len(saved_point(run).history), _best_written(run)
    if best > done:
        raise NotReady(
            f"{run} goes on from epoch {done}, and its best weights are of epoch {best}, trained with the settings as "
            f"they were: go on without changes first, or copy it: {copy_of(run)}"
        )


def _best_written(run: Run) -> int:
    """The latest epoch that the best weights can be of. The history is written before them, the results after them."""
    results = run.state().results
    epochs = [results.best_epoch if results else 0]
    with contextlib.suppress(NotFound, DamagedFile):  # the history is made anew from the saved state
        if rows := history.read(run.logs / HISTORY):
            epochs.append(best_of(rows, _deciding(run)).epoch)
    return max(epochs)


def _deciding(run: Run) -> str:
    """The figure that decides which epoch of a run is best."""
    dataset = run.state().dataset
    return TASKS[dataset.label_type].deciding if dataset else ACCURACY


def saved_point(run: Run) -> Point:
    """Where a run's saved state stands, read without its weights.

    Raises:
        DamagedFile: it cannot be read.
    """
    saved = run.models / RESUME
    with _damage_explained(run):
        return Point.from_notes(tensors.read_notes(saved).get("notes"), str(saved))


def start(run: Run, learner: Learner, training: ResolvedTraining, say: Say) -> Point:
    """Put a learner where a run's saved state stands.

    Raises:
        DamagedFile: the state cannot be read. NotReady: there is nothing left to train.
    """
    _check_something_is_left(run, training)
    _check_best_can_be_read(run, learner, say)
    saved = run.models / RESUME
    with _damage_explained(run):
        return Point.from_notes(learner.load(saved), str(saved))


def _check_something_is_left(run: Run, training: ResolvedTraining) -> None:
    point = saved_point(run)
    done = len(point.history)
    figure = _deciding(run)
    over = ended(point.history, training.epochs, training.early_stopping, figure)
    if done > training.epochs or (over and run.state().status == "done"):
        best = best_of(point.history, figure).epoch
        raise NotReady(f"{how_to_extend(run, training, done, best)}, then Train()")
    if over and point.images:
        raise NotReady(
            f"{run} stands within epoch {done + 1}, and its weights are of no epoch yet: give it at least {done + 1} "
            "epochs, and early_stopping=0 or as it was"
        )


def _check_best_can_be_read(run: Run, learner: Learner, say: Say) -> None:
    """Tell now if the best weights are damaged: training does not need them, and would end without a word."""
    try:
        learner.load_weights(run.models / BEST)
    except NotFound:
        pass  # no epoch has ended yet
    except DamagedFile as error:
        say(f"    Note: {error}; the next epoch that is better replaces it\n")


def how_to_extend(run: Run, training: ResolvedTraining, done: int, best: int) -> str:
    """What lets a finished run go on. `done`, `best`: epochs."""
    text = f"{run} has {done} epochs already"
    ways = [f"update_num_epochs(more than {done})"]
    if done < training.epochs:
        text, ways = f"{run} stopped early after {done} of {training.epochs} epochs", []
    if 0 < training.early_stopping <= done - best:
        ways.append(f"update_early_stopping(0), or more than {done - best},")
    return f"{text}: {' and '.join(ways)} lets it go on"


def copy_of(run: Run) -> str:
    """How a user copies a run."""
    project, experiment, _ = run.folder.parts[-3:]
    return f"Prototype(..., copy_from=[{project!r}, {experiment!r}, {run.version}])"


@contextlib.contextmanager
def _damage_explained(run: Run) -> Iterator[None]:
    """Say what can still be done about a saved state that is damaged."""
    try:
        yield
    except DamagedFile as error:
        hint = f"; its best weights can be trained further: {copy_of(run)}" if run.is_trained() else ""
        raise DamagedFile(f"{error}. Its training cannot go on{hint}") from None
