"""The user's own callbacks."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from ..errors import InvalidType
from ..training.callbacks import HOOKS, TrainingView, check
from .base import Base
from .checks import api

Hook = Callable[[TrainingView], object]


class CallbackMethods(Base):
    """`add_callback`, `remove_callbacks`."""

    @api
    def add_callback(
        self,
        callback: object | None = None,
        train_start: Hook | None = None,
        epoch_start: Hook | None = None,
        batch_end: Hook | None = None,
        epoch_end: Hook | None = None,
        train_end: Hook | None = None,
    ) -> None:
        """Have functions of your own called while `Train()` runs; each is given a view of the training.

        Args:
            callback: an object with one or more of these methods; or give functions by their names:
            train_start, epoch_start, batch_end, epoch_end, train_end: `batch_end` comes after each training step and each batch
                of validation, `epoch_end` when the row of the epoch is in `history`, `train_end` when all epochs are done.

        The view has `epoch`, `epochs`, `subset`, `batch`, `batches`, `images`, `n_images`, `batch_size`, `learning_rate`, `loss`,
        `history`, `best`, `model`, and `stop()`, which ends the training. An error in a callback is printed, and the training
        continues. Random numbers that it draws do not change the training. With several processes, only the first calls it.

            ptf.add_callback(epoch_end=lambda view: print(view.epoch, view.history[-1].val_accuracy))

        Raises:
            InvalidType: it has no such method.
        """
        functions = dict(zip(HOOKS, (train_start, epoch_start, batch_end, epoch_end, train_end), strict=True))
        given = {name: function for name, function in functions.items() if function is not None}
        if callback is None and not given:
            raise InvalidType(f"give an object, or functions by name: {', '.join(HOOKS)}")
        self._callbacks += [check(callback)] if callback is not None else []
        self._callbacks += [check(SimpleNamespace(**given))] if given else []

    @api
    def remove_callbacks(self) -> None:
        """Forget every callback that was added."""
        self._callbacks.clear()
