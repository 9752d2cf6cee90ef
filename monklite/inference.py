"""Evaluate a trained run on a test set, and predict single images or folders."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import backends, metrics
from .backends import Learner
from .catalog import resolve
from .data import decode, prepare
from .data.augment import Policy
from .data.cache import Tick
from .data.discover import EXTENSIONS
from .data.prepare import EvaluationData, TestFolder
from .errors import DatasetError, NotFound, NotReady, StorageError, UnreadableImage
from .experiment import weights_of
from .files import write_text
from .state import ClassResult, Testing
from .workspace import PREDICTIONS, SAMPLES, Run


@dataclass(frozen=True)
class Prediction:
    """One image: the most likely class, its probability, and the logits of all classes."""

    name: str
    predicted_class: str
    score: float
    logits: np.ndarray


class Predictor:
    """A trained run, opened to judge and to predict; training is not touched by it."""

    def __init__(self, run: Run, cache: Path) -> None:
        state = run.state()
        if not run.is_trained() or state.dataset is None:
            raise NotReady(f"{run} has not been trained yet: call Train() first")
        self.run, self.cache = run, cache
        # in full precision: bfloat16 has 8 bits for a logit, so that near ties would go to the first class by rounding
        self.spec = resolve(state.spec).replace({"model.precision": "float32"})
        self.classes = state.dataset.classes
        self.weights = weights_of(run)
        self.learner: Learner = backends.load(self.spec.backend).learner(self.spec, self.classes, pretrained=False)
        self.learner.load_weights(self.weights)
        self.data: EvaluationData | None = None
        self._folder: TestFolder | None = None
        self.unsaved = ""  # why the last evaluation could not be stored

    def prepare(self, folder: TestFolder, tick: Tick | None = None) -> EvaluationData:
        """Read a test set; its classes are matched by name with those of training."""
        self.data = prepare.for_testing(self.spec, self.classes, folder, self.cache, tick, self.run.folder / SAMPLES)
        self._folder = folder
        return self.data

    def evaluate(self, tick: Tick | None = None) -> Testing:
        """Predict every test image; keeps the result in the run's state and every prediction as CSV.

        Raises:
            NotReady: no test set was given.
        """
        if self.data is None or self._folder is None:
            raise NotReady(
                "no test set yet: Dataset_Params(dataset_path='test folder'), then Dataset(), then Evaluate()"
            )
        logits = self._scores(tick)
        labels, predicted = self.data.samples.labels, logits.argmax(axis=1)
        table = metrics.confusion(labels, predicted, len(self.classes))
        correct, total = int(np.trace(table)), len(labels)
        result = Testing(
            dataset_path=self._folder.path,
            fingerprint=self.data.fingerprint,
            weights=self.weights.name,
            num_images=total,
            num_correct=correct,
            accuracy=correct / total,
            interval=metrics.wilson(correct, total),
            majority_accuracy=float(table.sum(axis=1).max() / total),
            classes={
                name: ClassResult(num_images=int(table[i].sum()), num_correct=int(table[i, i]))
                for i, name in enumerate(self.classes)
                if table[i].sum()
            },
            confusion=tuple(tuple(int(n) for n in row) for row in table),
            unreadable=len(self.data.problems),
        )
        try:
            self._write_predictions(logits)
            self.run.update(testing=result)
        except StorageError as error:  # a workspace that may only be read: the result is worth having all the same
            self.unsaved = str(error)
        return result

    def _scores(self, tick: Tick | None) -> np.ndarray:
        assert self.data is not None
        parts, done, total = [], 0, self.data.batches.n_images
        for batch in self.data.batches.epoch():
            parts.append(self.learner.scores(batch.images, batch.draws))
            done += len(batch)
            if tick:
                tick(done, total)
        return np.concatenate(parts)

    def _write_predictions(self, logits: np.ndarray) -> None:
        assert self.data is not None
        samples, probabilities = self.data.samples, metrics.softmax(logits)
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("path", "class", "predicted", *(f"p({name})" for name in self.classes)))
        for path, label, p in zip(samples.paths, samples.labels, probabilities, strict=True):
            rows.writerow((path, self.classes[label], self.classes[int(p.argmax())], *(f"{v:.6f}" for v in p)))
        write_text(self.run.logs / PREDICTIONS, text.getvalue())

    def predict(self, path: str | Path) -> Prediction:
        """Predict one image file.

        Raises:
            NotFound, UnreadableImage: see the message.
        """
        if not Path(path).is_file():
            raise NotFound(f"there is no image file at {str(path)!r} (looked from {Path.cwd()})")
        return self._predict_batch([Path(path)], [str(path)])[0][0]

    def predict_folder(self, folder: str | Path, tick: Tick | None = None) -> tuple[list[Prediction], dict[str, str]]:
        """Predict every image of a folder, in the order of their names.

        Returns:
            The predictions, and the files that cannot be read with the reason.

        Raises:
            NotFound: no such folder. DatasetError: no images in it.
        """
        base = Path(folder)
        if not base.is_dir():
            raise NotFound(f"there is no folder at {str(folder)!r} (looked from {Path.cwd()})")
        files = sorted(p for p in base.iterdir() if p.is_file() and p.suffix.lower() in EXTENSIONS and p.name[0] != ".")
        if not files:
            raise DatasetError(f"{base} holds no images (files ending in {' '.join(sorted(EXTENSIONS))})")
        found: list[Prediction] = []
        problems: dict[str, str] = {}
        size = int(self.spec.data.batch_size or 1)
        for start in range(0, len(files), size):
            part = files[start : start + size]
            good, bad = self._predict_batch(part, [p.name for p in part], skip=True)
            found += good
            problems |= bad
            if tick:
                tick(start + len(part), len(files))
        return found, problems

    def _predict_batch(
        self, files: Sequence[Path], names: Sequence[str], skip: bool = False
    ) -> tuple[list[Prediction], dict[str, str]]:
        policy = prepare.policy_for_testing(self.spec)
        images, problems = [], {}
        for file, name in zip(files, names, strict=True):
            try:
                images.append((name, *decode.load(file, policy.stored_size, policy.prefix)))
            except UnreadableImage as error:
                if not skip:
                    raise
                problems[name] = str(error)
        return (self._read_out(images, policy) if images else []), problems

    def _read_out(self, images: list[tuple[str, np.ndarray, Any]], policy: Policy) -> list[Prediction]:
        sizes = np.array([size for _, _, size in images])
        draws = policy.draw(sizes, np.random.default_rng(self.spec.seed))
        logits = self.learner.scores(np.stack([pixels for _, pixels, _ in images]), draws)
        found = []
        for (name, _, _), row, p in zip(images, logits, metrics.softmax(logits), strict=True):
            best = int(p.argmax())
            found.append(Prediction(name, self.classes[best], float(p[best]), row))
        return found
