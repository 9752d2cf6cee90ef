"""The predictions of the best epoch for the validation images, kept beside its weights; thresholds are chosen from them later."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..backends import array_files
from ..data.samples import Samples
from ..decisions import ValidationRecord
from ..errors import DamagedFile, NotFound, NotReady
from ..runs import predictions
from ..runs.file_names import EVALUATED, LOGITS, VALIDATION
from ..runs.run import Run
from ..tasks import Task
from .engine import Handler, Loop
from .progress import Say
from .writer import Writer


class Judged(NamedTuple):
    """The validation images as the best epoch sees them: logits float32 (n, classes), and labels in the form of the task."""

    logits: np.ndarray
    labels: np.ndarray


def snapshot(loop: Loop) -> array_files.Snapshot:
    """The logits of the epoch that has just been found to be the best, ready to be written."""
    assert loop.best_logits is not None
    return array_files.Snapshot({"logits": loop.best_logits, "labels": loop.val.labels}, {"epoch": loop.best.epoch})


def read(run: Run, epoch: int, task: Task) -> Judged:
    """Read what an epoch, the best one of a run, predicted for the validation images.

    Raises:
        NotReady: it was not kept, is of another epoch, or not finite. DamagedFile: it cannot be read.
    """
    path = run.evaluations / VALIDATION / LOGITS
    try:
        arrays, metadata = array_files.read(path)
    except NotFound:
        raise NotReady(
            f"{run} has not kept what it predicts for its validation images (it was trained with an older monklite, or they were "
            "left out of an archive): train it again, or a copy of it"
        ) from None
    if metadata.get("epoch") != epoch:
        raise NotReady(
            f"what {run} has kept of its validation images is of epoch {metadata.get('epoch')}, and its best weights are of "
            f"epoch {epoch}: it was stopped between the two. Resume its training, which mends that"
        )
    return _checked(arrays, task, str(path))


def _checked(arrays: dict[str, np.ndarray], task: Task, where: str) -> Judged:
    found = Judged(*(arrays.get(name, np.empty(0)) for name in Judged._fields))
    n, n_classes = len(found.logits), len(task.classes)
    shape, kind = ((n,), "i") if task.exclusive else ((n, n_classes), "b")
    fits = found.logits.shape == (n, n_classes) and found.labels.shape == shape and found.labels.dtype.kind == kind
    if not (n and fits):
        raise DamagedFile(f"{where} is damaged: it does not hold the predictions for images of {n_classes} classes")
    if task.exclusive and not (found.labels.min() >= 0 and found.labels.max() < n_classes):
        raise DamagedFile(f"{where} is damaged: it has labels that are not among the {n_classes} classes")
    if not np.isfinite(found.logits).all():
        raise NotReady(
            "the scores of the best epoch for the validation images are not finite: take a smaller learning rate"
        )
    return found


class ValidationPredictions(Handler):
    """Writes the table of the predictions for the validation images when the training is over.

    The numbers in it were written with the best weights, see `Checkpoints`, and are read again: the best epoch may have been
    done before a resume. `images`: the validation images, in their order. `is_grouped`: whether some belong to one patient or
    other group.
    """

    def __init__(self, run: Run, images: Samples, is_grouped: bool, writer: Writer, say: Say) -> None:
        self.run, self.images, self.is_grouped, self.writer, self.say = run, images, is_grouped, writer, say

    def train_end(self, loop: Loop) -> None:
        epoch, task = loop.best.epoch, loop.task
        self.writer.put("validation", lambda: self._write(epoch, task))

    def _write(self, epoch: int, task: Task) -> None:
        try:
            judged = read(self.run, epoch, task)
        # the training itself is complete
        except (NotReady, DamagedFile) as error:
            self.say(f"    Note: no table of the validation predictions: {error}\n")
            return
        table = self.run.evaluations / VALIDATION / EVALUATED
        groups = self.images.groups if self.is_grouped else None
        digest = predictions.write(table, task, self.images.paths, judged.labels, judged.logits, groups)
        record = ValidationRecord(epoch=epoch, num_images=len(judged.labels), predictions=digest)
        self.run.update(validation=record)
