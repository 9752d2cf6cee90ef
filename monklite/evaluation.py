"""Evaluation of a trained run on a test set; figures and predictions are stored with the run."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import choosing_point
from .data import class_columns, prepare
from .data.cache import Tick
from .data.prepare import EvaluationData
from .errors import InvalidValue, NotReady, StorageError
from .inference import Asked, Predictor
from .records import ACCURACY, ClassResult, Testing
from .runs import predictions
from .runs.file_names import PREDICTIONS, SAMPLES
from .spec import Source, Table
from .statistics import intervals, metrics
from .tasks import THRESHOLD, Task, Thresholds
from .training import features


class Evaluation:
    """A trained run and its test set.

    `source`: the test set; None until it is given. `unsaved`: why the last result could not be stored; empty if it was.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.source: Source | None = None
        self.unsaved = ""
        self._data: EvaluationData | None = None

    def use(self, source: Source) -> None:
        """Set the test set; it is read by `prepare`."""
        self.source, self._data, self.unsaved = source, None, ""

    def prepare(self, tick: Tick | None = None) -> EvaluationData:
        """Read the test set at `source`; its classes are matched with those of training by name.

        Raises:
            NotReady: no test set was given.
        """
        if self.source is None:
            raise NotReady("no test set yet: Dataset_Params(dataset_path='test folder')")
        # a test set that cannot be read is not replaced by the one before
        self._data, predictor = None, self.predictor
        samples, task = predictor.run.folder / SAMPLES, predictor.task
        self._data = prepare.for_testing(
            predictor.spec,
            task.classes,
            self._as_in_training(self.source),
            predictor.cache,
            tick,
            samples,
            task.name,
            predictor.levels,
            predictor.record,
        )
        return self._data

    def _as_in_training(self, source: Source) -> Source:
        """Read a table's labels as those of the training table were read, unless it says itself where and how they are."""
        trained = self.predictor.spec.data.sources[0]
        if isinstance(trained, Table):
            source = class_columns.inherited(source, trained.label_columns)
        if not isinstance(source, Table) or source.label_columns or source.label_delimiter:
            return source
        if isinstance(trained, Table) and trained.label_delimiter:
            if trained.label_delimiter == source.delimiter:
                raise InvalidValue(
                    f"{source.csv} separates its columns by {source.delimiter!r}, which separates the labels in the table of "
                    "the training images: give the label_delimiter= of this table"
                )
            return source.model_copy(update={"label_delimiter": trained.label_delimiter})
        return source

    def run(self, tick: Tick | None = None, thresholds: Thresholds = THRESHOLD, n_views: int = 0) -> Testing:
        """Predict every test image; stores the result in the run's state, and the predictions as CSV.

        Args:
            thresholds: of the scores of labels, see `Task.with_thresholds`. n_views: of each image beside itself, over which
                scores are averaged, see `Predictor.stream`.

        Raises:
            NotReady: no test set was read. InvalidType, InvalidValue: thresholds that do not fit.
        """
        task = self.predictor.task.with_thresholds(thresholds)
        data, source, self.unsaved = self._data, self.source, ""
        if data is None or source is None:
            raise NotReady(
                "no test set yet: Dataset_Params(dataset_path='test folder'), then Dataset(), then Evaluate()"
            )
        logits = self._logits(data, tick, Asked(task, n_views))
        result = self._result(data, source, task, logits).model_copy(update={"views": n_views})
        try:
            result = result.model_copy(update={"predictions": self._write_predictions(data, task, logits)})
            self.predictor.run.update(testing=result)
        # the workspace may be read-only; the result is returned nevertheless
        except StorageError as error:
            self.unsaved = str(error)
        return result

    def _logits(self, data: EvaluationData, tick: Tick | None, asked: Asked) -> np.ndarray:
        predictor, total = self.predictor, data.batches.n_images
        # what is kept is of the images themselves
        frozen = None if asked.n_views else predictor.learner.frozen(predictor.spec.data.input_size)
        kept = features.for_batches(frozen, data.batches, predictor.cache)
        if kept is None:
            predictor.speed_up(total)
        chunks, done = [], 0
        try:
            for batch in kept.epoch(data.batches, 0, 0) if kept else data.batches.epoch():
                chunks.append(kept.logits(batch) if kept else predictor.logits(batch.images, batch.draws, asked))
                done += len(batch)
                if tick:
                    tick(done, total)
        finally:
            if kept is not None:
                kept.close()
        return np.concatenate(chunks)

    def _result(self, data: EvaluationData, source: Source, task: Task, logits: np.ndarray) -> Testing:
        labels = data.evaluated.labels
        predicted = task.predicted(logits)
        correct, total = int(task.correct(logits, labels).sum()), len(labels)
        figures = task.test_figures(logits, labels)
        return Testing(
            dataset_path=source.path,
            fingerprint=data.fingerprint,
            weights=self.predictor.weights.name,
            num_images=total,
            num_correct=correct,
            accuracy=figures.pop(ACCURACY),
            interval=intervals.wilson(correct, total),
            majority_accuracy=float(np.unique(task.strata(labels), return_counts=True)[1].max() / total),
            classes=_class_results(task, labels, predicted),
            confusion=_confusion(task, labels, predicted),
            unreadable=int(np.count_nonzero(data.samples.problems != "")),
            figures=figures,
            thresholds=task.thresholds,
            content=data.content,
            only_prediction=task.only_prediction(logits, labels),
            **self._at_point(task, logits, labels),
        )

    def _at_point(self, task: Task, logits: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
        """What a result says about the operating point of the run, unless other thresholds were asked for."""
        predictor = self.predictor
        if predictor.point is None or task is not predictor.task:
            return {}
        figures = choosing_point.figures(predictor.usual_task, predictor.point, logits, labels)
        return {"operating_point": predictor.point.chosen_by, "point_figures": figures}

    def _write_predictions(self, data: EvaluationData, task: Task, logits: np.ndarray) -> str:
        table = self.predictor.run.logs / PREDICTIONS
        return predictions.write(table, task, data.evaluated.paths, data.evaluated.labels, logits)


def _class_results(task: Task, labels: np.ndarray, predicted: np.ndarray) -> dict[str, ClassResult]:
    """Count the predictions of each class that occurs in the test set."""
    truth, answers = task.membership(labels), task.membership(predicted)
    totals, correct, false = truth.sum(axis=0), (truth & answers).sum(axis=0), (~truth & answers).sum(axis=0)
    return {
        name: ClassResult(num_images=int(totals[i]), num_correct=int(correct[i]), num_false=int(false[i]))
        for i, name in enumerate(task.classes)
        if totals[i]
    }


def _confusion(task: Task, labels: np.ndarray, predicted: np.ndarray) -> tuple[tuple[int, ...], ...]:
    if not task.exclusive:
        return ()
    table = metrics.confusion(labels, predicted, len(task.classes))
    return tuple(tuple(int(count) for count in row) for row in table)
