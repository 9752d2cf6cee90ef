"""Saving the weights while training: best, last, those of each epoch, and the state for resuming."""

from __future__ import annotations

import functools
import time
from pathlib import Path

from ..backends.base import Snapshot
from ..files import make_folder
from ..records import EpochRow
from ..runs.file_names import BEST, FINAL, LOGITS, RESUME, VALIDATION
from ..runs.run import Run
from ..spec import ResolvedTraining
from . import validation_predictions
from .engine import Handler, Loop
from .writer import Writer

# share of the training time that saving the state for resuming may take
MAX_SAVING_SHARE = 0.01
# seconds of training lost per second of the writing thread, because the two compete (benchmarks/saving.py)
WRITING_SLOWDOWN = 2.0
# seconds between two saves within an epoch
SAVE_EVERY = 60.0


class Checkpoints(Handler):
    """Saves the best and last weights, those of each epoch if asked for, and the state for resuming.

    That state is several times as large as the weights, so it is not written after every short epoch: a killed run repeats
    the steps since the last save, with the same result. The best weights are written before it, and before the results that
    name them; so predictions for the validation images that are of the epoch of the results are those of these weights.
    """

    def __init__(self, run: Run, training: ResolvedTraining, writer: Writer) -> None:
        self.run, self.training, self.writer = run, training, writer
        # the best weights, after what they predict for the validation images, if they are not written yet; replaced by training,
        # emptied by the writing thread
        self._best: list[tuple[Path, Snapshot]] = []
        self._final: Snapshot | None = None
        self._last_save, self._capture_seconds, self._never_saved = time.monotonic(), 0.0, True
        self._writing = Writing()

    def train_start(self, loop: Loop) -> None:
        make_folder(self.run.evaluations / VALIDATION)
        self._last_save = time.monotonic()

    def batch_end(self, loop: Loop) -> None:
        if loop.images and self._due(SAVE_EVERY):
            self._save(loop)

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        is_best, is_last, keep_all = loop.best is row, loop.ended, self.training.save_intermediate_models
        due = is_last or self._never_saved or self._due(0.0)
        if is_best or is_last or keep_all:
            snapshot = loop.learner.capture_weights()
            self._final = snapshot if is_last else None
            if keep_all:
                self._put_intermediate(snapshot, row.epoch - 1)
            if is_best:
                validation = self.run.evaluations / VALIDATION / LOGITS
                self._best = [(validation, validation_predictions.snapshot(loop)), (self.run.models / BEST, snapshot)]
                self.writer.put("best", functools.partial(self._write_best, self._best))
        if due:
            self._save(loop)

    def _write_best(self, best: list[tuple[Path, Snapshot]]) -> None:
        for path, snapshot in best:
            snapshot.write(path)
        best.clear()

    def _put_intermediate(self, snapshot: Snapshot, number: int) -> None:
        prefix = self.run.models / self.training.intermediate_prefix
        self.writer.put(f"intermediate {number}", lambda: snapshot.write(prefix, number))

    def stopping(self, loop: Loop) -> None:
        self._save(loop)

    def train_end(self, loop: Loop) -> None:
        snapshot = self._final or loop.learner.capture_weights()
        self.writer.put("final", lambda: snapshot.write(self.run.models / FINAL))

    def _due(self, interval: float) -> bool:
        """Whether to save now: not while the last save is being written, and only as often as MAX_SAVING_SHARE allows.

        `interval`: least time between two saves, in seconds.
        """
        if self._writing.in_progress:
            return False
        cost = self._capture_seconds + WRITING_SLOWDOWN * self._writing.seconds
        return time.monotonic() - self._last_save > max(interval, cost / MAX_SAVING_SHARE)

    def _save(self, loop: Loop) -> None:
        start = time.perf_counter()
        state, best = loop.learner.capture(loop.position().to_dict()), self._best

        def write() -> None:
            with self._writing:
                # a newer job named "best" may have replaced the one put before this
                self._write_best(best)
                state.write(self.run.models / RESUME)

        self._writing.in_progress = True
        self.writer.put("state", write)
        self._last_save, self._never_saved = time.monotonic(), False
        self._capture_seconds = time.perf_counter() - start


class Writing:
    """A context around writing a save. `seconds`: processor time that the last one took."""

    def __init__(self) -> None:
        self.in_progress, self.seconds = False, 0.0

    def __enter__(self) -> None:
        self._start = time.thread_time()

    def __exit__(self, *_: object) -> None:
        self.in_progress, self.seconds = False, time.thread_time() - self._start
