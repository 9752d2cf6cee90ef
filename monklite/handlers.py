"""What is attached to the training loop: history, checkpoints, progress, memory."""

from __future__ import annotations

import functools
import importlib.util
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from . import charts, history
from .backends.base import Snapshot
from .engine import Handler, Loop
from .history import EpochRow
from .spec import TrainingSpec
from .state import Results
from .workspace import BEST, FINAL, HISTORY, RESUME, Run
from .writer import Writer

Say = Callable[[str], None]

ACCURACY_CURVE, LOSS_CURVE = "train_val_accuracy.png", "train_val_loss.png"
SAVING = 0.01  # share of the time that may go into saving what a killed run goes on from
HINDERS = 2.0  # seconds that training loses to one of the writing thread, for which it waits (benchmarks/saving.py)
SAVE_EVERY = 60.0  # seconds between two saves within an epoch
REDRAW_EVERY = 120.0  # seconds between drawings of the curves; at the end they are always drawn
SAMPLE_EVERY = 0.2  # seconds between two looks at the memory
REFRESH_EVERY = 0.5  # seconds between two looks at the loss, each of which waits for the device
LINE_EVERY = 30.0  # seconds between progress lines where there is no terminal


class History(Handler):
    """Writes `history.csv` after every epoch and draws the curves."""

    def __init__(self, run: Run, writer: Writer) -> None:
        self.run, self.writer, self.drawn = run, writer, time.monotonic()

    def train_start(self, loop: Loop) -> None:
        if loop.start is not None:  # its saved state decides, whatever was written after it
            self._write(loop)

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        self._write(loop)
        if time.monotonic() - self.drawn > REDRAW_EVERY:
            self._draw(loop)

    def train_end(self, loop: Loop) -> None:
        self._draw(loop)

    def _write(self, loop: Loop) -> None:
        rows = tuple(loop.history)
        self.writer.put("history", lambda: history.write(self.run.logs / HISTORY, rows))

    def _draw(self, loop: Loop) -> None:
        rows = tuple(loop.history)
        self.writer.put("curves", lambda: draw_curves(self.run, rows))
        self.drawn = time.monotonic()


def draw_curves(run: Run, rows: Sequence[EpochRow]) -> None:
    """Accuracy and loss of training and validation over the epochs, as two PNG files."""
    accuracy = {"training": [r.train_accuracy for r in rows], "validation": [r.val_accuracy for r in rows]}
    loss = {"training": [r.train_loss for r in rows], "validation": [r.val_loss for r in rows]}
    charts.save(charts.lines("Accuracy", "accuracy", accuracy, percent=True), run.logs / ACCURACY_CURVE)
    charts.save(charts.lines("Loss", "loss", loss), run.logs / LOSS_CURVE)


class Checkpoints(Handler):
    """Keeps the weights: best, last, each epoch's if asked for, and what going on needs.

    What going on needs is several times the weights, so it is not written after every short epoch: a run that is killed
    computes the steps since then again, to the same result. The best weights are written before it, and before the results
    that name them.
    """

    def __init__(self, run: Run, training: TrainingSpec, writer: Writer) -> None:
        self.run, self.training, self.writer = run, training, writer
        self._best: list[Snapshot] = []  # the one not written yet; replaced by training, emptied by the writing thread
        self._final: Snapshot | None = None
        self._saved, self._cost, self._never = time.monotonic(), 0.0, True
        self._writing = Writing()

    def train_start(self, loop: Loop) -> None:
        self._saved = time.monotonic()

    def batch_end(self, loop: Loop) -> None:
        if loop.images and self._due(SAVE_EVERY):
            self._save(loop)

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        best, keep, last = loop.best is row, self.training.save_intermediate_models, loop.ended
        due = last or self._never or self._due(0.0)
        if best or keep or last:
            snapshot = loop.learner.capture_weights()
            self._final = snapshot if last else None
            if keep:
                self._put_intermediate(snapshot, row.epoch - 1)
            if best:
                self._best = [snapshot]
                self.writer.put("best", functools.partial(self._write_best, self._best))
        if due:
            self._save(loop)

    def _write_best(self, best: list[Snapshot]) -> None:
        for snapshot in best:
            snapshot.write(self.run.models / BEST)
        best.clear()

    def _put_intermediate(self, snapshot: Snapshot, number: int) -> None:
        prefix = self.run.models / self.training.intermediate_prefix
        self.writer.put(f"intermediate {number}", lambda: snapshot.write(prefix, number))

    def stopping(self, loop: Loop) -> None:
        self._save(loop)

    def train_end(self, loop: Loop) -> None:
        snapshot = self._final or loop.learner.capture_weights()
        self.writer.put("final", lambda: snapshot.write(self.run.models / FINAL))

    def _due(self, every: float) -> bool:
        """Whether to save now: not while the last save is being written, and at a cost of at most SAVING of the time."""
        if self._writing.under_way:
            return False
        return time.monotonic() - self._saved > max(every, (self._cost + HINDERS * self._writing.seconds) / SAVING)

    def _save(self, loop: Loop) -> None:
        begin = time.perf_counter()
        state, best = loop.learner.capture(loop.point().to_notes()), self._best

        def write() -> None:
            with self._writing:
                self._write_best(best)  # a newer job of that name may have come after this one
                state.write(self.run.models / RESUME)

        self._writing.under_way = True
        self.writer.put("state", write)
        self._saved, self._cost, self._never = time.monotonic(), time.perf_counter() - begin, False


class Writing:
    """Whether a save is being written, and how much processor time the last one took, in seconds."""

    def __init__(self) -> None:
        self.under_way, self.seconds = False, 0.0

    def __enter__(self) -> None:
        self._begin = time.thread_time()

    def __exit__(self, *_: object) -> None:
        self.under_way, self.seconds = False, time.thread_time() - self._begin


class Memory(Handler):
    """Watches the memory of this process, and of this process on the GPUs, from a thread."""

    def __init__(self) -> None:
        self.process_mib = 0.0
        self.gpu_mib: float | None = None
        self._stop = threading.Event()
        self._gpus: _Gpus | None = None
        self._thread: threading.Thread | None = None

    def train_start(self, loop: Loop) -> None:
        import psutil

        process, self._gpus = psutil.Process(), _Gpus()
        self._look(process, self._gpus)  # a training may be over before the thread has looked once
        self._thread = threading.Thread(
            target=self._watch, args=(process, self._gpus), name="monklite-memory", daemon=True
        )
        self._thread.start()

    def close(self, loop: Loop) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._gpus is not None:
            self._gpus.close()

    def _watch(self, process: Any, gpus: _Gpus) -> None:
        while not self._stop.wait(SAMPLE_EVERY):
            self._look(process, gpus)

    def _look(self, process: Any, gpus: _Gpus) -> None:
        self.process_mib = max(self.process_mib, process.memory_info().rss / 2**20)
        used = gpus.used_mib(process.pid)
        self.gpu_mib = used if self.gpu_mib is None else max(self.gpu_mib, used or 0.0)


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

    def __init__(self, run: Run, memory: Memory, writer: Writer) -> None:
        self.run, self.memory, self.writer = run, memory, writer

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        self._put(self._results(loop))

    def train_end(self, loop: Loop) -> None:
        self._put(self._results(loop))

    def _put(self, results: Results) -> None:
        self.writer.put("results", lambda: self.run.update(results=results))

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
            batch_size=loop.train.batch_size,
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
        self.say(
            f"    [Epoch {row.epoch}] Train-acc: {row.train_accuracy:.3f}, Train-loss: {row.train_loss:.3f} | "
            f"Val-acc: {row.val_accuracy:.3f}{best}, Val-loss: {row.val_loss:.3f} | "
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
