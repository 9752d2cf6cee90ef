"""All figures of an evaluation, from the logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..figures import CALIBRATION_ERROR, Figures
from ..tasks import Task
from . import calibration, metrics, of_class, overall
from .judged import Judged


def figures_of(
    task: Task, logits: np.ndarray, labels: np.ndarray, groups: Sequence[str] | np.ndarray | None = None, **about: Any
) -> Figures:
    """The figures of predictions, each with its 95 % interval and its count.

    Args:
        task: with the thresholds that labels were predicted with. logits: (n, classes), n at least 1. labels: as the task has
            them. groups: of each image, such as its patient, which the intervals then take into account; `""`: the image is a
            group of its own. about: the fields of `Figures` that say which evaluation it is: `name`, `made`, `dataset_path`,
            `fingerprint`, `content`, `predictions`, `weights`, and those that have defaults.
    """
    judged = Judged.of(task, logits, labels, groups)
    classes = [of_class.figures(judged, i) for i in range(len(task.classes))]
    bins, error = calibration.bins(*task.confidences(judged.scores, labels), judged.units)
    figures = {name: overall.FIGURES[name](judged, classes) for name in task.overall_figures}
    return Figures(
        **about,
        label_type=task.name,
        n_images=len(labels),
        n_groups=None if groups is None else judged.units.count,
        overall={**figures, CALIBRATION_ERROR: error},
        classes=dict(zip(task.classes, classes, strict=True)),
        confusion=confusion(task, labels, task.predicted(logits)),
        calibration=bins,
        thresholds=task.thresholds,
    )


def confusion(task: Task, labels: np.ndarray, predicted: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """Rows are true classes, columns predicted ones; empty if images may have several labels."""
    if not task.exclusive:
        return ()
    table = metrics.confusion(labels, predicted, len(task.classes))
    return tuple(tuple(row) for row in table.tolist())
