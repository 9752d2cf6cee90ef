"""Which weights are kept when: best, last, each epoch's, and what going on needs."""

from __future__ import annotations

import functools
import time

from ..backends.base import Snapshot
from ..records import EpochRow
from ..runs.file_names import BEST, FINAL, RESUME
from ..runs.run import Run
from ..spec import ResolvedTraining
from .engine import Handler, Loop
from .writer import Writer

SAVING = 0.01  # share of the time that may go into saving what a killed run goes on from
HINDERS = 2.0  # seconds that training loses to one of the writing thread, for which it waits (benchmarks/saving.py)
SAVE_EVERY = 60.0  # seconds between two saves within an epoch


class Checkpoints(Handler):
    """Keeps the weights: best, last, each epoch's if asked for, and what going on needs.

    What going on needs is several times the weights, so it is not written after every short epoch: a run that is killed
    computes the steps since then again, to the same result. The best weights are written before it, and before the results
    that name them.
    """

    def __init__(self, run: Run, training: ResolvedTraining, writer: Writer) -> None:
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
