"""Evaluate a trained model, and predict images with it."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

from ..data.image_input import images_in
from ..errors import InvalidType, NotReady, shown
from ..image_predictor import Prediction
from ..opening_modes import is_given
from ..printable import printable
from ..rules import Flag, PathText
from ..runs.evaluations import predictions_file
from ..setting_ranges import TEST_VIEWS_RANGE
from ..tasks import THRESHOLD, Thresholds
from . import evaluation_messages, messages
from .base import Base
from .checks import api
from .class_accuracies import class_accuracies
from .evaluated import Evaluated

logger = logging.getLogger("monklite")


class EvaluationMethods(Base):
    """`Evaluate`, `Infer`."""

    @api
    def Evaluate(
        self, img_thresh: Thresholds = THRESHOLD, tta: int = 0, name: str | None = None
    ) -> tuple[float, dict[str, dict[str, Any]]]:
        """Predict the whole test set of `Dataset_Params` and `Dataset` with the best weights.

        Predictions, every figure with its 95 % interval, and charts are written into `output/evaluation/<name>` of the run.

        Args:
            img_thresh: as in `Infer`, for images that may have several labels.
            tta: test-time augmentation: scores are averaged over each image and so many other pictures of it, always the same; 1:
                its mirror image; more: also parts of it. It takes as much longer. 0: the image alone.
            name: of the evaluation; None: `test`, or `test-2` and so on if that is of other images, which always stays. The
                same images evaluated again replace their evaluation.

        Returns:
            Overall accuracy in %, and for each class of the test set
            `{"num_images": ..., "num_correct": ..., "accuracy(%)": ...}`. If images have several labels, an image counts in the
            first if exactly its labels are predicted, and each label has its `num_labels` (images that have it), `num_correct`,
            `num_predicted` (images predicted to have it), `precision(%)`, `recall(%)` and `f1(%)` too; its precision is NaN if
            it is never predicted. A notebook shows it as tables of all figures, each with its interval.

        Raises:
            NotReady: the experiment is not trained, or no test set was given. InvalidType, InvalidValue: thresholds that do not
            fit, or a name that cannot be that of a folder or is that of an evaluation of other images.
        """
        evaluation, n_views = self._evaluation, TEST_VIEWS_RANGE("tta", tta)
        if not self._opened.evaluating:
            raise NotReady(
                "evaluation needs its own mode: Switch_Mode(eval_infer=True), then "
                "Dataset_Params(dataset_path='test folder'), Dataset() and Evaluate()"
            )
        self._console.say("Testing")
        result = evaluation.run(self._console.ticker("    testing"), img_thresh, n_views, name)
        run, exclusive = evaluation.predictor.run, evaluation.predictor.task.exclusive
        messages.testing(
            self._console,
            type(evaluation.predictor.task),
            result,
            predictions_file(run, result),
            evaluation.unsaved,
        )
        folder = run.evaluations / result.evaluation if result.evaluation else None
        assert evaluation.figures is not None
        evaluation_messages.figures(self._console, evaluation.figures, folder, name)
        return Evaluated(100 * result.accuracy, class_accuracies(result, exclusive), evaluation.figures)

    @api
    def Infer(
        self,
        img_name: Any = False,
        img_dir: Any = False,
        return_raw: bool = False,
        img_thresh: Thresholds = THRESHOLD,
        stream: bool = False,
        allow_url: bool = False,
        tta: int = 0,
    ) -> dict[str, Any] | list[dict[str, Any]] | Iterator[dict[str, Any]]:
        """Predict one image, several images, or every image of a folder, with the best weights.

        Args:
            img_name: an image: its path, the bytes of its file, an open file, a PIL image, or an array or tensor (NumPy,
                PyTorch, MXNet and others), grey, RGB or RGBA, uint8 0 to 255 or float 0 to 1, before any normalization; after
                training on images of more than 8 bits, numbers of their kind (integers or floats) have their range. Channels are
                in the order RGB: of an image that OpenCV has read, give `image[..., ::-1]`. Or a list, generator or array
                of several images, which may be of different kinds.
            img_dir: a folder, with the folders in it, or a list or generator as above.
            return_raw: also return the logits as `raw`, a dictionary from class to logit.
            img_thresh: if images may have several labels, those are predicted whose score is above it, 0 to 1: one for all,
                a dictionary from label to threshold (0.5 for labels that are not in it), or a list in the order of the labels. At
                its default, those of `Set_Operating_Point` hold, if it was called.
            stream: for several images, return a generator that yields results as they are ready, in place of a list that may
                not fit into memory. Its threads end with it, even if it is closed early.
            allow_url: fetch images whose path is an address (`https://...`), which are refused otherwise.
            tta: as in `Evaluate`.

        Returns:
            `{"img_name", "predicted_class", "score"}`, the score being a probability, 0 to 1; if images have several labels,
            `{"img_name", "predicted_classes", "scores"}`; after `Set_Unsure` with more entries, see there. `img_name` is the
            path as given, or `image 0` after the image's place in the list. For a folder, a list (or a generator) of them sorted
            by name, which is relative to the folder. Of several images, those that cannot be read are left out with a message.

        Raises:
            NotFound: no such file or folder. UnreadableImage: the file is damaged or not an image. InvalidType, InvalidValue: not
            an image, or an array of another shape or range.
        """
        Flag()("return_raw", return_raw)
        Flag()("stream", stream)
        Flag()("allow_url", allow_url)
        n_views = TEST_VIEWS_RANGE("tta", tta)
        if is_given(img_name) == is_given(img_dir):
            raise InvalidType("give one: Infer(img_name='image file') or Infer(img_dir='folder')")
        argument, value = ("img_name", img_name) if is_given(img_name) else ("img_dir", img_dir)
        images = images_in(value, argument, allow_url)
        if images is None and argument == "img_name":
            if stream:
                raise InvalidType(
                    "stream=True goes with a folder: Infer(img_dir='folder', stream=True), or with a list or generator of images"
                )
            prediction = self._evaluation.predictor.predict(value, argument, allow_url, img_thresh, n_views)
            messages.prediction(self._console, prediction)
            return self._as_dict(prediction, return_raw)
        if images is None and not isinstance(value, (str, os.PathLike)):
            raise InvalidType(
                f"img_dir must be a folder, not {shown(value)} ({type(value).__name__}): give images as img_name"
            )
        source = PathText()(argument, value) if images is None else value
        if stream:
            predictions = self._evaluation.predictor.stream(
                source, lambda _, problem: self._left_out(problem), None, argument, allow_url, img_thresh, n_views
            )
            return self._as_dicts(predictions, return_raw)
        return self._infer_list(source, argument, allow_url, return_raw, img_thresh, n_views)

    def _infer_list(
        self, source: Any, argument: str, allow_url: bool, raw: bool, thresholds: Thresholds, n_views: int
    ) -> list[dict[str, Any]]:
        problems: list[str] = []
        ticker = self._console.ticker("    predicting")
        predictions = list(
            self._evaluation.predictor.stream(
                source, lambda _, problem: problems.append(problem), ticker, argument, allow_url, thresholds, n_views
            )
        )
        rows = {"Dir path": source} if isinstance(source, str) else {}
        form = self._evaluation.predictor.form
        computed = {"Computed with": form} if form else {}
        self._console.block("Prediction", {**rows, "Total Images": len(predictions) + len(problems), **computed})
        for problem in problems:
            self._left_out(problem)
        return [self._as_dict(prediction, raw) for prediction in predictions]

    def _left_out(self, problem: str) -> None:
        if self._console.verbose:
            self._console.say(f"    left out: {problem}")
        else:
            # the results are fewer than the images, which must not pass in silence
            logger.warning("left out: %s", printable(problem))

    def _as_dicts(self, predictions: Generator[Prediction, None, None], raw: bool) -> Iterator[dict[str, Any]]:
        with closing(predictions):
            for prediction in predictions:
                yield self._as_dict(prediction, raw)

    def _as_dict(self, prediction: Prediction, raw: bool) -> dict[str, Any]:
        values: dict[str, Any] = {"img_name": prediction.name, **prediction.answer}
        if not raw:
            return values
        classes = self._evaluation.predictor.task.classes
        return {**values, "raw": dict(zip(classes, prediction.logits.tolist(), strict=True))}
