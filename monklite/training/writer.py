"""Files written by a thread while training goes on, in the order in which they were asked for.

A record that waits is replaced by a newer one of the same name, so a slow disk never makes a long queue.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

Job = Callable[[], object]
MOST_WAITING = 4  # of different names; then the asker waits, so that memory stays bounded


class Writer:
    """A context: on leaving it, everything is written, or the first error of the thread is raised."""

    def __init__(self, guard: Job = lambda: None) -> None:
        self._guard = guard  # called before each job: whether writing is still allowed
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._busy = self._closed = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def put(self, name: str, job: Job) -> None:
        """Ask for a job; one of the same name that has not begun is dropped in its favour.

        Raises:
            Whatever an earlier job raised.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError(f"the writer is closed and cannot write {name} any more")
            self._changed.wait_for(lambda: len(self._jobs) < MOST_WAITING or name in self._jobs or self._error)
            self._raise()
            self._jobs.pop(
                name, None
            )  # so that the new one goes to the end: it may rely on what was asked for before it
            self._jobs[name] = job
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="monklite-writer", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Wait until everything is written.

        Raises:
            Whatever a job raised.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._error or not (self._jobs or self._busy))
            self._raise()

    def drop(self) -> None:
        """Forget what has not begun: somebody wants to stop at once."""
        with self._changed:
            self._jobs.clear()
            self._changed.notify_all()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._guard()
                job()
            except BaseException as error:  # handed over to the thread that asks for the next job
                with self._changed:
                    self._error = error
                    self._jobs.clear()
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            if not self._jobs:
                return None
            self._busy = True
            return self._jobs.pop(next(iter(self._jobs)))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            self.flush()
        except Exception as failure:
            if error is None:
                raise
            if failure is not error:  # the error in training is the one to tell; the traceback shows this one below it
                vars(error).setdefault("__notes__", []).append(f"And the files could not be written: {failure}")
        finally:
            with self._changed:
                self._closed = True
                self._jobs.clear()
                self._changed.notify_all()
            if self._thread is not None:
                self._thread.join()
