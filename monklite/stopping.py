"""How a process is asked to stop."""

from __future__ import annotations

import signal

# Windows has no SIGTERM of other processes. Ctrl-Break can be sent to one group of processes there, Ctrl-C cannot, and closing
# the window of a console is told as Ctrl-Break, too
_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")


def stop_signals() -> list[signal.Signals]:
    """The signals of this system that ask a process to stop."""
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
