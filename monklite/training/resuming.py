"""Resuming a training: its saved state, and the checks that it can be continued."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from ..backends import Learner, array_files
from ..catalog.class_weights import is_balanced
from ..data import dataset_csv
from ..data.batches import Batches
from ..data.prepare import TrainingData
from ..data.samples import quoted
from ..errors import DamagedFile, DatasetError, NotFound, NotReady, cut
from ..looking import exists
from ..records import ACCURACY, DatasetRecord, EpochRow
from ..runs import history
from ..runs.file_names import BEST, HISTORY, RESUME, SAMPLES
from ..runs.run import Run
from ..runs.state import RunState
from ..spec import Choice, Resolved, ResolvedTraining
from ..tasks import SINGLE, TASKS
from . import head_first
from .early_stopping import best_of, ended
from .position import Position
from .progress import Say
from .resume_hints import copy_call, how_to_extend
from .starting_over import check_same_network, starts_over

CHANGEABLE = (
    "training.epochs",
    "training.early_stopping",
    "training.optimizer.params.learning_rate",
    "training.save_intermediate_models",
    "training.intermediate_prefix",
    "data.workers",
    "data.sources",
)
# of these, the ones that change the result of epochs that are repeated, or leave such epochs out
AFFECTING_EPOCHS = ("training.epochs", "training.early_stopping", "training.optimizer.params.learning_rate")


def is_changeable(path: str) -> bool:
    """Whether a resumed run may change the setting at a dotted path."""
    return path.startswith(CHANGEABLE)


def check_change(run: Run, before: Resolved, after: Resolved) -> None:
    """Refuse changes of settings that the weights of a resumed run depend on.

    Raises:
        NotReady: a refused change; the message says how to train with it.
    """
    changed = after.differences(before)
    refused = [path for path in changed if not is_changeable(path)]
    if refused:
        raise _refused_change(run, refused[0])
    if any(path.startswith(AFFECTING_EPOCHS) for path in changed):
        _check_best_is_kept(run)


def check_balance(run: Run, before: Choice | None, after: Choice | None) -> None:
    """Refuse balanced class weights for a resumed run that was not trained with them: it would go on with its own.

    Raises:
        NotReady: as `check_change`.
    """
    if after is not None and is_balanced(after) and (before is None or not is_balanced(before)):
        raise _refused_change(run, "training.loss")


def _refused_change(run: Run, path: str) -> NotReady:
    more = f"copy it: {copy_call(run)}" if run.is_trained() else "train a new version: Prototype(project, experiment)"
    return NotReady(
        f"a resumed run keeps its {path}, because its weights were trained with it. It may change its number of epochs, learning "
        f"rate, early stopping, number of processors and the place of its images; to change more, {more}"
    )


def _labels(record: DatasetRecord) -> str:
    per_image = "one label" if record.label_type == SINGLE else "any number of labels"
    return f"{per_image} per image of {quoted(record.classes)}"


def check_same_images(run: Run, data: TrainingData) -> None:
    """Refuse to resume on other images than those the run was trained on; compares them file by file if possible.

    Raises:
        DatasetError: the images have changed.
    """
    recorded, table = run.state().dataset, run.folder / SAMPLES
    if recorded is not None and (recorded.label_type, recorded.classes) != (
        data.record.label_type,
        data.record.classes,
    ):
        raise DatasetError(
            f"the labels of the images of {run} have changed since it was trained ({_labels(recorded)}; now "
            f"{_labels(data.record)}): give the dataset as it was (with label_delimiter=, if it had one), or train a new version"
        )
    changed = dataset_csv.changed(table, data.samples) if exists(table) else []
    if changed or (recorded is not None and recorded.fingerprint != data.record.fingerprint):
        details = f" ({len(changed)}, the first: {cut(changed[0])})" if changed else ""
        raise DatasetError(
            f"the images of {run} have changed since it was trained{details}: put them back to resume it, or train "
            "a new version"
        )


def _check_best_is_kept(run: Run) -> None:
    """Refuse changes if the best weights are of an epoch that a killed run repeats.

    With other settings that epoch would end differently, and the weights would match no epoch in the history.
    """
    # without a saved state it begins again: every epoch is repeated, and its best weights are written anew
    if not run.has_saved_state():
        return
    done, best = len(saved_position(run).history), _best_written(run)
    if best > done:
        raise NotReady(
            f"{run} resumes after epoch {done}, but its best weights are of epoch {best}, trained with the previous "
            f"settings: resume it without changes first, or copy it: {copy_call(run)}"
        )


def _best_written(run: Run) -> int:
    """The latest epoch that the best weights can be of. The history is written before them, the results after them."""
    results = run.state().results
    epochs = [results.best_epoch if results else 0]
    # a damaged history is rewritten from the saved state
    with contextlib.suppress(NotFound, DamagedFile):
        if rows := history.read(run.logs / HISTORY):
            _check_figure(rows, _deciding(run), str(run.logs / HISTORY))
            epochs.append(best_of(rows, _deciding(run)).epoch)
    return max(epochs)


def _deciding(run: Run) -> str:
    """The figure that decides which epoch of a run is best."""
    dataset = run.state().dataset
    return TASKS[dataset.label_type].deciding_figure if dataset else ACCURACY


def saved_position(run: Run) -> Position:
    """Read the position in a run's saved state, without its weights.

    Raises:
        DamagedFile: it cannot be read.
    """
    path = run.models / RESUME
    with _damage_explained(run):
        position = Position.from_dict(array_files.read_metadata(path).get("notes"), str(path))
        _check_figure(position.history, _deciding(run), str(path))
        return position


def _check_figure(rows: Sequence[EpochRow], figure: str, source: str) -> None:
    """Refuse epochs without the figure that decides which of them is best."""
    if rows and figure != ACCURACY and figure not in rows[0].val_figures:
        raise DamagedFile(f"{source} is damaged: its epochs have no {figure}")


def check_resumable(run: Run, state: RunState) -> None:
    """Refuse a run whose training cannot be continued, nor begun again without a loss.

    Raises:
        NotReady: it cannot; the message says why.
    """
    if state.status == "new" or state.resolved is None:
        raise NotReady(
            f"{run} cannot be resumed: its training has not begun. Set it up and call Train(): Prototype(project, experiment)"
        )
    if not run.has_saved_state() and not starts_over(run):
        hint = f": {copy_call(run)}" if run.is_trained() else ""
        raise NotReady(
            f"{run} cannot be trained further: its state for resuming is not there (it was pruned, or left out of an archive). "
            f"Its weights can be copied into a new version{hint}"
        )


def is_over(run: Run, training: ResolvedTraining) -> bool:
    """Whether a run is done, and stays so with these settings of training."""
    state = run.state()
    if state.status != "done" or state.resolved is None:
        return False
    before = state.resolved.training
    if (before.epochs, before.early_stopping) == (training.epochs, training.early_stopping):
        return True
    rows = saved_position(run).history if run.has_saved_state() else tuple(history.read(run.logs / HISTORY))
    return ended(rows, training.epochs, training.early_stopping, _deciding(run), training.head_epochs)


def restore(run: Run, learner: Learner, spec: Resolved, train: Batches, say: Say) -> Position | None:
    """Load a run's saved state into a learner; returns its position, None if nothing was saved. `train`: the training images.

    Raises:
        DamagedFile: the state cannot be read, or is that of other images. NotReady: there is nothing left to train, or the
        user had changed the network of a training that begins again.
    """
    if starts_over(run):
        check_same_network(run, learner)
        return None
    check_resumable(run, run.state())
    _check_epochs_left(run, spec.training)
    position = saved_position(run)
    _check_images(run, position, train)
    _check_best_can_be_read(run, learner, say)
    if spec.training.head_epochs:
        learner.train_base(spec, head_first.is_over(spec.training, position))
    path = run.models / RESUME
    with _damage_explained(run):
        return Position.from_dict(learner.load(path), str(path))


def _check_epochs_left(run: Run, training: ResolvedTraining) -> None:
    position = saved_position(run)
    done = len(position.history)
    figure = _deciding(run)
    over = ended(position.history, training.epochs, training.early_stopping, figure, training.head_epochs)
    if done > training.epochs or (over and run.state().status == "done"):
        best = best_of(position.history, figure).epoch
        raise NotReady(f"{how_to_extend(run, training, done, best)}, then Train()")
    if over and position.images:
        raise NotReady(
            f"{run} stopped within epoch {done + 1}, and its weights belong to no finished epoch: set at least {done + 1} "
            "epochs, and early_stopping=0 or its previous value"
        )


def _check_images(run: Run, position: Position, train: Batches) -> None:
    """Refuse a position beyond the training images, or with larger batches: memory only ever makes them smaller."""
    for what, saved, present in (
        ("images of an epoch", position.images, train.n_images),
        ("images in a batch", position.batch_size, train.batch_size),
    ):
        if saved > present:
            with _damage_explained(run):
                raise DamagedFile(
                    f"{run.models / RESUME} is of other images, or damaged: it has {saved} {what}, and the run has {present}"
                )


def _check_best_can_be_read(run: Run, learner: Learner, say: Say) -> None:
    """Warn before training if the best weights are damaged; training does not read them and would not notice."""
    try:
        learner.load_weights(run.models / BEST)
    # no epoch has finished yet
    except NotFound:
        pass
    except DamagedFile as error:
        say(f"    Note: {error}; the next epoch that is better replaces it\n")


@contextlib.contextmanager
def _damage_explained(run: Run) -> Iterator[None]:
    """Add to the error about a damaged state what the user can do."""
    try:
        yield
    except DamagedFile as error:
        hint = f"; its best weights can be trained further: {copy_call(run)}" if run.is_trained() else ""
        raise DamagedFile(f"{error}. Its training cannot be resumed{hint}") from None
