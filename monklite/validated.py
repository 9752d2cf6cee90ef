"""The figures of a run on its validation images, from what its best epoch predicted for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .catalog import LOSSES
from .data import dataset_csv
from .decisions import held
from .errors import NotFound, NotReady
from .figures import Figures
from .records import ACCURACY
from .reports import evaluation_charts
from .runs import evaluations
from .runs.file_names import BEST, SAMPLES, VALIDATION
from .runs.run import Run
from .runs.state import RunState, now
from .statistics import selection_bias
from .statistics.evaluated import figures_of
from .statistics.selection_bias import Corrected
from .statistics.units import Units
from .tasks import Task, task_of
from .training import validation_predictions


def judge(run: Run) -> Figures | None:
    """The figures, computed once and kept with their charts in `output/evaluation/validation`; None before the training.

    Raises:
        StorageError: they cannot be read, or written. DamagedFile, NotReady: the predictions were not kept, or cannot be used.
    """
    state = run.state()
    if state.results is None or state.dataset is None or state.resolved is None:
        return None
    record = held(state.validation, state.results.best_epoch)
    if record is None:
        raise NotReady(
            "what the best epoch predicts for them was not kept: the training was not finished, or is of an older monklite"
        )
    try:
        known = evaluations.read(run, VALIDATION)
        if known.predictions == record.predictions:
            return known
    except NotFound:
        pass
    figures = _compute(run, state, state.results.best_epoch if state.results else 0, record.predictions)
    folder = evaluations.folder(run, VALIDATION)
    evaluations.drop_outdated_sheets(run, VALIDATION, record.predictions)
    evaluations.write(run, figures)
    evaluation_charts.write(figures, folder)
    return figures


class Validated(NamedTuple):
    """What the best epoch of a run predicted for its validation images. `groups`: of them, None if they are not grouped."""

    task: Task
    logits: np.ndarray
    labels: np.ndarray
    groups: Sequence[str] | None

    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each image, the parts and the wholes (n,), whose sums give the deciding figure."""
        if self.task.deciding_figure == ACCURACY:
            return np.asarray(self.task.correct(self.logits, self.labels), float), np.ones(len(self.labels))
        truth, answers = self.task.membership(self.labels), self.task.membership(self.task.predicted(self.logits))
        return 2.0 * (truth & answers).sum(axis=1), (truth.astype(int) + answers).sum(axis=1).astype(float)


def best_of_all(known: Sequence[Validated]) -> Corrected:
    """The figure of the best of several runs, judged on the same images, without the luck of the choice."""
    parts, wholes = (np.stack(columns, axis=1) for columns in zip(*(one.shares() for one in known), strict=True))
    return selection_bias.corrected(parts, wholes, Units.of(known[0].groups, len(known[0].labels)))


def read(run: Run, state: RunState, epoch: int) -> Validated:
    """Read what an epoch, the best one of a trained run, predicted. Raises as `validation_predictions.read`."""
    assert state.dataset is not None and state.resolved is not None
    data, loss = state.dataset, LOSSES[state.resolved.training.loss.name]
    task = task_of(data.label_type, data.classes, loss.activation)
    return Validated(task, *validation_predictions.read(run, epoch, task), _groups(run, state))


def _compute(run: Run, state: RunState, epoch: int, predictions: str) -> Figures:
    assert state.dataset is not None
    data = state.dataset
    return figures_of(
        *read(run, state, epoch),
        name=VALIDATION,
        made=now(),
        dataset_path="",
        fingerprint=data.fingerprint,
        content="",
        predictions=predictions,
        weights=BEST,
        epoch=epoch,
    )


def _groups(run: Run, state: RunState) -> list[str] | None:
    """The groups of the validation images, in their order; None if they are not grouped."""
    if state.dataset is None or state.dataset.groups is None:
        return None
    return dataset_csv.read_groups(run.folder / SAMPLES, "val", state.dataset)
