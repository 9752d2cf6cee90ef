"""Ctrl-C and SIGTERM while training: the first stops after a complete step, the second at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

# clusters and spot machines send SIGTERM before they shut down
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """A context in which these signals call `stop`; afterwards their previous handlers are restored.

    `received`: the signal that arrived, or None. Only the main thread can handle signals; elsewhere nothing changes. A
    signal keeps its handler if it is ignored (as Ctrl-C is in background jobs of a shell), or if the handler was not
    installed from Python and could not be restored.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._previous_handlers: dict[signal.Signals, Any] = {}
        self.received: signal.Signals | None = None

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            handled = [s for s in STOP_SIGNALS if signal.getsignal(s) not in (signal.SIG_IGN, None)]
            self._previous_handlers = {s: signal.signal(s, self._handle) for s in handled}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._restore()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number)
        # a second signal acts at once
        self._restore()
        self._stop()

    def _restore(self) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
        self._previous_handlers = {}

    def act(self) -> None:
        """Do what the received signal normally does, now that it is safe.

        Raises:
            KeyboardInterrupt: Ctrl-C. SystemExit: SIGTERM, with the exit status that a shell reports for it (143).
        """
        if self.received == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)
        if self.received is not None:
            raise KeyboardInterrupt
