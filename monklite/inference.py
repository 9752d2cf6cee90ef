"""Predictions for images of any kind with the best weights of a trained run: single ones, folders, or streams of any length."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import backends, operating_point
from .averaged_views import averaged
from .backends import Learner
from .backends.base import FAST_FORM_TOLERANCE, FastForm, GivesEmbeddings
from .catalog import LOSSES, resolve
from .certainty import Certainty
from .data import decode, discover, prepare
from .data.augment import Draws, Policy
from .data.cache import Tick
from .data.depth import Levels
from .data.image_input import ImageInput, image_input, images_in
from .data.prefetch import in_order
from .decisions import held
from .errors import InvalidValue, NotFound, NotReady, OutOfMemory, UnreadableImage, shown
from .looking import is_folder
from .processors import cpu_count
from .runs.file_names import BEST, FINAL
from .runs.run import Run
from .runs.state import RunState
from .spec import Resolved
from .tasks import THRESHOLD, Task, Thresholds, task_of
from .working_folder import looked_from

# called with the name of a file and the reason why it cannot be read
LeftOut = Callable[[str, str], None]


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image.

    `answer`: the predicted classes and their scores, as the task words them, and what `Certainty` adds. `scores`: float
    (classes,), 0 to 1; `logits`: float32 (classes,), both in the order of the task's classes.
    """

    name: str
    answer: Mapping[str, Any]
    scores: np.ndarray
    logits: np.ndarray


def weights_of(run: Run) -> Path:
    """Path of the weights to predict with: the best on validation, or else the last; without the backend's file ending."""
    return run.models / (BEST if run.has_weights(BEST) else FINAL)


class Asked(NamedTuple):
    """How a prediction is to be made.

    `task`: that of the run, with the thresholds that turn scores into labels. `n_views`: of each image beside itself, over which
    scores are averaged.
    """

    task: Task
    n_views: int = 0


class Predictor:
    """A trained run with its best weights loaded; predicting does not change the run.

    `usual_task`: that of the run. `task`: the same at the operating point of the run, if it has one, `point`.
    `epoch`: whose weights they are. `certainty`: says which predictions are unsure, where it was asked for.

    Raises:
        NotReady: the run has not been trained. DamagedFile, WeightsMismatch: its weights cannot be loaded.
    """

    def __init__(self, run: Run, cache: Path) -> None:
        state = run.state()
        if not run.is_trained() or state.dataset is None or state.resolved is None:
            raise NotReady(f"{run} has not been trained yet: call Train() first")
        self.run, self.cache = run, cache
        # full precision, because bfloat16 has 8 bits for a logit: near ties would be rounded to the first class
        self.spec = resolve(state.asked, state.resolved).replace({"model.precision": "float32"})
        loss = LOSSES[self.spec.training.loss.name]
        self.usual_task = self.task = task_of(state.dataset.label_type, state.dataset.classes, loss.activation)
        self.record = state.dataset
        self.levels = Levels.recorded(self.record.levels)
        self.weights = weights_of(run)
        self.learner: Learner = backends.load(self.spec.backend).learner(self.spec, self.task, pretrained=False)
        self.learner.load_weights(self.weights)
        self.decide(state)
        # in use, and the last one that was made
        self._fast: FastForm | None = None
        self._made: FastForm | None = None
        # images that fit into memory at once, as far as is known
        self._max_images = sys.maxsize

    def decide(self, state: RunState) -> None:
        """Predict from now on as was decided on the validation images, as far as it was decided for these weights."""
        epoch = state.results.best_epoch if state.results and self.weights.name == BEST else 0
        self.epoch = epoch or (state.results.epochs_completed if state.results else None)
        self.point = held(state.operating_point, epoch)
        self.task = operating_point.at(self.usual_task, self.point)
        unsure = held(state.unsure, epoch)
        self.certainty = Certainty(unsure, self.usual_task, self.run) if unsure else None

    def logits(self, images: np.ndarray, draws: Draws, asked: Asked | None = None) -> np.ndarray:
        """Compute the logits, float32 (n, classes); if memory is too small, with half as many images at a time from then on.

        Args:
            images: uint8 (n, side, side, 3). draws: the transforms of each image. asked: by default the images alone, with the
                usual thresholds.

        Raises:
            OutOfMemory: memory is too small for one image. NotReady: as `backends.check_process`.
        """
        asked = asked or Asked(self.task)

        def logits_of(view: Draws) -> np.ndarray:
            return self._in_chunks(images, view, lambda chunk, of_chunk: self._logits(chunk, of_chunk, asked.task))

        return averaged(logits_of, draws, len(images), asked.n_views, asked.task)

    def embeddings(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        """The features that the head of the network gets, see `GivesEmbeddings`. Arguments and errors as of `logits`.

        Raises:
            InvalidValue: the backend or the network does not show it.
        """
        backend = backends.load(self.spec.backend)
        if not isinstance(backend, GivesEmbeddings):
            raise InvalidValue(
                f"the {self.spec.backend} backend does not show what its networks see: leave out distance="
            )
        return self._in_chunks(images, draws, lambda chunk, of_chunk: backend.embeddings(self.learner, chunk, of_chunk))

    def _in_chunks(
        self, images: np.ndarray, draws: Draws, compute: Callable[[np.ndarray, Draws], np.ndarray]
    ) -> np.ndarray:
        backends.check_process(self.spec.backend)
        chunks: list[np.ndarray] = []
        first = 0
        while first < len(images):
            chunk = slice(first, first + self._max_images)
            try:
                chunks.append(compute(images[chunk], draws.take(chunk)))
                first += len(chunks[-1])
            except OutOfMemory:
                self._max_images = min(self._max_images, len(images) - first) // 2
                if not self._max_images:
                    raise
        return np.concatenate(chunks)

    def speed_up(self, n_images: int) -> None:
        """Get ready to predict so many images. The classes stay the same, scores within `FAST_FORM_TOLERANCE`."""
        self._fast = self.learner.fast_form(self.spec.data.input_size, n_images, self.cache, self._made)
        self._made = self._fast or self._made

    @property
    def form(self) -> str:
        """The name of the faster form of the network that is used; empty if it is none."""
        return self._fast.name if self._fast else ""

    def _logits(self, images: np.ndarray, draws: Draws, task: Task) -> np.ndarray:
        if self._fast is None:
            return self.learner.logits(images, draws)
        logits = self._fast.logits(images, draws)
        limit = FAST_FORM_TOLERANCE * np.maximum(1.0, np.abs(logits).max(axis=1))
        # also those that are not finite; where two classes are nearly equal, the network itself decides
        margins = task.margins(logits)
        if self.certainty is not None:
            margins = np.minimum(margins, self.certainty.margins(logits))
        near = np.flatnonzero(~(margins > limit))
        if len(near):
            logits = logits.copy()
            logits[near] = self.learner.logits(images[near], draws.take(near))
        return logits

    def predict(
        self,
        image: Any,
        argument: str = "image",
        allow_url: bool = False,
        thresholds: Thresholds = THRESHOLD,
        n_views: int = 0,
    ) -> Prediction:
        """Predict one image, of any kind that `image_input` takes. `argument`: what errors call it; `thresholds`, `n_views`: see
        `stream`.

        Raises:
            NotFound: no such file. UnreadableImage: it cannot be read as an image. InvalidType, InvalidValue: not an image.
        """
        asked = Asked(self.task.with_thresholds(thresholds), n_views)
        policy = prepare.policy_for_testing(self.spec)
        decoded = _decode(_one_image(image, argument, allow_url, self.levels), policy, self.levels)
        self.speed_up(1)
        return self._predict_decoded([decoded], policy, asked)[0]

    def predict_folder(self, folder: str | Path, tick: Tick | None = None) -> tuple[list[Prediction], dict[str, str]]:
        """Predict every image of a folder and of the folders in it, sorted by name.

        Returns:
            The predictions, and for each file that cannot be read its name and the reason.

        Raises:
            NotFound: no such folder. DatasetError: no images in it.
        """
        problems: dict[str, str] = {}
        return list(self.stream(folder, problems.__setitem__, tick)), problems

    def stream(
        self,
        source: Any,
        left_out: LeftOut,
        tick: Tick | None = None,
        argument: str = "source",
        allow_url: bool = False,
        thresholds: Thresholds = THRESHOLD,
        n_views: int = 0,
    ) -> Generator[Prediction, None, None]:
        """Predict any number of images, one after the other; threads decode images in advance.

        Args:
            source: a folder, whose images (also those in folders inside it) are predicted sorted by name, or images of any kind
                in a list, a generator or an array (see `image_input`). A prediction has the name of the file in the folder,
                the path as it was given, or `image 0` after its place in `source`.
            left_out: called for each image that is missing or cannot be read.
            tick: called with the number of images done and the total, if `source` has a length.
            argument: what errors call `source`. allow_url: also fetch images from addresses on the web.
            thresholds: of the scores of labels, see `Task.with_thresholds`. n_views: of each image beside itself, over which
                scores are averaged; 1: its mirror image; more: parts of it too.

        Returns:
            A generator; closing it stops its threads.

        Raises:
            NotFound: no such folder. DatasetError: no images in it. InvalidType, InvalidValue: something that is not an image,
            when its turn comes.
        """
        asked = Asked(self.task.with_thresholds(thresholds), n_views)
        if isinstance(source, (str, os.PathLike)):
            names = discover.images_in_folder(source)
            files = (ImageInput(name, str(Path(source, name))) for name in names)
            return self._stream(files, len(names), left_out, tick, asked)
        images = images_in(source, argument, allow_url, self.levels)
        if images is None:
            image = image_input(source, argument, allow_url=allow_url, levels=self.levels)
            return self._stream([image], 1, left_out, tick, asked)
        return self._stream(images, len(source) if isinstance(source, Sized) else None, left_out, tick, asked)

    def _stream(
        self, images: Iterable[ImageInput], total: int | None, left_out: LeftOut, tick: Tick | None, asked: Asked
    ) -> Generator[Prediction, None, None]:
        policy, threads = prepare.policy_for_testing(self.spec), min(self.spec.data.workers, cpu_count())
        # of a generator the length is not known
        self.speed_up(total or 0)
        done = 0
        with (
            ThreadPoolExecutor(threads, "monklite-decoding") as pool,
            closing(in_order(pool, lambda image: _try_decode(image, policy, self.levels), images, threads)) as decoded,
        ):
            while batch := list(islice(decoded, self.spec.data.batch_size)):
                for name, problem in (item for item in batch if not isinstance(item, _Decoded)):
                    left_out(name, problem)
                readable = [item for item in batch if isinstance(item, _Decoded)]
                predictions = self._predict_decoded(readable, policy, asked)
                done += len(batch)
                if tick and total is not None:
                    tick(done, total)
                yield from predictions

    def _predict_decoded(self, images: Sequence[_Decoded], policy: Policy, asked: Asked) -> list[Prediction]:
        if not images:
            return []
        sizes = np.array([image.size for image in images])
        draws = policy.draw(sizes, np.random.default_rng(self.spec.seed))
        pixels, task = np.stack([image.pixels for image in images]), asked.task
        logits = self.logits(pixels, draws, asked)
        scores, labels = task.scores(logits), task.predicted(logits)
        answers = [task.as_dict(*pair) for pair in zip(scores, labels, strict=True)]
        if self.certainty is not None:
            sure = self.certainty.answers(task, logits, labels, lambda: self.embeddings(pixels, draws))
            answers = [{**answer, **more} for answer, more in zip(answers, sure, strict=True)]
        return [
            Prediction(image.name, *of_image) for image, *of_image in zip(images, answers, scores, logits, strict=True)
        ]


def network_input(image: Any, spec: Resolved, levels: Levels, argument: str) -> tuple[np.ndarray, Draws]:
    """One image as a test image comes to a network: uint8 (1, side, side, 3) and its transforms. Raises as `predict`."""
    policy = prepare.policy_for_testing(spec)
    decoded = _decode(_one_image(image, argument, False, levels), policy, levels)
    return np.stack([decoded.pixels]), policy.draw(np.array([decoded.size]), np.random.default_rng(spec.seed))


def _one_image(image: Any, argument: str, allow_url: bool, levels: Levels) -> ImageInput:
    given = image_input(image, argument, allow_url=allow_url, levels=levels)
    if given.is_missing:
        hint = "; it is a folder: give it as img_dir" if is_folder(Path(given.source)) else ""
        raise NotFound(f"there is no image file at {shown(given.source)} ({looked_from()}){hint}")
    return given


class _Decoded(NamedTuple):
    name: str
    pixels: np.ndarray
    size: decode.Size


def _decode(image: ImageInput, policy: Policy, levels: Levels) -> _Decoded:
    decoded = decode.decode(image.content(), policy.stored_size, policy.prefix, levels=levels)
    if decoded.pixels is None:
        raise UnreadableImage(decode.unreadable_message(image.where, decoded.problem))
    return _Decoded(image.name, decoded.pixels, decoded.size)


def _try_decode(image: ImageInput, policy: Policy, levels: Levels) -> _Decoded | tuple[str, str]:
    """Decode an image; if it cannot be read, return its name and the reason."""
    try:
        return _decode(image, policy, levels)
    except (UnreadableImage, NotFound) as error:
        return image.name, str(error)
