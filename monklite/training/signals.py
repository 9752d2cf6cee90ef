"""Ctrl-C and SIGTERM while training: the first stops after a whole step, the second at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM)  # SIGTERM: clusters and spot machines announce their end with it


class StopSignals:
    """A context in which these signals call `stop` instead of breaking off; afterwards they mean what they meant before.

    `received`: which signal came. Only the main thread of a process can do this; elsewhere nothing changes. Nor is a
    signal taken that is ignored, as Ctrl-C is in jobs that a shell runs in the background, or whose handler is not
    Python's and could not be put back.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._before: dict[signal.Signals, Any] = {}
        self.received: signal.Signals | None = None

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            ours = [s for s in STOPS if signal.getsignal(s) not in (signal.SIG_IGN, None)]
            self._before = {s: signal.signal(s, self._handle) for s in ours}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._restore()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number)
        self._restore()  # so that a second one acts at once
        self._stop()

    def _restore(self) -> None:
        for which, handler in self._before.items():
            signal.signal(which, handler)
        self._before = {}

    def act(self) -> None:
        """Do what the signal that came asked for, now that it can do no harm.

        Raises:
            KeyboardInterrupt: Ctrl-C. SystemExit: SIGTERM, with the status that a shell reports of a process that it ended.
        """
        if self.received == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)
        if self.received is not None:
            raise KeyboardInterrupt
