"""The training loop. It knows no framework and writes no file; handlers attached to it do everything else."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import SupportsFloat

import numpy as np

from ..backends.base import Learner
from ..catalog import schedules
from ..data.batches import Batch, Batches
from ..errors import OutOfMemory, TrainingFailed
from ..processes import Alone, World
from ..records import ACCURACY, EpochRow
from ..spec import Choice
from ..tasks import Task
from .early_stopping import best_of, ended
from .features import Features
from .position import Position

# batches after which several processes agree on whether to stop
AGREE_EVERY = 8


class Stopped(Exception):  # noqa: N818 (not an error)
    """Training stopped on request, after a complete step."""


class Handler:
    """Base of what is attached to the loop. Every method is called with the loop; override those of interest."""

    def train_start(self, loop: Loop) -> None: ...

    def epoch_start(self, loop: Loop) -> None: ...

    def batch_end(self, loop: Loop) -> None:
        """Called after each training step and each validation batch; `loop.done` of `loop.total` batches are done."""

    def epoch_end(self, loop: Loop, row: EpochRow) -> None: ...

    def batch_halved(self, loop: Loop, subset: str, reason: str) -> None:
        """Called when memory was too small; training continues with the new `batch_size` of `loop.train` or `loop.val`."""

    def stopping(self, loop: Loop) -> None:
        """Called when training stops on request: `loop.position()` can be saved."""

    def train_end(self, loop: Loop) -> None:
        """Called when training is over: all epochs are done, or early stopping ended it."""

    def close(self, loop: Loop) -> None:
        """Called last, also after an error."""


@dataclass
class Loop:
    """A training in progress.

    `history`: rows of the finished epochs, including those before a resume. `rate`: the learning rate of the first step of this
    epoch. `steps`: loss, number of correct predictions and number of images of each step of this epoch; the device may still be
    computing the first two. `n_steps`: number of steps of this epoch. `images`: number of training images of this epoch done.
    `patience`: see `ended`. `stop`: set it to stop after the current step. `finish`: set it to end training with this epoch.
    `only_prediction`: of the best epoch, see `Results`. `best_logits`: those of the best epoch for the validation images in their
    order, float32 (n, classes); None if that epoch was done before this session. `features`: what the frozen part of the network
    gives for the images of a subset, by its name, where that is kept. `head_epochs`: the first epochs, which have a schedule of
    their own.
    """

    learner: Learner
    train: Batches
    val: Batches
    epochs: int
    base_rate: float
    schedule: Choice
    handlers: Sequence[Handler]
    start: Position | None = None
    patience: int = 0
    history: list[EpochRow] = field(default_factory=list)
    epoch: int = 0
    rate: float = 0.0
    images: int = 0
    done: int = 0
    steps: list[tuple] = field(default_factory=list)
    n_steps: int = 0
    stop: bool = False
    finish: bool = False
    only_prediction: str = ""
    best_logits: np.ndarray | None = None
    world: World = field(default_factory=Alone)
    features: Mapping[str, Features] = field(default_factory=dict)
    head_epochs: int = 0
    # an epoch has just been completed
    _between_epochs: bool = False
    _epoch_start: float = 0.0
    _batches_since_agreement: int = 0
    _waited: float = 0.0

    def __post_init__(self) -> None:
        start = self.start or Position(self.train.batch_size)
        self.history, self.only_prediction = list(start.history), start.only_prediction
        self.epoch = len(self.history)
        self._set_batch_size(start.batch_size)

    @property
    def task(self) -> Task:
        return self.learner.task

    @property
    def total(self) -> int:
        """Number of batches of this epoch, training and validation."""
        return len(self.steps) + self.train.n_batches_from(self.images) + len(self.val)

    @property
    def best(self) -> EpochRow:
        return best_of(self.history, self.task.deciding_figure)

    @property
    def ended(self) -> bool:
        finished, figure = self.finish and self._between_epochs, self.task.deciding_figure
        return finished or ended(self.history, self.epochs, self.patience, figure, self.head_epochs)

    def position(self) -> Position:
        """The current position; waits for the device.

        Raises:
            TrainingFailed: a loss of this epoch is not finite.
        """
        steps = tuple((float(loss), float(correct), n) for loss, correct, n in self.steps)
        for number, (loss, _, _) in enumerate(steps, 1):
            if not math.isfinite(loss):
                raise TrainingFailed(
                    f"the training loss became {loss} in step {number} of epoch {self.epoch + 1} at learning rate "
                    f"{self._rate(number - 1):g}: take a smaller learning rate. The weights saved before are kept"
                )
        seconds = time.perf_counter() - self._epoch_start if self.images else 0.0
        history = tuple(self.history)
        return Position(self.train.batch_size, history, self.images, steps, seconds, self._waited, self.only_prediction)

    def run(self) -> None:
        """Train from the start position to the last epoch, or until `patience` epochs brought no improvement.

        Raises:
            TrainingFailed: the loss is not finite. Stopped: `stop` was set.
        """
        try:
            self._notify("train_start")
            while not self.ended:
                self.epoch = len(self.history)
                self._run_epoch()
            self._notify("train_end")
        finally:
            self._notify("close")

    def _run_epoch(self) -> None:
        self._begin_epoch()
        self._notify("epoch_start")
        train_loss, train_accuracy = self._train()
        logits = self._validation_logits()
        val_loss, figures, only_prediction = self._judge(logits)
        val_accuracy = figures.pop(ACCURACY)
        seconds = time.perf_counter() - self._epoch_start
        speed = (self.train.n_images + self.val.n_images) / seconds
        row = EpochRow(
            self.epoch + 1,
            self.rate,
            train_loss,
            train_accuracy,
            val_loss,
            val_accuracy,
            seconds,
            self._waited,
            speed,
            figures,
            self.train.size_in(self.epoch),
        )
        self.history.append(row)
        if self.best is row:
            self.only_prediction, self.best_logits = only_prediction, logits
        self.images, self.steps, self._waited, self._between_epochs = 0, [], 0.0, True
        for features in self.features.values():
            features.save()
        for handler in self.handlers:
            handler.epoch_end(self, row)
        # only the first process has handlers
        self.finish = self.world.any(self.finish) if self.world.size > 1 else self.finish

    def _begin_epoch(self) -> None:
        """Begin the epoch, or continue within it if the start position says so."""
        start = self.start or Position(self.train.batch_size)
        self.start, self._between_epochs = None, False
        self._epoch_start, self._waited = time.perf_counter() - start.seconds, start.waited
        self.images, self.steps, self.done = start.images, list(start.steps), len(start.steps)
        self._count_steps()
        self.rate = self._rate(0)
        self.learner.set_learning_rate(self.rate)

    def _rate(self, steps_done: int) -> float:
        """The learning rate of the step of this epoch after so many."""
        before = self.head_epochs if self.epoch >= self.head_epochs else 0
        end = self.epochs if self.epoch >= self.head_epochs else self.head_epochs
        losses = [row.val_loss for row in self.history[before:]]
        figures = [row.figure(self.task.deciding_figure) for row in self.history[before:]]
        moment = schedules.Moment(
            self.base_rate, self.epoch - before, end - before, losses, figures, steps_done, self.n_steps
        )
        return schedules.learning_rate(self.schedule, moment)

    def _count_steps(self) -> None:
        self.n_steps = len(self.steps) + self.train.n_batches_from(self.images)

    def _train(self) -> tuple[float, float]:
        per_step = schedules.changes_within_epochs(self.schedule)

        def step(batch: Batch) -> None:
            if per_step:
                self.learner.set_learning_rate(self._rate(len(self.steps)))
            loss, correct = self._step(batch)
            self.steps.append((loss, correct, batch.n_images))
            self.images += batch.n_images

        self._process_batches("train", self.images, step)
        steps = self.position().steps
        total = sum(n for _, _, n in steps)
        return sum(loss * n for loss, _, n in steps) / total, sum(correct for _, correct, _ in steps) / total

    def _step(self, batch: Batch) -> tuple[SupportsFloat, SupportsFloat]:
        if features := self.features.get("train"):
            return features.step(batch)
        return self.learner.step(batch.images, batch.labels, batch.draws)

    def _logits(self, batch: Batch) -> np.ndarray:
        if features := self.features.get("val"):
            return features.logits(batch)
        return self.learner.logits(batch.images, batch.draws)

    def _batches(self, subset: str, first: int) -> Iterator[Batch]:
        batches: Batches = getattr(self, subset)
        features = self.features.get(subset)
        return features.epoch(batches, self.epoch, first) if features else batches.epoch(self.epoch, first)

    def _validation_logits(self) -> np.ndarray:
        """The logits of all validation images in their order, float32 (n, classes); the same in every process."""
        logits: list[np.ndarray] = []
        chosen: list[np.ndarray] = []

        def predict(batch: Batch) -> None:
            logits.append(self._logits(batch))
            chosen.append(batch.chosen)

        self._process_batches("val", 0, predict)
        # the processes share every batch
        order = np.argsort(self.world.gather(np.concatenate(chosen)))
        return self.world.gather(np.concatenate(logits))[order]

    def _judge(self, logits: np.ndarray) -> tuple[float, dict[str, float], str]:
        """The loss, the figures of the task, and the only prediction, see `Results`."""
        labels, task = self.val.labels, self.task
        # all use the leader's numbers: with a difference in the last bit, some processes might stop early and others not
        return self.world.lead(
            lambda: (
                self.learner.loss(logits, labels),
                task.figures(logits, labels),
                task.only_prediction(logits, labels),
            )
        )

    def _process_batches(self, subset: str, first: int, process: Callable[[Batch], None]) -> None:
        """Call `process` with every batch of a subset from image `first` on; halve the batches if memory is too small."""
        reason: str | None = ""
        while reason is not None:
            reason = None
            try:
                for batch in self._timed(self._batches(subset, first)):
                    process(batch)
                    first += batch.n_images
                    self._batch_done()
            except OutOfMemory as error:
                # other processes are waiting within this step, and cannot repeat it
                if getattr(self, subset).batch_size == 1 or self.world.size > 1:
                    raise
                reason = str(error)
            # outside the except block, which keeps the arrays of the failed step in memory
            if reason is not None:
                self._halve_batches(subset, reason)

    def _halve_batches(self, subset: str, reason: str) -> None:
        """Halve the batches of validation alone, or of training and validation together."""
        gc.collect()
        if subset == "train":
            self._set_batch_size(self.train.batch_size // 2)
            self._count_steps()
        else:
            self.val = replace(self.val, batch_size=self.val.batch_size // 2)
        for handler in self.handlers:
            handler.batch_halved(self, subset, reason)

    def _set_batch_size(self, size: int) -> None:
        self.train, self.val = replace(self.train, batch_size=size), replace(self.val, batch_size=size)

    def _timed(self, iterator: Iterator[Batch]) -> Iterator[Batch]:
        """Iterate over batches, and count the time spent waiting for them."""
        try:
            while True:
                start = time.perf_counter()
                batch = next(iterator, None)
                self._waited += time.perf_counter() - start
                if batch is None:
                    return
                yield batch
        finally:
            iterator.close()  # type: ignore[attr-defined]

    def _batch_done(self) -> None:
        self.done += 1
        self._notify("batch_end")
        if self._stop_agreed():
            self._notify("stopping")
            raise Stopped

    def _stop_agreed(self) -> bool:
        """Whether to stop now. Several processes stop after the same step, even if only one was asked to."""
        if self.world.size == 1:
            return self.stop
        # not reset between epochs, because an epoch may have fewer batches than AGREE_EVERY
        self._batches_since_agreement = (self._batches_since_agreement + 1) % AGREE_EVERY
        return self._batches_since_agreement == 0 and self.world.any(self.stop)

    def _notify(self, event: str) -> None:
        for handler in self.handlers:
            getattr(handler, event)(self)
