"""Recording a training: history and results."""

from __future__ import annotations

from ..records import EpochRow, Results
from ..runs import history
from ..runs.file_names import HISTORY
from ..runs.run import Run
from .engine import Handler, Loop
from .memory import Memory
from .writer import Writer


class History(Handler):
    """Writes `history.csv` after every epoch."""

    def __init__(self, run: Run, writer: Writer) -> None:
        self.run, self.writer = run, writer

    def train_start(self, loop: Loop) -> None:
        # a resumed run continues from its saved state; rows written after it are replaced
        if loop.start is not None:
            self._write(loop)

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        self._write(loop)

    def _write(self, loop: Loop) -> None:
        rows = tuple(loop.history)
        self.writer.put("history", lambda: history.write(self.run.logs / HISTORY, rows))


class Record(Handler):
    """Writes the results to the run's state after every epoch."""

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
            figure=loop.task.deciding_figure,
            best_val_figure=best.figure(loop.task.deciding_figure),
            only_prediction=loop.only_prediction,
            train_seconds=seconds,
            images_per_second=images / seconds,
            batch_size=loop.train.batch_size,
            gpu_process_mib=self.memory.gpu_mib,
            gpu_framework_mib=loop.learner.memory(),
            process_mib=self.memory.process_mib or None,
        )
