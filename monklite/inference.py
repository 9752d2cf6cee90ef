"""Predictions with the best weights of a trained run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import backends, operating_point
from .averaged_views import averaged
from .backends import Learner, array_files
from .backends.base import FAST_FORM_TOLERANCE, FastForm, GivesEmbeddings
from .catalog import LOSSES, resolve
from .certainty import Certainty, distance_of
from .data import prepare
from .data.augment import Draws
from .data.decoded_input import Decoding, one_image
from .data.depth import Levels
from .decisions import held
from .errors import InvalidValue, NotReady
from .image_predictor import Asked, ImagePredictor, LeftOut, Outputs, Prediction
from .runs.file_names import BEST, DISTANCE, FINAL, VALIDATION
from .runs.run import Run
from .runs.state import RunState
from .spec import Resolved
from .statistics.distance import Distance
from .tasks import Task, task_of

__all__ = ["LeftOut", "Prediction", "Predictor", "network_input", "weights_of"]


def weights_of(run: Run) -> Path:
    """Path of the weights to predict with: the best on validation, or else the last; without the backend's file ending."""
    return run.models / (BEST if run.has_weights(BEST) else FINAL)


class Predictor(ImagePredictor):
    """A trained run with its best weights loaded; predicting does not change the run.

    `usual_task` is that of the run, and `task` is at its operating point.

    Raises:
        NotReady: the run has not been trained. DamagedFile, WeightsMismatch: its weights cannot be loaded.
    """

    def __init__(self, run: Run, cache: Path) -> None:
        state = run.state()
        if not run.is_trained() or state.dataset is None or state.resolved is None:
            raise NotReady(f"{run} has not been trained yet: call Train() first")
        super().__init__()
        self.run, self.cache = run, cache
        # full precision, because bfloat16 has 8 bits for a logit: near ties would be rounded to the first class
        self.spec = resolve(state.asked, state.resolved).replace({"model.precision": "float32"})
        loss = LOSSES[self.spec.training.loss.name]
        self.usual_task = self.task = task_of(state.dataset.label_type, state.dataset.classes, loss.activation)
        self.record = state.dataset
        self.policy = prepare.policy_for_testing(self.spec)
        levels = Levels.recorded(self.record.levels)
        self.decoding = Decoding(self.policy.stored_size, self.policy.prefix, levels)
        self.batch_size, self.workers = self.spec.data.batch_size, self.spec.data.workers
        self.weights = weights_of(run)
        self.learner: Learner = backends.load(self.spec.backend).learner(self.spec, self.task, pretrained=False)
        self.learner.load_weights(self.weights)
        self.decide(state)
        # in use, and the last one that was made
        self._fast: FastForm | None = None
        self._made: FastForm | None = None

    @property
    def levels(self) -> Levels:
        """By which pictures of more than 8 bits are scaled."""
        return self.decoding.levels

    def decide(self, state: RunState) -> None:
        """Predict from now on as was decided on the validation images, as far as it was decided for these weights."""
        epoch = state.results.best_epoch if state.results and self.weights.name == BEST else 0
        self.epoch = epoch or (state.results.epochs_completed if state.results else None)
        self.point = held(state.operating_point, epoch)
        self.task = operating_point.at(self.usual_task, self.point)
        unsure = held(state.unsure, epoch)
        self.certainty = Certainty(unsure, self.usual_task, self._distance) if unsure else None

    def _distance(self) -> Distance:
        path = self.run.evaluations / VALIDATION / DISTANCE
        return distance_of(array_files.read(path)[0], path)

    def outputs(self, pixels: np.ndarray, sizes: np.ndarray, asked: Asked) -> Outputs:
        draws = self.policy.draw(sizes, np.random.default_rng(self.spec.seed))
        return Outputs(self.logits(pixels, draws, asked), lambda: self.embeddings(pixels, draws))

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
            return self._computed(images, view, lambda chunk, of_chunk: self._logits(chunk, of_chunk, asked.task))

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
        return self._computed(images, draws, lambda chunk, of_chunk: backend.embeddings(self.learner, chunk, of_chunk))

    def _computed(
        self, images: np.ndarray, draws: Draws, compute: Callable[[np.ndarray, Draws], np.ndarray]
    ) -> np.ndarray:
        backends.check_process(self.spec.backend)
        chunks = self._in_chunks(len(images), lambda chunk: compute(images[chunk], draws.take(chunk)))
        return np.concatenate(list(chunks))

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


def network_input(image: Any, spec: Resolved, levels: Levels, argument: str) -> tuple[np.ndarray, Draws]:
    """One image as a test image comes to a network: uint8 (1, side, side, 3) and its transforms. Raises as `predict`."""
    policy = prepare.policy_for_testing(spec)
    decoded = Decoding(policy.stored_size, policy.prefix, levels).decoded(one_image(image, argument, False, levels))
    return np.stack([decoded.pixels]), policy.draw(np.array([decoded.size]), np.random.default_rng(spec.seed))
