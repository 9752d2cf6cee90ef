"""Evaluate a trained model, and predict images with it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

from ..errors import InvalidType, NotReady
from ..inference import Prediction
from ..opening import is_given
from ..rules import Flag, PathText
from ..runs.file_names import PREDICTIONS
from . import messages
from .base import Base
from .checks import api


class EvaluationMethods(Base):
    """`Evaluate`, `Infer`."""

    @api
    def Evaluate(self) -> tuple[float, dict[str, dict[str, Any]]]:
        """Predict the whole test set of `Dataset_Params` and `Dataset` with the best weights.

        Returns:
            Overall accuracy in %, and for each class of the test set
            `{"num_images": ..., "num_correct": ..., "accuracy(%)": ...}`.

        Raises:
            NotReady: the experiment is not trained, or no test set was given.
        """
        evaluation = self._evaluation
        if not self._opened.evaluating:
            raise NotReady(
                "evaluation needs its own mode: Switch_Mode(eval_infer=True), then "
                "Dataset_Params(dataset_path='test folder'), Dataset() and Evaluate()"
            )
        self._console.say("Testing")
        result = evaluation.run(self._console.ticker("    testing"))
        messages.testing(
            self._console,
            type(evaluation.predictor.task),
            result,
            evaluation.predictor.run.logs / PREDICTIONS,
            evaluation.unsaved,
        )
        by_class = {
            name: {
                "num_images": counts.num_images,
                "num_correct": counts.num_correct,
                "accuracy(%)": 100 * counts.accuracy,
            }
            for name, counts in result.classes.items()
        }
        return 100 * result.accuracy, by_class

    @api
    def Infer(
        self,
        img_name: str | os.PathLike[str] | bool = False,
        img_dir: str | os.PathLike[str] | bool = False,
        return_raw: bool = False,
        stream: bool = False,
    ) -> dict[str, Any] | list[dict[str, Any]] | Iterator[dict[str, Any]]:
        """Predict one image, or every image of a folder, with the best weights.

        Args:
            img_name: an image file. img_dir: a folder; its unreadable files are left out with a message.
            return_raw: also return the logits of all classes, as `raw`.
            stream: for a folder, return a generator that yields results as they are ready, in place of a list that may not fit
                into memory. Its threads end with it, even if it is closed early.

        Returns:
            `{"img_name", "predicted_class", "score"}`, the score being a probability, 0 to 1; if images have several labels,
            `{"img_name", "predicted_classes", "scores"}`. For a folder, a list (or a generator) of them sorted by name.

        Raises:
            NotFound: no such file or folder. UnreadableImage: the file is damaged or not an image.
        """
        Flag()("return_raw", return_raw)
        Flag()("stream", stream)
        if is_given(img_name) == is_given(img_dir):
            raise InvalidType("give one: Infer(img_name='image file') or Infer(img_dir='folder')")
        if not is_given(img_name):
            folder = PathText()("img_dir", img_dir)
            return self._infer_stream(folder, return_raw) if stream else self._infer_folder(folder, return_raw)
        if stream:
            raise InvalidType("stream=True goes with a folder: Infer(img_dir='folder', stream=True)")
        prediction = self._evaluation.predictor.predict(PathText()("img_name", img_name))
        messages.prediction(self._console, prediction)
        return _as_dict(prediction, return_raw)

    def _infer_stream(self, folder: str, raw: bool) -> Iterator[dict[str, Any]]:
        return _as_dicts(self._evaluation.predictor.stream(folder, lambda _, problem: self._left_out(problem)), raw)

    def _infer_folder(self, folder: str, raw: bool) -> list[dict[str, Any]]:
        predictions, problems = self._evaluation.predictor.predict_folder(
            folder, self._console.ticker("    predicting")
        )
        self._console.block("Prediction", {"Dir path": folder, "Total Images": len(predictions) + len(problems)})
        for problem in problems.values():
            self._left_out(problem)
        return [_as_dict(prediction, raw) for prediction in predictions]

    def _left_out(self, problem: str) -> None:
        self._console.say(f"    left out: {problem}")


def _as_dicts(predictions: Generator[Prediction, None, None], raw: bool) -> Iterator[dict[str, Any]]:
    with closing(predictions):
        for prediction in predictions:
            yield _as_dict(prediction, raw)


def _as_dict(prediction: Prediction, raw: bool) -> dict[str, Any]:
    values: dict[str, Any] = {"img_name": prediction.name, **prediction.answer}
    return {**values, "raw": prediction.logits} if raw else values
