"""Evaluation of a trained run on a test set; figures, predictions and charts are stored with the run."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import choosing_point
from .data import class_columns, prepare
from .data.cache import Tick
from .data.prepare import EvaluationData
from .decisions import OperatingPoint
from .errors import InvalidValue, NotReady, StorageError
from .figures import Figures
from .image_predictor import Asked
from .inference import Predictor
from .records import ACCURACY, ClassResult, Testing
from .reports import evaluation_charts
from .runs import evaluations, predictions
from .runs.file_names import EVALUATED, SAMPLES, check_name
from .runs.state import now
from .spec import Source, Table
from .statistics.evaluated import figures_of
from .tasks import THRESHOLD, Task, Thresholds
from .training import features


class Evaluation:
    """A trained run and its test set.

    `source`: the test set; None until it is given. `figures`: of the last result, None before. `unsaved`: why that could not be
    stored; empty if it was.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.source: Source | None = None
        self.figures: Figures | None = None
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

    def run(
        self,
        tick: Tick | None = None,
        thresholds: Thresholds = THRESHOLD,
        n_views: int = 0,
        name: str | None = None,
    ) -> Testing:
        """Predict every test image; stores the result in the run's state, and all about it in a folder of its own.

        Args:
            thresholds: of the scores of labels, see `Task.with_thresholds`. n_views: of each image beside itself, over which
                scores are averaged, see `Predictor.stream`. name: of the folder, see `evaluations.choose`.

        Raises:
            NotReady: no test set was read. InvalidType, InvalidValue: thresholds that do not fit, or a name that cannot be a
            folder's or is that of an evaluation of other images.
        """
        task = self.predictor.task.with_thresholds(thresholds)
        data, source, self.unsaved = self._data, self.source, ""
        if data is None or source is None:
            raise NotReady(
                "no test set yet: Dataset_Params(dataset_path='test folder'), then Dataset(), then Evaluate()"
            )
        if name is not None:
            # before the images are predicted, which may take long
            evaluations.choose(self.predictor.run, data.content, check_name("evaluation", name))
        logits = self.logits(data, tick, Asked(task, n_views))
        result = self.judged(data, source, task, logits, n_views)
        try:
            return self._stored(data, task, logits, result, name)
        # the workspace may be read-only; the result is returned nevertheless
        except StorageError as error:
            self.unsaved = str(error)
        return result

    def judged(self, data: EvaluationData, source: Source, task: Task, logits: np.ndarray, n_views: int = 0) -> Testing:
        """The result of logits (n, classes) for the test images; nothing is stored but `figures`."""
        self.figures = self._figures(data, source, task, logits, n_views)
        return self._result(data, task, logits, self.figures)

    def _stored(
        self, data: EvaluationData, task: Task, logits: np.ndarray, result: Testing, name: str | None
    ) -> Testing:
        """Write everything about the evaluation into its folder, and the result into the run's state."""
        run = self.predictor.run
        name = evaluations.choose(run, data.content, name)
        folder, images = evaluations.folder(run, name), data.evaluated
        digest = predictions.write(folder / EVALUATED, task, images.paths, images.labels, logits, _groups(data))
        assert self.figures is not None
        self.figures = self.figures.model_copy(update={"name": name, "predictions": digest})
        evaluations.drop_outdated_sheets(run, name, digest)
        evaluations.write(run, self.figures)
        result = result.model_copy(update={"predictions": digest, "evaluation": name})
        run.update(testing=result)
        evaluation_charts.write(self.figures, folder)
        return result

    def logits(self, data: EvaluationData, tick: Tick | None, asked: Asked) -> np.ndarray:
        """What the network gives for the test images in their order, float32 (n, classes)."""
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

    def _figures(self, data: EvaluationData, source: Source, task: Task, logits: np.ndarray, n_views: int) -> Figures:
        return figures_of(
            task,
            logits,
            data.evaluated.labels,
            _groups(data),
            # until it is known which one is free
            name=evaluations.DEFAULT_NAME,
            made=now(),
            dataset_path=source.path,
            fingerprint=data.fingerprint,
            content=data.content,
            predictions="",
            weights=self.predictor.weights.name,
            unreadable=int(np.count_nonzero(data.samples.problems != "")),
            views=n_views,
            epoch=self.predictor.epoch,
            leaks=data.leaks,
            operating_point=point.chosen_by if (point := self._point_of(task)) else "",
        )

    def _result(self, data: EvaluationData, task: Task, logits: np.ndarray, judged: Figures) -> Testing:
        labels, accuracy = data.evaluated.labels, judged.overall[ACCURACY]
        predicted = task.predicted(logits)
        correct, total = int(task.correct(logits, labels).sum()), len(labels)
        figures = task.test_figures(logits, labels)
        return Testing(
            dataset_path=judged.dataset_path,
            fingerprint=judged.fingerprint,
            weights=judged.weights,
            num_images=total,
            num_correct=correct,
            accuracy=figures.pop(ACCURACY),
            interval=(accuracy.low, accuracy.high),
            majority_accuracy=float(np.unique(task.strata(labels), return_counts=True)[1].max() / total),
            classes=_class_results(task, labels, predicted),
            confusion=judged.confusion,
            unreadable=judged.unreadable,
            figures=figures,
            thresholds=task.thresholds,
            content=data.content,
            only_prediction=task.only_prediction(logits, labels),
            views=judged.views,
            leaks=judged.leaks,
            **self._at_point(task, logits, data),
        )

    def _point_of(self, task: Task) -> OperatingPoint | None:
        """The operating point of the run; None if it has none, or other thresholds were asked for."""
        return self.predictor.point if task is self.predictor.task else None

    def _at_point(self, task: Task, logits: np.ndarray, data: EvaluationData) -> dict[str, Any]:
        """The fields of a result about the operating point that it was made at, if it was made at one."""
        predictor = self.predictor
        if (point := self._point_of(task)) is None:
            return {}
        figures = choosing_point.figures(predictor.usual_task, point, logits, data.evaluated.labels, _groups(data))
        return {"operating_point": point.chosen_by, "point_figures": figures}


def _groups(data: EvaluationData) -> np.ndarray | None:
    """The group of each image, such as its patient; None if no two share one."""
    return data.evaluated.groups if data.is_grouped else None


def _class_results(task: Task, labels: np.ndarray, predicted: np.ndarray) -> dict[str, ClassResult]:
    """Count the predictions of each class that occurs in the test set."""
    truth, answers = task.membership(labels), task.membership(predicted)
    totals, correct, false = truth.sum(axis=0), (truth & answers).sum(axis=0), (~truth & answers).sum(axis=0)
    return {
        name: ClassResult(num_images=int(totals[i]), num_correct=int(correct[i]), num_false=int(false[i]))
        for i, name in enumerate(task.classes)
        if totals[i]
    }
