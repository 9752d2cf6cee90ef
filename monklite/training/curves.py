"""The curves of a training: accuracy and loss over the epochs."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from ..records import EpochRow
from ..reports import charts, run_curves
from ..runs.file_names import ACCURACY_CURVE, LOSS_CURVE
from ..runs.run import Run
from .engine import Handler, Loop
from .writer import Writer

# seconds between two drawings; at the end the curves are always drawn
REDRAW_EVERY = 120.0


class Curves(Handler):
    """Draws the curves from time to time, and at the end.

    The last drawing takes about as long as writing the last weights, so both happen at the same time: the writer has the weights,
    and this thread draws. Therefore it comes after the handlers that hand weights to the writer.
    """

    def __init__(self, run: Run, writer: Writer) -> None:
        self.run, self.writer, self._last_drawing = run, writer, time.monotonic()
        # the writer may still be drawing earlier epochs
        self._drawing, self._n_drawn = threading.Lock(), 0

    def train_start(self, loop: Loop) -> None:
        self.writer.put("matplotlib", self._get_ready)

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        if time.monotonic() - self._last_drawing > REDRAW_EVERY:
            rows = tuple(loop.history)
            self.writer.put("curves", lambda: self._draw(rows))
            self._last_drawing = time.monotonic()

    def train_end(self, loop: Loop) -> None:
        self.run.check_lock()
        self._draw(tuple(loop.history))

    def _get_ready(self) -> None:
        # both change matplotlib's settings for a moment, which are those of the whole process
        with self._drawing:
            charts.get_ready()

    def _draw(self, rows: Sequence[EpochRow]) -> None:
        with self._drawing:
            if len(rows) > self._n_drawn:
                draw_curves(self.run, rows)
                self._n_drawn = len(rows)


def draw_curves(run: Run, rows: Sequence[EpochRow]) -> None:
    """Draw accuracy and loss of training and validation over the epochs, as two PNG files."""
    charts.save(run_curves.accuracy(rows), run.logs / ACCURACY_CURVE)
    charts.save(run_curves.loss(rows), run.logs / LOSS_CURVE)
