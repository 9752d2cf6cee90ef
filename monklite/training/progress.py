"""Progress of a training on the screen: progress bars, lines per epoch, remaining time."""

from __future__ import annotations

import importlib.util
import math
import sys
import time
from collections.abc import Callable
from typing import Any

from ..durations import duration
from ..records import EpochRow
from .engine import Handler, Loop

Say = Callable[[str], None]

# seconds between two readings of the loss, each of which waits for the device
REFRESH_EVERY = 0.5
# seconds between progress lines without a terminal
LINE_EVERY = 30.0


class Progress(Handler):
    """Shows how training proceeds: a bar in a terminal or notebook, plain lines elsewhere, and one line per epoch."""

    def __init__(self, say: Say, bar: bool = True, lines: bool = True) -> None:
        self.say, self.show_bar, self.lines = say, bar, lines
        self._bar: Any = None
        self._last_refresh = self._last_line = self._start = 0.0
        # epochs done when this session began; None until then
        self._epochs_at_start: float | None = None

    def epoch_start(self, loop: Loop) -> None:
        if self._epochs_at_start is None:
            self._start, self._epochs_at_start = time.monotonic(), self._epochs_done(loop)
        if self.lines:
            size = f"    images of {loop.train.size_in(loop.epoch)} px" if loop.train.sizes is not None else ""
            self.say(f"    Epoch {loop.epoch + 1}/{loop.epochs}    learning rate {loop.rate:.3g}{size}")
            self.say("    ----------")
        self._last_refresh = self._last_line = time.monotonic()
        self._bar = bar(loop.total, "    train", loop.done) if self.show_bar else None

    def batch_halved(self, loop: Loop, subset: str, reason: str) -> None:
        self._close_bar()
        size = f"{loop.train.batch_size}" if subset == "train" else f"{loop.val.batch_size} in validation"
        self.say(f"    Note: {reason}. Continuing with a batch_size of {size}")

    def stopping(self, loop: Loop) -> None:
        self._close_bar()

    def batch_end(self, loop: Loop) -> None:
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update()
            if now - self._last_refresh > REFRESH_EVERY:
                self._last_refresh = now
                self._bar.set_description("    train" if loop.images < loop.train.n_images else "    val  ")
                self._bar.set_postfix(loss=f"{float(loop.steps[-1][0]):.3f}")
        elif self.lines and self.show_bar and now - self._last_line > LINE_EVERY:
            self._last_line = now
            self.say(
                f"    batch {loop.done}/{loop.total}, loss {float(loop.steps[-1][0]):.3f}, {self._time_left(loop)}"
            )

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        self._close_bar()
        if not math.isfinite(row.val_loss):
            self.say(
                f"    Note: the validation loss of epoch {row.epoch} is {row.val_loss}: the network's scores are too large for "
                "its numbers. The accuracy of this epoch may mean nothing, and it counts as the worst: take a smaller "
                "learning rate\n"
            )
        if not self.lines:
            return
        best = " (best)" if loop.best is row else ""
        figures = "".join(f", Val-{name}: {value:.3f}" for name, value in row.val_figures.items())
        self.say(
            f"    [Epoch {row.epoch}] Train-acc: {row.train_accuracy:.3f}, Train-loss: {row.train_loss:.3f} | "
            f"Val-acc: {row.val_accuracy:.3f}{figures}{best}, Val-loss: {row.val_loss:.3f} | "
            f"time: {duration(row.seconds)}, {row.images_per_second:.0f} images/s"
        )
        self.say("" if loop.ended else f"    {self._time_left(loop)}\n")

    def train_end(self, loop: Loop) -> None:
        if not self.lines or len(loop.history) >= loop.epochs:
            return
        if loop.finish:
            self.say(f"    Ended by a callback after {len(loop.history)} of {loop.epochs} epochs\n")
        else:
            self.say(f"    Stopped early: no epoch after {loop.best.epoch} was better on validation\n")

    def _time_left(self, loop: Loop) -> str:
        done = self._epochs_done(loop)
        seconds_per_epoch = (time.monotonic() - self._start) / (done - (self._epochs_at_start or 0.0))
        seconds = seconds_per_epoch * (loop.epochs - done)
        sizes = loop.train.sizes
        grows = sizes is not None and loop.train.size_in(loop.epoch) < sizes.full
        return f"about {duration(seconds)} left{', more as the images grow' if grows else ''}"

    @staticmethod
    def _epochs_done(loop: Loop) -> float:
        """Number of epochs done, including the fraction of the current one."""
        return loop.epoch + loop.done / loop.total

    def close(self, loop: Loop) -> None:
        self._close_bar()

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def bar(total: int, title: str, done: int = 0) -> Any:
    """Make a progress bar for a terminal or a notebook; None if the output goes to a file or a pipe."""
    if in_notebook() and importlib.util.find_spec("ipywidgets"):
        from tqdm.notebook import tqdm
    elif in_notebook() or sys.stderr.isatty():
        from tqdm import tqdm
    else:
        return None
    return tqdm(total=total, desc=title, initial=done, leave=False, dynamic_ncols=True)


def in_notebook() -> bool:
    """Whether this process is a Jupyter kernel (also Colab and Kaggle)."""
    shell = sys.modules.get("IPython")
    instance = shell.get_ipython() if shell is not None else None
    return type(instance).__name__ in ("ZMQInteractiveShell", "Shell")
