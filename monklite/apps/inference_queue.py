"""Requests that arrive together are computed together, by one thread, in the order in which they came."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from math import ceil
from typing import Any, NamedTuple

from .answers import Answer, Unread
from .served_model import ServedModel

# pictures that are computed at once, and that may wait
TOGETHER, WAITING = 32, 256
# seconds: how long a client is told to wait at most, and what a picture is thought to take before one was computed
MOST_WAIT, FIRST_GUESS = 60, 0.1


class Busy(Exception):
    """Too many pictures are waiting. `seconds`: after which it is worth asking again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many pictures are waiting here: send it again in {seconds} s")
        self.seconds = seconds


# called with the pictures, their names and their answers; in a thread, also by several at once
Keep = Callable[[Sequence[bytes], Sequence[str], Sequence[Answer]], None]


class _Job(NamedTuple):
    """`work`: gives the result; None: the answers for `pictures`, which are computed together with those of other jobs."""

    pictures: Sequence[bytes]
    work: Callable[[], Any] | None
    result: Future[Any]


class Queue:
    """Pictures that wait for the model, and the one thread that asks it.

    Args:
        limit: of the pictures that may wait; those of a request that comes while none wait may be more. keep: is given what was
            answered.

    `answered`, `unread`: pictures since the start that were answered, and that could not be read.
    """

    def __init__(
        self, model: ServedModel, limit: int = WAITING, together: int = TOGETHER, keep: Keep | None = None
    ) -> None:
        self.model, self.limit, self.together, self._keep = model, limit, together, keep
        self.answered = self.unread = 0
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._seconds = FIRST_GUESS
        self._thread = threading.Thread(target=self._run, name="monklite-inference")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread after it has answered all that was accepted."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        # it is not if the server could not start
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def waiting(self) -> int:
        """Pictures that wait."""
        with self._changed:
            return self._n_waiting()

    async def submit(self, pictures: Sequence[bytes], names: Sequence[str] = (), may_keep: bool = True) -> list[Answer]:
        """The answer for each picture, given as the bytes of a file.

        Args:
            names: of the pictures, for what is kept of them. may_keep: False: nothing is.

        Raises:
            Busy: too many wait. StorageError: they could not be kept, so that they are not answered.
        """
        answers: list[Answer] = await self._put(pictures, None) if pictures else []
        unread = sum(isinstance(answer, Unread) for answer in answers)
        self.unread, self.answered = self.unread + unread, self.answered + len(answers) - unread
        if self._keep is not None and may_keep:
            await asyncio.to_thread(self._keep, pictures, names or [""] * len(pictures), answers)
        return answers

    async def heat_map(self, picture: bytes, class_name: str) -> bytes | None:
        """As of `ServedModel`. Raises as that, and as `submit`."""
        found: bytes | None = await self._put([picture], lambda: self.model.heat_map(picture, class_name))
        return found

    async def _put(self, pictures: Sequence[bytes], work: Callable[[], Any] | None) -> Any:
        job = _Job(pictures, work, Future())
        with self._changed:
            waiting = self._n_waiting()
            if self._stopping or (waiting and waiting + len(pictures) > self.limit):
                raise Busy(min(MOST_WAIT, max(1, ceil(waiting * self._seconds))))
            self._jobs.append(job)
            self._changed.notify()
        return await asyncio.wrap_future(job.result)

    def _n_waiting(self) -> int:
        return sum(len(job.pictures) for job in self._jobs)

    def _run(self) -> None:
        while jobs := self._next():
            # not those whose clients have gone
            if wanted := [job for job in jobs if job.result.set_running_or_notify_cancel()]:
                self._answer(wanted)

    def _next(self) -> list[_Job]:
        """The jobs to be computed together; none: it is to stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._stopping)
            jobs = [self._jobs.popleft()] if self._jobs else []
            count = sum(len(job.pictures) for job in jobs)
            while self._jobs and not jobs[0].work and not self._jobs[0].work:
                count += len(self._jobs[0].pictures)
                if count > self.together:
                    break
                jobs.append(self._jobs.popleft())
            return jobs

    def _answer(self, jobs: Sequence[_Job]) -> None:
        pictures = [picture for job in jobs for picture in job.pictures]
        start = time.monotonic()
        try:
            found = jobs[0].work() if jobs[0].work else self.model.answers(pictures)
        except Exception as error:
            self._failed(jobs, error)
            return
        self._seconds = (time.monotonic() - start) / len(pictures)
        if jobs[0].work:
            jobs[0].result.set_result(found)
            return
        answers = iter(found)
        for job in jobs:
            job.result.set_result([next(answers) for _ in job.pictures])

    def _failed(self, jobs: Sequence[_Job], error: Exception) -> None:
        """Give the error to who caused it: of several, each is computed again alone."""
        if len(jobs) == 1:
            jobs[0].result.set_exception(error)
            return
        for job in jobs:
            self._answer([job])
