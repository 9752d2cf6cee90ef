"""What is attached to the training loop: history, checkpoints, progress, memory."""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from . import charts, history
from .engine import Handler, Loop
from .history import EpochRow
from .spec import TrainingSpec
from .state import Results
from .workspace import BEST, FINAL, HISTORY, RESUME, Run

Say = Callable[[str], None]

ACCURACY_CURVE, LOSS_CURVE = "train_val_accuracy.png", "train_val_loss.png"
REDRAW_EVERY = 60.0  # seconds between drawings of the curves; at the end they are always drawn
SAMPLE_EVERY = 0.2  # seconds between two looks at the memory
REFRESH_EVERY = 0.5  # seconds between two looks at the loss, each of which waits for the device
LINE_EVERY = 30.0  # seconds between progress lines where there is no terminal


class History(Handler):
    """Writes `history.csv` after every epoch and draws the curves."""

    def __init__(self, run: Run) -> None:
        self.run, self.drawn = run, time.monotonic()

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        history.write(self.run.logs / HISTORY, loop.history)
        if time.monotonic() - self.drawn > REDRAW_EVERY:
            self.draw(loop)

    def train_end(self, loop: Loop) -> None:
        self.draw(loop)

    def draw(self, loop: Loop) -> None:
        rows = loop.history
        accuracy = {"training": [r.train_accuracy for r in rows], "validation": [r.val_accuracy for r in rows]}
        loss = {"training": [r.train_loss for r in rows], "validation": [r.val_loss for r in rows]}
        charts.save(charts.lines("Accuracy", "accuracy", accuracy, percent=True), self.run.logs / ACCURACY_CURVE)
        charts.save(charts.lines("Loss", "loss", loss), self.run.logs / LOSS_CURVE)
        self.drawn = time.monotonic()


class Checkpoints(Handler):
    """Keeps the weights: best, last, each epoch's if asked for, and what going on needs."""

    def __init__(self, run: Run, training: TrainingSpec) -> None:
        self.run, self.training = run, training

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        if loop.best is row:
            loop.learner.save_weights(self.run.models / BEST)
        if self.training.save_intermediate_models:
            loop.learner.save_weights(self.run.models / self.training.intermediate_prefix, row.epoch - 1)
        loop.learner.save(self.run.models / RESUME, row.epoch)

    def train_end(self, loop: Loop) -> None:
        loop.learner.save_weights(self.run.models / FINAL)


class Memory(Handler):
    """Watches the memory of this process, and of this process on the GPUs, from a thread."""

    def __init__(self) -> None:
        self.process_mib = 0.0
        self.gpu_mib: float | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def train_start(self, loop: Loop) -> None:
        self._thread = threading.Thread(target=self._watch, name="monklite-memory", daemon=True)
        self._thread.start()

    def close(self, loop: Loop) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        import psutil

        process, gpus = psutil.Process(), _Gpus()
        while True:
            self.process_mib = max(self.process_mib, process.memory_info().rss / 2**20)
            used = gpus.used_mib(os.getpid())
            self.gpu_mib = used if self.gpu_mib is None else max(self.gpu_mib, used or 0.0)
            if self._stop.wait(SAMPLE_EVERY):
                return gpus.close()


class _Gpus:
    """NVIDIA's GPUs through pynvml; none where there is no driver."""

    def __init__(self) -> None:
        import pynvml

        self._nvml = pynvml
        try:
            pynvml.nvmlInit()
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        except pynvml.NVMLError:
            self._handles = []

    def used_mib(self, pid: int) -> float | None:
        """MiB that a process takes on all GPUs; None where the driver does not tell (containers, no GPU)."""
        try:
            processes = [p for h in self._handles for p in self._nvml.nvmlDeviceGetComputeRunningProcesses(h)]
        except self._nvml.NVMLError:
            return None
        mine = [p.usedGpuMemory for p in processes if p.pid == pid and p.usedGpuMemory is not None]
        return sum(mine) / 2**20 if mine else None

    def close(self) -> None:
        if self._handles:
            self._nvml.nvmlShutdown()


class Record(Handler):
    """Keeps the results in the run's state, after every epoch."""

    def __init__(self, run: Run, memory: Memory) -> None:
        self.run, self.memory = run, memory

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        self.run.update(results=self._results(loop))

    def train_end(self, loop: Loop) -> None:
        self.run.update(results=self._results(loop))

    def _results(self, loop: Loop) -> Results:
        last, best = loop.history[-1], loop.best
        seconds = sum(r.seconds for r in loop.history)
        images = (loop.train.n_images + loop.val.n_images) * len(loop.history)
        return Results(
            epochs_completed=len(loop.history),
            train_accuracy=last.train_accuracy,
            train_loss=last.train_loss,
            val_accuracy=last.val_accuracy,
            val_loss=last.val_loss,
            best_val_accuracy=best.val_accuracy,
            best_epoch=best.epoch,
            train_seconds=seconds,
            images_per_second=images / seconds,
            gpu_process_mib=self.memory.gpu_mib,
            gpu_framework_mib=loop.learner.memory(),
            process_mib=self.memory.process_mib or None,
        )


class Progress(Handler):
    """Tells how training goes: a bar in a terminal or notebook, plain lines elsewhere, a line an epoch everywhere."""

    def __init__(self, say: Say, bar: bool = True, lines: bool = True) -> None:
        self.say, self.bar_wanted, self.lines = say, bar, lines
        self._bar: Any = None
        self._looked = self._told = self._begin = 0.0
        self._epochs_before = 0

    def train_start(self, loop: Loop) -> None:
        self._begin, self._epochs_before = time.monotonic(), len(loop.history)

    def epoch_start(self, loop: Loop) -> None:
        if self.lines:
            self.say(f"    Epoch {loop.epoch + 1}/{loop.epochs}    learning rate {loop.rate:.3g}")
            self.say("    ----------")
        self._looked = self._told = time.monotonic()
        self._bar = bar(loop.total, "    train") if self.bar_wanted else None

    def batch_end(self, loop: Loop) -> None:
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update()
            if now - self._looked > REFRESH_EVERY:
                self._looked = now
                self._bar.set_description("    train" if loop.done <= len(loop.train) else "    val  ")
                self._bar.set_postfix(loss=f"{float(loop.steps[-1][0]):.3f}")
        elif self.lines and self.bar_wanted and now - self._told > LINE_EVERY:
            self._told = now
            self.say(f"    batch {loop.done}/{loop.total}, loss {float(loop.steps[-1][0]):.3f}, {self._left(loop)}")

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        self._close_bar()
        if not self.lines:
            return
        best = " (best)" if loop.best is row else ""
        self.say(
            f"    [Epoch {row.epoch}] Train-acc: {row.train_accuracy:.3f}, Train-loss: {row.train_loss:.3f} | "
            f"Val-acc: {row.val_accuracy:.3f}{best}, Val-loss: {row.val_loss:.3f} | "
            f"time: {duration(row.seconds)}, {row.images_per_second:.0f} images/s"
        )
        left = f"    {self._left(loop)}" if row.epoch < loop.epochs else ""
        self.say(f"{left}\n" if left else "")

    def _left(self, loop: Loop) -> str:
        done = loop.epoch - self._epochs_before + loop.done / loop.total
        seconds = (time.monotonic() - self._begin) / done * (loop.epochs - self._epochs_before - done)
        return f"about {duration(seconds)} left"

    def close(self, loop: Loop) -> None:
        self._close_bar()

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def bar(total: int, title: str) -> Any:
    """A progress bar for a terminal or a notebook; None where output goes to a file or a pipe."""
    if in_notebook() and importlib.util.find_spec("ipywidgets"):
        from tqdm.notebook import tqdm
    elif in_notebook() or sys.stderr.isatty():
        from tqdm import tqdm
    else:
        return None
    return tqdm(total=total, desc=title, leave=False, dynamic_ncols=True)


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
