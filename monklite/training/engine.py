"""One training loop. It knows no framework and writes no file; everything else is attached to it as handlers."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from ..backends.base import Learner
from ..catalog import schedules
from ..data.batches import Batch, Batches
from ..errors import DamagedFile, OutOfMemory, TrainingFailed
from ..processes import Alone, World
from ..records import ACCURACY, EpochRow
from ..spec import Choice
from ..tasks import Task
from .early_stopping import best_of, ended

AGREE_EVERY = 8  # batches after which several processes tell each other whether to stop


class Stopped(Exception):  # noqa: N818 (nothing went wrong)
    """Training was asked to stop, and did so after a whole step."""


@dataclass(frozen=True)
class Point:
    """Where training stands: with the learner's own state, all that going on needs.

    `history`: the epochs done. `images`: how many training images of the epoch under way are done; `steps`: loss, right
    answers and number of images of each of its steps. `seconds`, `waited`: its time so far. `batch_size`: may have
    become smaller than the spec's for want of memory.
    """

    batch_size: int
    history: tuple[EpochRow, ...] = ()
    images: int = 0
    steps: tuple[tuple[float, float, int], ...] = ()
    seconds: float = 0.0
    waited: float = 0.0

    def to_notes(self) -> dict[str, Any]:
        """Plain values for a JSON file; numbers keep every digit."""
        return asdict(self)

    @classmethod
    def from_notes(cls, notes: Any, where: str) -> Point:
        """Read what `to_notes` gave.

        Raises:
            DamagedFile: it is something else.
        """
        try:
            history = tuple(EpochRow(**row) for row in notes["history"])
            steps = tuple((float(loss), float(right), int(n)) for loss, right, n in notes["steps"])
            return cls(**{**notes, "history": history, "steps": steps})
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DamagedFile(f"{where} does not tell where training stood ({error})") from None


class Handler:
    """Something attached to the loop. Every method is called with the loop; override those of interest."""

    def train_start(self, loop: Loop) -> None: ...

    def epoch_start(self, loop: Loop) -> None: ...

    def batch_end(self, loop: Loop) -> None:
        """After each training step and each validation batch; `loop.done` of `loop.total` batches of the epoch."""

    def epoch_end(self, loop: Loop, row: EpochRow) -> None: ...

    def batch_halved(self, loop: Loop, subset: str, reason: str) -> None:
        """The device's memory was too small; it goes on with the `batch_size` of `loop.train` or `loop.val`."""

    def stopping(self, loop: Loop) -> None:
        """Somebody asked to stop: `loop.point()` can be saved."""

    def train_end(self, loop: Loop) -> None:
        """Training is over: all epochs are done, or it was stopped early."""

    def close(self, loop: Loop) -> None:
        """Always called last, also after an error."""


@dataclass
class Loop:
    """Where training stands.

    `history`: rows of the epochs done, also those of an earlier part of a resumed run. `steps`: loss, right answers and
    number of images of each step of this epoch; the first two may still be under way on the device. `images`: how many
    training images of this epoch are done. `patience`: see `ended`. `stop`: set it to stop after the step under way.
    """

    learner: Learner
    train: Batches
    val: Batches
    epochs: int
    base_rate: float
    schedule: Choice
    handlers: Sequence[Handler]
    start: Point | None = None
    patience: int = 0
    history: list[EpochRow] = field(default_factory=list)
    epoch: int = 0
    rate: float = 0.0
    images: int = 0
    done: int = 0
    steps: list[tuple] = field(default_factory=list)
    stop: bool = False
    world: World = field(default_factory=Alone)
    _begun: float = 0.0
    _unasked: int = 0
    _waited: float = 0.0

    def __post_init__(self) -> None:
        start = self.start or Point(self.train.batch_size)
        self.history = list(start.history)
        self._batch_size(start.batch_size)

    @property
    def task(self) -> Task:
        return self.learner.task

    @property
    def total(self) -> int:
        """Batches of this epoch, training and validation."""
        return len(self.steps) + self.train.left(self.images) + len(self.val)

    @property
    def best(self) -> EpochRow:
        return best_of(self.history, self.task.deciding)

    @property
    def ended(self) -> bool:
        return ended(self.history, self.epochs, self.patience, self.task.deciding)

    def point(self) -> Point:
        """Where training stands now; waits for the device.

        Raises:
            TrainingFailed: a loss of this epoch is no number.
        """
        steps = tuple((float(loss), float(right), n) for loss, right, n in self.steps)
        for number, (loss, _, _) in enumerate(steps, 1):
            if not math.isfinite(loss):
                raise TrainingFailed(
                    f"the training loss became {loss} in step {number} of epoch {self.epoch + 1} at learning rate "
                    f"{self.rate:g}: take a smaller learning rate. The weights saved before are kept"
                )
        seconds = time.perf_counter() - self._begun if self.images else 0.0
        return Point(self.train.batch_size, tuple(self.history), self.images, steps, seconds, self._waited)

    def run(self) -> None:
        """Train from where the start point stands to the last epoch, or until `patience` is at its end.

        Raises:
            TrainingFailed: the loss is no longer a number. Stopped: it was asked for.
        """
        try:
            self._fire("train_start")
            while not self.ended:
                self.epoch = len(self.history)
                self._epoch()
            self._fire("train_end")
        finally:
            self._fire("close")

    def _epoch(self) -> None:
        self._enter()
        self._fire("epoch_start")
        train_loss, train_accuracy = self._train()
        val_loss, figures = self._validate()
        val_accuracy = figures.pop(ACCURACY)
        seconds = time.perf_counter() - self._begun
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
        )
        self.history.append(row)
        self.images, self.steps, self._waited = 0, [], 0.0
        for handler in self.handlers:
            handler.epoch_end(self, row)

    def _enter(self) -> None:
        """Begin the epoch, or go on in the middle of it where the start point says so."""
        at = self.start or Point(self.train.batch_size)
        self.start = None
        self._begun, self._waited = time.perf_counter() - at.seconds, at.waited
        self.images, self.steps, self.done = at.images, list(at.steps), len(at.steps)
        self.rate = schedules.learning_rate(self.schedule, self._moment())
        self.learner.set_learning_rate(self.rate)

    def _moment(self) -> schedules.Moment:
        losses = [row.val_loss for row in self.history]
        figures = [row.figure(self.task.deciding) for row in self.history]
        return schedules.Moment(self.base_rate, self.epoch, self.epochs, losses, figures)

    def _train(self) -> tuple[float, float]:
        def step(batch: Batch) -> None:
            loss, right = self.learner.step(batch.images, batch.labels, batch.draws)
            self.steps.append((loss, right, batch.n_images))
            self.images += batch.n_images

        self._over("train", self.images, step)
        steps = self.point().steps
        n = sum(count for _, _, count in steps)
        return sum(loss * count for loss, _, count in steps) / n, sum(right for _, right, _ in steps) / n

    def _validate(self) -> tuple[float, dict[str, float]]:
        parts: list[np.ndarray] = []
        labels: list[np.ndarray] = []

        def judge(batch: Batch) -> None:
            parts.append(self.learner.logits(batch.images, batch.draws))
            labels.append(batch.labels)

        self._over("val", 0, judge)
        logits, truth = (self.world.gather(np.concatenate(arrays)) for arrays in (parts, labels))
        # the leader's numbers for all: processes that disagreed in the last bit might not all stop early
        return self.world.lead(lambda: (self.learner.loss(logits, truth), self.task.figures(logits, truth)))

    def _over(self, subset: str, first: int, work: Callable[[Batch], None]) -> None:
        """Do something with every batch of a subset from image `first` on, in smaller ones where memory does not suffice."""
        reason: str | None = ""
        while reason is not None:
            reason = None
            try:
                for batch in self._timed(getattr(self, subset), first):
                    work(batch)
                    first += batch.n_images
                    self._batch_done()
            except OutOfMemory as error:
                if (
                    getattr(self, subset).batch_size == 1 or self.world.size > 1
                ):  # the other processes wait in this step
                    raise
                reason = str(error)
            if reason is not None:  # out of the except block, which holds the failed step's arrays
                self._halve(subset, reason)

    def _halve(self, subset: str, reason: str) -> None:
        """Validation changes no weights, so its batches are its own; what training halves is validated in halves too."""
        gc.collect()
        if subset == "train":
            self._batch_size(self.train.batch_size // 2)
        else:
            self.val = replace(self.val, batch_size=self.val.batch_size // 2)
        for handler in self.handlers:
            handler.batch_halved(self, subset, reason)

    def _batch_size(self, size: int) -> None:
        self.train, self.val = replace(self.train, batch_size=size), replace(self.val, batch_size=size)

    def _timed(self, batches: Batches, first: int) -> Iterator[Batch]:
        """The epoch's batches, counting the time spent waiting for them."""
        iterator = batches.epoch(self.epoch, first)
        try:
            while True:
                begin = time.perf_counter()
                batch = next(iterator, None)
                self._waited += time.perf_counter() - begin
                if batch is None:
                    return
                yield batch
        finally:
            iterator.close()  # type: ignore[attr-defined]

    def _batch_done(self) -> None:
        self.done += 1
        self._fire("batch_end")
        if self._stop_agreed():
            self._fire("stopping")
            raise Stopped

    def _stop_agreed(self) -> bool:
        """Several processes stop after the same step, whichever was asked."""
        if self.world.size == 1:
            return self.stop
        self._unasked = (self._unasked + 1) % AGREE_EVERY  # over the epochs' ends: an epoch may have fewer batches
        return self._unasked == 0 and self.world.any(self.stop)

    def _fire(self, event: str) -> None:
        for handler in self.handlers:
            getattr(handler, event)(self)
