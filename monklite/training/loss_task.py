"""The task that a loss trains on a dataset."""

from __future__ import annotations

from ..catalog import LOSSES
from ..errors import InvalidValue
from ..records import DatasetRecord
from ..spec import Choice
from ..tasks import Task, task_of


def fits(task: Task, record: DatasetRecord) -> bool:
    """Whether a task is that of a dataset: one or several labels per image, and the same classes."""
    return (task.name, task.classes) == (record.label_type, record.classes)


def task_for_loss(loss: Choice, record: DatasetRecord) -> Task:
    """The task of the images, with the activation of the loss.

    Raises:
        InvalidValue: the loss does not fit the task, or does not have one weight per class.
    """
    weights = loss.params.get("weight")
    if weights is not None and len(weights) != len(record.classes):
        raise InvalidValue(
            f"the loss has {len(weights)} class weights, and there are {len(record.classes)} classes: give one per class"
        )
    return task_of(record.label_type, record.classes, LOSSES[loss.name].activation)
