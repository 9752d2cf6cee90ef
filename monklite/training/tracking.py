"""Trackers that are told of a training while it runs, by a thread of their own: a slow one does not slow the training."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import cut
from ..records import EpochRow
from ..runs.run import Run
from ..trackers.sending import Sending
from ..trackers.table import Row
from ..trackers.tracked import FAILED, FINISHED, STOPPED
from .engine import Handler, Loop
from .progress import Say

logger = logging.getLogger("monklite")
# seconds that the end of a training waits for trackers
PATIENCE = 60.0


class Tracking(Handler):
    """Tells trackers of a training. One that fails is told once, and left alone for the rest of it. A context, around the writer.

    Leaving it tells how the training ended.
    """

    def __init__(self, rows: Sequence[Row], run: Run, root: Path, say: Say) -> None:
        self._run, self._say = run, say
        self._sending = [Sending(row, run, root) for row in rows]
        self._jobs: queue.SimpleQueue[Callable[[Sending], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        # said by the thread that trains, which also draws the progress bar
        self._messages: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._current = ""

    def train_start(self, loop: Loop) -> None:
        if not self._sending:
            return
        self._thread = threading.Thread(target=self._work, name="monklite-trackers", daemon=True)
        self._thread.start()
        rows = tuple(loop.history)
        now = time.time()

        def begin(sending: Sending) -> None:
            sending.begin()
            self._messages.put(f"    {sending.row.title}: {sending.sent.where}\n")
            # epochs before a resume that it was not told of
            sending.epochs(rows, [now] * len(rows))

        self._jobs.put(begin)

    def epoch_end(self, loop: Loop, row: EpochRow) -> None:
        if self._thread is None:
            return
        now = time.time()

        def epoch(sending: Sending) -> None:
            sending.epochs([row], [now])

        self._jobs.put(epoch)
        self._say_messages()

    def __enter__(self) -> Tracking:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._thread is None:
            return
        stopped = kind is not None and issubclass(kind, (KeyboardInterrupt, SystemExit))
        status = FINISHED if kind is None else STOPPED if stopped else FAILED
        self._jobs.put(lambda sending: sending.end(status))
        self._jobs.put(None)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            self._messages.put(
                f"    Note: {self._current} did not answer for {PATIENCE:.0f} s and is not waited for any longer."
                f"{self._remedy(self._sending)}\n"
            )
        self._say_messages()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            for sending in list(self._sending):
                self._current = sending.row.title
                try:
                    job(sending)
                # of any kind: it is another library, whose trouble ends no training
                except Exception as error:
                    self._sending.remove(sending)
                    self._tell(sending, error)

    def _tell(self, sending: Sending, error: Exception) -> None:
        logger.error("%s failed", sending.row.title, exc_info=error)
        reason = cut(str(error).strip().split("\n")[0] or type(error).__name__)
        self._messages.put(
            f"    Note: {sending.row.title} failed ({reason}) and is told nothing more; the training goes on."
            f"{self._remedy([sending])}\n"
        )

    def _say_messages(self) -> None:
        while not self._messages.empty():
            self._say(self._messages.get())

    def _remedy(self, missing: Sequence[Sending]) -> str:
        project, experiment, _ = self._run.folder.parts[-3:]
        commands = " and ".join(f"'monklite export-to {s.row.name} {project} {experiment}'" for s in missing)
        return f" Afterwards {commands} writes what is missing" if commands else ""
