"""What is attached to the training loop: history, checkpoints, progress, memory."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from typing import Any

from ..records import EpochRow
from .engine import Handler, Loop

Say = Callable[[str], None]

REFRESH_EVERY = 0.5  # seconds between two looks at the loss, each of which waits for the device
LINE_EVERY = 30.0  # seconds between progress lines where there is no terminal


class Progress(Handler):
    """Tells how training goes: a bar in a terminal or notebook, plain lines elsewhere, a line an epoch everywhere."""

    def __init__(self, say: Say, bar: bool = True, lines: bool = True) -> None:
        self.say, self.bar_wanted, self.lines = say, bar, lines
        self._bar: Any = None
        self._looked = self._told = self._begin = 0.0
        self._before: float | None = None  # epochs done when this part of the training began

    def epoch_start(self, loop: Loop) -> None:
        if self._before is None:
            self._begin, self._before = time.monotonic(), self._position(loop)
        if self.lines:
            self.say(f"    Epoch {loop.epoch + 1}/{loop.epochs}    learning rate {loop.rate:.3g}")
            self.say("    ----------")
        self._looked = self._told = time.monotonic()
        self._bar = bar(loop.total, "    train", loop.done) if self.bar_wanted else None

    def batch_halved(self, loop: Loop, subset: str, reason: str) -> None:
        self._close_bar()
        size = f"{loop.train.batch_size}" if subset == "train" else f"{loop.val.batch_size} in validation"
        self.say(f"    Note: {reason}. It goes on with a batch_size of {size}")

    def stopping(self, loop: Loop) -> None:
        self._close_bar()

    def batch_end(self, loop: Loop) -> None:
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update()
            if now - self._looked > REFRESH_EVERY:
                self._looked = now
                self._bar.set_description("    train" if loop.images < loop.train.n_images else "    val  ")
                self._bar.set_postfix(loss=f"{float(loop.steps[-1][0]):.3f}")
        elif self.lines and self.bar_wanted and now - self._told > LINE_EVERY:
            self._told = now
            self.say(f"    batch {loop.done}/{loop.total}, loss {float(loop.steps[-1][0]):.3f}, {self._left(loop)}")

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        self._close_bar()
        if not self.lines:
            return
        best = " (best)" if loop.best is row else ""
        further = "".join(f", Val-{name}: {value:.3f}" for name, value in row.val_figures.items())
        self.say(
            f"    [Epoch {row.epoch}] Train-acc: {row.train_accuracy:.3f}, Train-loss: {row.train_loss:.3f} | "
            f"Val-acc: {row.val_accuracy:.3f}{further}{best}, Val-loss: {row.val_loss:.3f} | "
            f"time: {duration(row.seconds)}, {row.images_per_second:.0f} images/s"
        )
        self.say("" if loop.ended else f"    {self._left(loop)}\n")

    def train_end(self, loop: Loop) -> None:
        if self.lines and len(loop.history) < loop.epochs:
            self.say(f"    Stopped early: no epoch after {loop.best.epoch} was better on validation\n")

    def _left(self, loop: Loop) -> str:
        now = self._position(loop)
        seconds = (time.monotonic() - self._begin) / (now - (self._before or 0.0)) * (loop.epochs - now)
        return f"about {duration(seconds)} left"

    @staticmethod
    def _position(loop: Loop) -> float:
        """Epochs done, with the part of the one under way."""
        return loop.epoch + loop.done / loop.total

    def close(self, loop: Loop) -> None:
        self._close_bar()

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def bar(total: int, title: str, done: int = 0) -> Any:
    """A progress bar for a terminal or a notebook; None where output goes to a file or a pipe."""
    if in_notebook() and importlib.util.find_spec("ipywidgets"):
        from tqdm.notebook import tqdm
    elif in_notebook() or sys.stderr.isatty():
        from tqdm import tqdm
    else:
        return None
    return tqdm(total=total, desc=title, initial=done, leave=False, dynamic_ncols=True)


def in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel (Colab and Kaggle too)."""
    shell = sys.modules.get("IPython")
    instance = shell.get_ipython() if shell is not None else None
    return type(instance).__name__ in ("ZMQInteractiveShell", "Shell")


def duration(seconds: float) -> str:
    """`0.8 s`, `42 s`, `3m 05s`, `2h 10m`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02d}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02d}m"
