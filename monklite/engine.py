"""One training loop. It knows no framework and writes no file; everything else is attached to it as handlers."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from . import metrics, schedules
from .backends.base import Learner
from .data.batches import Batches
from .errors import TrainingFailed
from .history import EpochRow
from .spec import Choice


class Handler:
    """Something attached to the loop. Every method is called with the loop; override those of interest."""

    def train_start(self, loop: Loop) -> None: ...

    def epoch_start(self, loop: Loop) -> None: ...

    def batch_end(self, loop: Loop) -> None:
        """After each training step and each validation batch; `loop.done` of `loop.total` batches of the epoch."""

    def epoch_end(self, loop: Loop, row: EpochRow) -> None: ...

    def train_end(self, loop: Loop) -> None:
        """All epochs are done."""

    def close(self, loop: Loop) -> None:
        """Always called last, also after an error."""


@dataclass
class Loop:
    """Where training stands.

    `history`: rows of the epochs done, also those of an earlier part of a resumed run. `steps`: loss, right answers and
    number of images of each step of this epoch; the first two may still be under way on the device.
    """

    learner: Learner
    train: Batches
    val: Batches
    epochs: int
    base_rate: float
    schedule: Choice
    handlers: Sequence[Handler]
    history: list[EpochRow] = field(default_factory=list)
    epoch: int = 0
    rate: float = 0.0
    done: int = 0
    steps: list[tuple] = field(default_factory=list)
    _waited: float = 0.0

    @property
    def total(self) -> int:
        return len(self.train) + len(self.val)

    @property
    def best(self) -> EpochRow:
        """The epoch with the best validation accuracy; among equals the one with the lower loss, then the earlier."""
        return max(self.history, key=lambda r: (r.val_accuracy, -r.val_loss))

    def run(self) -> None:
        """Train from where the history ends to the last epoch.

        Raises:
            TrainingFailed: the loss is no longer a number.
        """
        try:
            self._fire("train_start")
            for epoch in range(len(self.history), self.epochs):
                self.epoch = epoch
                self._epoch()
            self._fire("train_end")
        finally:
            self._fire("close")

    def _epoch(self) -> None:
        begin, self.done, self._waited = time.perf_counter(), 0, 0.0
        self.rate = schedules.learning_rate(self.schedule, self._moment())
        self.learner.set_learning_rate(self.rate)
        self._fire("epoch_start")
        train_loss, train_accuracy = self._train()
        val_loss, val_accuracy = self._validate()
        seconds = time.perf_counter() - begin
        speed = (self.train.n_images + self.val.n_images) / seconds
        row = EpochRow(
            self.epoch + 1, self.rate, train_loss, train_accuracy, val_loss, val_accuracy, seconds, self._waited, speed
        )
        self.history.append(row)
        for handler in self.handlers:
            handler.epoch_end(self, row)

    def _moment(self) -> schedules.Moment:
        losses, accuracies = [r.val_loss for r in self.history], [r.val_accuracy for r in self.history]
        return schedules.Moment(self.base_rate, self.epoch, self.epochs, losses, accuracies)

    def _train(self) -> tuple[float, float]:
        self.steps = []
        for batch in self._timed(self.train):
            loss, correct = self.learner.step(batch.images, batch.labels, batch.draws)
            self.steps.append((loss, correct, len(batch)))
            self._batch_done()
        n = sum(count for _, _, count in self.steps)
        mean = sum(float(loss) * count for loss, _, count in self.steps) / n
        if not math.isfinite(mean):
            raise TrainingFailed(
                f"the training loss became {mean} in epoch {self.epoch + 1} at learning rate {self.rate:g}: take a smaller "
                "learning rate. The weights of the epochs before are kept"
            )
        return mean, sum(float(correct) for _, correct, _ in self.steps) / n

    def _validate(self) -> tuple[float, float]:
        scores, labels = [], []
        for batch in self._timed(self.val):
            scores.append(self.learner.scores(batch.images, batch.draws))
            labels.append(batch.labels)
            self._batch_done()
        logits, truth = np.concatenate(scores), np.concatenate(labels)
        return self.learner.loss(logits, truth), metrics.accuracy(logits, truth)

    def _timed(self, batches: Batches):
        """The epoch's batches, counting the time spent waiting for them."""
        iterator = batches.epoch(self.epoch)
        while True:
            begin = time.perf_counter()
            batch = next(iterator, None)
            self._waited += time.perf_counter() - begin
            if batch is None:
                return
            yield batch

    def _batch_done(self) -> None:
        self.done += 1
        self._fire("batch_end")

    def _fire(self, event: str) -> None:
        for handler in self.handlers:
            getattr(handler, event)(self)
