"""A search whose trials are trained on a cluster: a thread of the driver for each trial at a time."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._version import __version__
from ...errors import MonkliteError, TrainingFailed
from ...files import TEMPORARY, discard, make_folder, write_bytes, write_text
from ...opening import can_resume
from ...runs.run import Run
from ...runs.unpacking import unpack
from .. import sweep
from ..searching import study
from ..searching.search import Pruning, Search
from . import images, wire, worker
from .connection import Head, Share, connected, shares
from .request import NO_IMAGES, STOPPED, Reply, Request

if TYPE_CHECKING:
    import optuna

# times that a trial may lose its worker, and seconds between looks at one and for all to stop
MOST_LOST, LOOK_EVERY, STOPPING = 3, 0.2, 120.0


def run(search: Search, wanted: Share) -> optuna.Study:
    """Train the trials that are missing on a cluster, and return the study.

    Raises:
        As `Search.run` and `connected`.
    """
    search.check()
    with connected(search.say), _token(search.base.workspace.root) as token:
        share, n = shares(wanted)
        if search.wish.n_trials is not None:
            n = min(n, search.wish.n_trials)
        search.say(f"Trials at once: {n} ({share.cpus:g} processors and {share.gpus:g} GPUs each)")
        cluster = _Cluster(search, share, token)
        with study.quiet():
            cluster.work(n)
        return search.study()


@contextlib.contextmanager
def _token(root: Path) -> Iterator[str]:
    """A file by which a worker sees that it has the same workspace."""
    name = f".cluster-{os.getpid()}-{secrets.token_hex(8)}"
    make_folder(root)
    write_text(root / name, "")
    try:
        yield name
    finally:
        discard(root / name)


class _Cluster:
    """The driver's side."""

    def __init__(self, search: Search, share: Share, token: str) -> None:
        import ray

        self._search, self._share, self._token = replace(search, train=self.train), share, token
        self._remote = ray.remote(num_cpus=share.cpus, num_gpus=share.gpus, max_retries=0)(worker.train)
        self._wire, self._head = wire.started(), Head()
        self._errors: list[BaseException] = []
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._images: tuple[Any, str] | None = None

    def work(self, n: int) -> None:
        """Train `n` trials at a time until all are done, or the time is over."""
        threads = [threading.Thread(target=self._work, name=f"monklite-trial-{i}", daemon=True) for i in range(n)]
        for thread in threads:
            thread.start()
        try:
            self._join(threads)
        except KeyboardInterrupt:
            self._stop()
            self._join(threads, STOPPING)
            raise
        if self._errors:
            raise self._errors[0]

    def _join(self, threads: list[threading.Thread], seconds: float = float("inf")) -> None:
        for thread in threads:
            # so that Ctrl-C is seen
            while thread.is_alive() and seconds > 0:
                thread.join(LOOK_EVERY)
                seconds -= LOOK_EVERY
                self._head.check()

    def _stop(self) -> None:
        self._stopping.set()
        self._wire.stop_all.remote()

    def _work(self) -> None:
        try:
            # a study of its own, because each trial has its own sampler
            self._search.work(self._search.study(), self._stopping.is_set)
        # one that was stopped
        except KeyboardInterrupt:
            pass
        except BaseException as error:
            self._errors.append(error)
            self._stop()

    def train(self, trial: sweep.Trial, pruning: Pruning) -> sweep.Outcome:
        """Train a trial on a worker; one whose worker is lost is trained on another.

        Raises:
            KeyboardInterrupt: the search was stopped. TrainingFailed: its workers were lost again and again.
        """
        base, project = self._search.base, self._search.project
        asked = base.checked(trial.changes)
        lost = 0
        while True:
            earlier = sweep.earlier(base, project, trial, asked)
            if earlier is not None and earlier.state().status == "done":
                return sweep.Outcome(trial, earlier, trained_now=lost > 0)
            resumed = earlier.folder.name if earlier is not None and can_resume(earlier) else ""
            request = self._request(trial, asked, resumed)
            reply = self._answer(request, pruning)
            if reply is None:
                lost += 1
                if lost > MOST_LOST:
                    raise TrainingFailed(f"its worker was lost {lost} times: see the logs of Ray on the workers")
                self._search.say(f"    The worker of trial {pruning.trial.number} was lost: it goes on elsewhere\n")
            elif reply.status == NO_IMAGES:
                self._ship(asked, reply.host)
            elif reply.status == STOPPED:
                raise KeyboardInterrupt
            else:
                return self._outcome(trial, request, reply)

    def _request(self, trial: sweep.Trial, asked: Any, resumed: str) -> Request:
        base = self._search.base
        origin = base.origin.state() if base.origin else None
        data = base.data
        return Request(
            __version__,
            str(base.workspace.root),
            self._token,
            self._search.project,
            trial.experiment,
            asked,
            (origin.project, origin.experiment, origin.version) if origin else None,
            base.copies_weights,
            resumed,
            data.record.content if data else "",
            self._search.metric,
            self._search.wish.prune,
            base.trackers,
            *(self._images or (None, "")),
        )

    def _answer(self, request: Request, pruning: Pruning) -> Reply | None:
        """What the worker answers; None if it was lost."""
        import ray
        from ray import exceptions

        number = pruning.trial.number
        answer = self._remote.remote(replace(request, images=None), number, self._wire, request.images)
        try:
            while not ray.wait([answer], timeout=LOOK_EVERY)[0]:
                self._pass_on(number, pruning)
            reply: Reply = ray.get(answer)
            self._pass_on(number, pruning)
            return reply
        except exceptions.RayTaskError as error:
            raise TrainingFailed(f"the worker failed: {error.cause!r}") from error
        except (
            exceptions.WorkerCrashedError,
            exceptions.NodeDiedError,
            exceptions.ObjectLostError,
            exceptions.OutOfMemoryError,
        ):
            return None

    def _pass_on(self, number: int, pruning: Pruning) -> None:
        """Tell the study what the worker has told, and the worker what was decided."""
        import ray
        from ray.exceptions import RayActorError

        try:
            for epoch, value, last in ray.get(self._wire.take.remote(number)):
                self._wire.decide.remote(number, epoch, pruning.told(epoch, value, last))
        # with its machine; the trial goes on without pruning
        except RayActorError:
            return

    def _ship(self, asked: Any, host: str) -> None:
        """Send the images to the cluster, once."""
        import ray

        with self._lock:
            if self._images is not None:
                return
            archive = images.packed(asked.data.sources)
            self._search.say(
                f"{host} does not have the images at their path: they are sent to it ({len(archive) >> 20} MiB)"
            )
            self._images = ray.put(archive), images.digest_of(archive)

    def _outcome(self, trial: sweep.Trial, request: Request, reply: Reply) -> sweep.Outcome:
        run = self._run(request, reply)
        if run is None:
            assert reply.error is not None
            raise reply.error
        return sweep.Outcome(trial, run, reply.error)

    def _run(self, request: Request, reply: Reply) -> Run | None:
        """The run of the trial in this workspace; None: it is nowhere."""
        workspace = self._search.base.workspace
        if reply.archive is None and not reply.run:
            return None
        if reply.archive is not None:
            file = self._search.folder / f".{secrets.token_hex(8)}{TEMPORARY}"
            try:
                write_bytes(file, reply.archive)
                run = unpack(file, workspace, request.project, request.experiment)
            finally:
                discard(file)
        else:
            try:
                run = workspace.find(request.project, request.experiment, reply.run)
            # of a worker's own workspace
            except MonkliteError:
                return None
        state = run.state()
        # the images are where the driver has them, not where the worker had
        if state.resolved is not None and state.asked.data.sources != request.asked.data.sources:
            sources = {"data.sources": request.asked.data.sources}
            run.update(asked=state.asked.replace(sources), resolved=state.resolved.replace(sources))
        return run
