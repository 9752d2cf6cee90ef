"""A trained run judged on images with known answers: figures and predictions, stored with the run and returned."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from .data import prepare
from .data.cache import Tick
from .data.prepare import EvaluationData
from .errors import NotReady, StorageError
from .files import write_text
from .inference import Predictor
from .records import ClassResult, Testing
from .runs.file_names import PREDICTIONS, SAMPLES
from .spec import Source
from .statistics import intervals, metrics


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
        samples = predictor.run.folder / SAMPLES
        self._data = prepare.for_testing(predictor.spec, predictor.classes, self.source, self.cache, tick, samples)
        return self._data

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
        classes = self.predictor.classes
        labels, predicted = data.judged.labels, logits.argmax(axis=1)
        table = metrics.confusion(labels, predicted, len(classes))
        correct, total = int(np.trace(table)), len(labels)
        return Testing(
            dataset_path=source.path,
            fingerprint=data.fingerprint,
            weights=self.predictor.weights.name,
            num_images=total,
            num_correct=correct,
            accuracy=correct / total,
            interval=intervals.wilson(correct, total),
            majority_accuracy=float(table.sum(axis=1).max() / total),
            classes={
                name: ClassResult(num_images=int(table[i].sum()), num_correct=int(table[i, i]))
                for i, name in enumerate(classes)
                if table[i].sum()
            },
            confusion=tuple(tuple(int(n) for n in row) for row in table),
            unreadable=int(np.count_nonzero(data.samples.problems != "")),
        )

    def _write_predictions(self, data: EvaluationData, logits: np.ndarray) -> None:
        samples, classes, probabilities = data.judged, self.predictor.classes, metrics.softmax(logits)
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("path", "class", "predicted", *(f"p({name})" for name in classes)))
        for path, label, p in zip(samples.paths, samples.labels, probabilities, strict=True):
            rows.writerow((path, classes[label], classes[int(p.argmax())], *(f"{v:.6f}" for v in p)))
        write_text(self.predictor.run.logs / PREDICTIONS, text.getvalue())
