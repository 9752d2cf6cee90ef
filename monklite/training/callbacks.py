"""The user's own callbacks: called while a training runs, without a say in its result or its record."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..errors import InvalidType, cut, suggestion
from ..records import EpochRow
from .engine import Handler, Loop

logger = logging.getLogger("monklite")
HOOKS = ("train_start", "epoch_start", "batch_end", "epoch_end", "train_end")
Say = Callable[[str], None]


class TrainingView:
    """A training in progress, as callbacks see it: to be read, and to be stopped.

    `epoch` counts from 1. `subset`: `train` or `val`, whose batches are being computed. `batch` of `batches`: those of this epoch
    that are done, training and validation. `images` of `n_images`: training images of this epoch that are done.
    """

    __slots__ = ("_loop",)
    _loop: Loop

    def __init__(self, loop: Loop) -> None:
        object.__setattr__(self, "_loop", loop)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a callback reads the training and cannot set {name!r}; it can end it with stop()")

    epoch = property(lambda self: min(self._loop.epoch + 1, self._loop.epochs))
    epochs = property(lambda self: self._loop.epochs)
    subset = property(lambda self: "train" if self._loop.done <= len(self._loop.steps) else "val")
    batch = property(lambda self: self._loop.done)
    batches = property(lambda self: self._loop.total)
    images = property(lambda self: self._loop.images)
    n_images = property(lambda self: self._loop.train.n_images)
    batch_size = property(lambda self: self._loop.train.batch_size)
    learning_rate = property(lambda self: self._loop.rate)

    @property
    def history(self) -> tuple[EpochRow, ...]:
        """The rows of the finished epochs, with `epoch`, `train_loss`, `val_accuracy` and the other columns of `history.csv`."""
        # copies, because the figures are a dictionary
        return tuple(replace(row, val_figures=dict(row.val_figures)) for row in self._loop.history)

    @property
    def best(self) -> EpochRow | None:
        """The row of the best epoch so far; None in the first."""
        return self.history[self._loop.best.epoch - 1] if self._loop.history else None

    @property
    def model(self) -> Any:
        """The framework's own live network."""
        return self._loop.learner.network

    @property
    def loss(self) -> float:
        """The mean loss of the last training step; reading it waits for the device. NaN before the first step."""
        return float(self._loop.steps[-1][0]) if self._loop.steps else float("nan")

    def stop(self, after_epoch: bool = False) -> None:
        """End the training.

        Args:
            after_epoch: False: after this step, as Ctrl-C does: `Train()` raises KeyboardInterrupt, everything is saved, and the
                run can be resumed. True: at the end of this epoch, as early stopping does: the training is done.
        """
        if after_epoch:
            self._loop.finish = True
        else:
            self._loop.stop = True


class Callbacks(Handler):
    """Calls the user's callbacks. An error in one is told once per hook and logged, and the training goes on."""

    def __init__(self, callbacks: Sequence[object], say: Say) -> None:
        self._callbacks, self._say = callbacks, say
        self._failed: set[str] = set()

    def train_start(self, loop: Loop) -> None:
        self._call("train_start", loop)

    def epoch_start(self, loop: Loop) -> None:
        self._call("epoch_start", loop)

    def batch_end(self, loop: Loop) -> None:
        self._call("batch_end", loop)

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        self._call("epoch_end", loop)

    def train_end(self, loop: Loop) -> None:
        self._call("train_end", loop)

    def _call(self, hook: str, loop: Loop) -> None:
        for callback in self._callbacks:
            try:
                if (function := getattr(callback, hook, None)) is not None:
                    function(TrainingView(loop))
            # of any kind: it is the user's code. Ctrl-C and sys.exit() are no errors, and pass
            except Exception as error:
                self._tell(hook, error)

    def _tell(self, hook: str, error: Exception) -> None:
        first = hook not in self._failed
        self._failed.add(hook)
        logger.log(logging.ERROR if first else logging.DEBUG, "the callback %s failed", hook, exc_info=error)
        if first:
            last = cut(traceback.format_exception_only(error)[-1].strip())
            frames = traceback.extract_tb(error.__traceback__)
            where = f" in line {frames[-1].lineno} of {frames[-1].filename}" if frames else ""
            self._say(
                f"    Note: the callback {hook} failed{where} ({last}); the training goes on, and later errors of it are "
                "not shown\n"
            )


def check(callback: object) -> object:
    """Return a callback if it has a hook.

    Raises:
        InvalidType: it has none, a hook cannot be called, or it is a class.
    """
    hooks = [name for name in HOOKS if hasattr(callback, name)]
    wrong = [name for name in hooks if not callable(getattr(callback, name))]
    if isinstance(callback, type):
        raise InvalidType(f"a callback is an object: give {callback.__name__}(), not the class {callback.__name__}")
    if wrong:
        raise InvalidType(f"{wrong[0]} must be a function of one argument, the view of the training")
    if not hooks:
        own = [name for name in dir(callback) if not name.startswith("_")]
        hint = next((text for name in own if (text := suggestion(name, HOOKS))), "")
        raise InvalidType(f"a callback has one or more of the methods {', '.join(HOOKS)}.{hint}")
    return callback
