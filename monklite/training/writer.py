"""A thread that writes files, in order, while training continues.

A waiting job is replaced by a newer one of the same name, so that a slow disk never causes a long queue.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

Job = Callable[[], object]
# with more waiting jobs, `put` blocks, so that memory stays bounded
MAX_WAITING_JOBS = 4


class Writer:
    """A context; leaving it waits until everything is written, or raises the first error of the thread.

    Args:
        guard: called before each job; raises if writing is not allowed any more.
    """

    def __init__(self, guard: Job = lambda: None) -> None:
        self._guard = guard
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._writing = self._closed = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def put(self, name: str, job: Job) -> None:
        """Queue a job; it replaces one of the same name that has not begun.

        Raises:
            The error of an earlier job. RuntimeError: the writer is closed.
        """
        with self._changed:
            if self._closed:
                raise RuntimeError(f"the writer is closed and cannot write {name} any more")
            self._changed.wait_for(lambda: len(self._jobs) < MAX_WAITING_JOBS or name in self._jobs or self._error)
            self._raise_error()
            # moves the name to the end: the new job may depend on those queued before it
            self._jobs.pop(name, None)
            self._jobs[name] = job
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="monklite-writer", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Wait until everything is written.

        Raises:
            The error of a job.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._error or not (self._jobs or self._writing))
            self._raise_error()

    def drop(self) -> None:
        """Discard the jobs that have not begun, to stop at once."""
        with self._changed:
            self._jobs.clear()
            self._changed.notify_all()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (job := self._next_job()) is not None:
            try:
                self._guard()
                job()
            # passed on to the thread that queues the next job
            except BaseException as error:
                with self._changed:
                    self._error = error
                    self._jobs.clear()
            with self._changed:
                self._writing = False
                self._changed.notify_all()

    def _next_job(self) -> Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed)
            if not self._jobs:
                return None
            self._writing = True
            return self._jobs.pop(next(iter(self._jobs)))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            self.flush()
        except Exception as failure:
            if error is None:
                raise
            # the error in training is the one to report; the traceback shows this one below it
            if failure is not error:
                vars(error).setdefault("__notes__", []).append(f"And the files could not be written: {failure}")
        finally:
            with self._changed:
                self._closed = True
                self._jobs.clear()
                self._changed.notify_all()
            if self._thread is not None:
                self._thread.join()
