"""A trained run judged on images with known answers: figures and predictions, stored with the run and returned."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .data import prepare
from .data.cache import Tick
from .data.prepare import EvaluationData
from .errors import NotReady, StorageError
from .inference import Predictor
from .records import ACCURACY, ClassResult, Testing
from .runs import predictions
from .runs.file_names import PREDICTIONS, SAMPLES
from .spec import Source, Table
from .statistics import intervals, metrics
from .tasks import SINGLE, Task


class Evaluation:
    """A trained run and the test set that it is judged on. `unsaved`: why the last result could not be stored."""

    def __init__(self, predictor: Predictor, cache: Path) -> None:
        self.predictor, self.cache = predictor, cache
        self.source: Source | None = None
        self.unsaved = ""
        self._data: EvaluationData | None = None

    def prepare(self, tick: Tick | None = None) -> EvaluationData:
        """Read the test set at `source`; its classes are matched by name with those of training.

        Raises:
            NotReady: no test set was given.
        """
        if self.source is None:
            raise NotReady("say first which images: Dataset_Params(dataset_path='test folder')")
        predictor = self.predictor
        samples, task = predictor.run.folder / SAMPLES, predictor.task
        self._data = prepare.for_testing(
            predictor.spec, task.classes, self._as_trained(self.source), self.cache, tick, samples, task.name
        )
        return self._data

    def _as_trained(self, source: Source) -> Source:
        """A table whose labels are separated as in the training table, unless something else is said."""
        trained = self.predictor.spec.data.sources[0]
        if isinstance(source, Table) and isinstance(trained, Table) and not source.label_delimiter:
            return source.model_copy(update={"label_delimiter": trained.label_delimiter})
        return source

    def run(self, tick: Tick | None = None) -> Testing:
        """Predict every test image; keeps the result in the run's state and every prediction as CSV.

        Raises:
            NotReady: no test set was read.
        """
        data, source = self._data, self.source
        if data is None or source is None:
            raise NotReady(
                "no test set yet: Dataset_Params(dataset_path='test folder'), then Dataset(), then Evaluate()"
            )
        logits = self._logits(data, tick)
        result = self._result(data, source, logits)
        try:
            self._write_predictions(data, logits)
            self.predictor.run.update(testing=result)
        except StorageError as error:  # a workspace that may only be read: the result is worth having all the same
            self.unsaved = str(error)
        return result

    def _logits(self, data: EvaluationData, tick: Tick | None) -> np.ndarray:
        parts, done, total = [], 0, data.batches.n_images
        for batch in data.batches.epoch():
            parts.append(self.predictor.logits(batch.images, batch.draws))
            done += len(batch)
            if tick:
                tick(done, total)
        return np.concatenate(parts)

    def _result(self, data: EvaluationData, source: Source, logits: np.ndarray) -> Testing:
        task, labels = self.predictor.task, data.judged.labels
        answers = task.predicted(logits)
        correct, total = int(task.right(logits, labels).sum()), len(labels)
        figures = task.figures(logits, labels)
        return Testing(
            dataset_path=source.path,
            fingerprint=data.fingerprint,
            weights=self.predictor.weights.name,
            num_images=total,
            num_correct=correct,
            accuracy=figures.pop(ACCURACY),
            interval=intervals.wilson(correct, total),
            majority_accuracy=float(np.unique(task.strata(labels), return_counts=True)[1].max() / total),
            classes=_by_class(task, labels, answers),
            confusion=_confusion(task, labels, answers),
            unreadable=int(np.count_nonzero(data.samples.problems != "")),
            figures=figures,
        )

    def _write_predictions(self, data: EvaluationData, logits: np.ndarray) -> None:
        table = self.predictor.run.logs / PREDICTIONS
        predictions.write(table, self.predictor.task, data.judged.paths, data.judged.labels, logits)


def _by_class(task: Task, labels: np.ndarray, answers: np.ndarray) -> dict[str, ClassResult]:
    """The classes that the test set has, each for itself."""
    truth, given = task.membership(labels), task.membership(answers)
    has, right, wrong = truth.sum(axis=0), (truth & given).sum(axis=0), (~truth & given).sum(axis=0)
    return {
        name: ClassResult(num_images=int(has[i]), num_correct=int(right[i]), num_false=int(wrong[i]))
        for i, name in enumerate(task.classes)
        if has[i]
    }


def _confusion(task: Task, labels: np.ndarray, answers: np.ndarray) -> tuple[tuple[int, ...], ...]:
    if task.name != SINGLE:
        return ()
    table = metrics.confusion(labels, answers, len(task.classes))
    return tuple(tuple(int(n) for n in row) for row in table)
