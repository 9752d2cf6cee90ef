"""The task that a loss trains on a dataset."""

from __future__ import annotations

from ..catalog import LOSSES
from ..catalog.class_weights import in_order
from ..records import DatasetRecord
from ..spec import Choice
from ..tasks import Task, task_of


def fits(task: Task, record: DatasetRecord) -> bool:
    """Whether a task is that of a dataset: one or several labels per image, and the same classes."""
    return (task.name, task.classes) == (record.label_type, record.classes)


def task_for_loss(loss: Choice, record: DatasetRecord) -> Task:
    """The task of the images, with the activation of the loss.

    Raises:
        InvalidValue: the loss does not fit the task, or has class weights that do not fit the classes.
    """
    task = task_of(record.label_type, record.classes, LOSSES[loss.name].activation)
    in_order(loss, record.classes)
    return task
