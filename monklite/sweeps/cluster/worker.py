"""The trial on a worker: a run like any other, in the shared workspace or in one of its own that is sent back."""

from __future__ import annotations

import math
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

from ..._version import __version__
from ...errors import DatasetError, MonkliteError, NotReady
from ...experiment import Experiment
from ...looking import entries
from ...opening import resume
from ...regular_files import read_regular
from ...runs.packing import pack
from ...runs.workspace import Workspace
from ...training.callbacks import TrainingView
from ...training.session import Display
from . import images
from .request import DONE, FAILED, NO_IMAGES, STOPPED, Reply, Request

QUIET = Display(lines=False, bar=False)
# seconds that a worker waits for the decision on an epoch, between looks at what is wished, and for a slow disk or a lock
PATIENCE, LOOK_EVERY, DISK = 20.0, 2.0, 5.0
BUSY = 120.0
# bytes of a run that is sent back
MOST = 64 << 30


class Telling:
    """Tells the driver the figure of each epoch, and does what it wishes. A callback of the training."""

    def __init__(self, wire: Any, trial: int, request: Request) -> None:
        self._wire, self._trial, self._request = wire, trial, request
        self._told, self._looked = 0, time.monotonic()

    def epoch_end(self, training: TrainingView) -> None:
        import ray

        from ..searching.search import value_of

        for row in training.history[self._told :]:
            value = value_of(row, self._request.metric)
            if math.isfinite(value):
                ray.get(self._wire.tell.remote(self._trial, row.epoch, value, row.epoch >= training.epochs))
        self._told = len(training.history)
        if self._request.prune and training.epoch < training.epochs:
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                decided, ended, _ = ray.get(self._wire.wishes.remote(self._trial))
                if ended:
                    training.stop(after_epoch=True)
                if ended or decided >= training.epoch:
                    break
                time.sleep(0.05)

    def batch_end(self, training: TrainingView) -> None:
        import ray

        if time.monotonic() - self._looked > LOOK_EVERY:
            self._looked = time.monotonic()
            if ray.get(self._wire.wishes.remote(self._trial))[2]:
                training.stop()


def train(request: Request, trial: int, wire: Any, archive: bytes | None) -> Reply:
    """Train, or go on. `archive`: of the images, see `Request.images`, which Ray has fetched. Never raises a monklite error."""
    host = platform.node()
    try:
        if request.version != __version__:
            raise NotReady(
                f"{host} has monklite {__version__}, and the driver {request.version}: install the same everywhere"
            )
        sources = request.asked.data.sources
        if archive is not None and not images.are_here(sources):
            sources = images.unpacked(archive, request.images_digest, sources)
        elif not images.are_here(sources):
            return Reply(NO_IMAGES, host)
        if _is_shared(request):
            return _train(request, Workspace(request.root), sources, trial, wire, host)
        if request.origin is not None:
            raise NotReady(
                f"{host} does not have the workspace {request.root}, in which the run is that this one is a copy of"
            )
        with tempfile.TemporaryDirectory() as own:
            reply = _train(request, Workspace(own), sources, trial, wire, host)
            if reply.status != DONE:
                return reply
            run, file = Workspace(own).find(request.project, request.experiment), Path(own, "run.zip")
            pack(run, file)
            return Reply(DONE, host, archive=read_regular(file, MOST))
    except MonkliteError as error:
        return Reply(FAILED, host, error=error)


def _is_shared(request: Request) -> bool:
    """Whether the driver's workspace is here, too; a network drive may show a new file late."""
    end, root = time.monotonic() + DISK, Path(request.root)
    while root.is_dir():
        # reading the folder makes a network drive look again
        if any(p.name == request.token for p in entries(root)):
            return True
        if time.monotonic() > end:
            break
        time.sleep(0.5)
    return False


def _train(request: Request, workspace: Workspace, sources: Any, trial: int, wire: Any, host: str) -> Reply:
    experiment = _opened(request, workspace, sources)
    name = experiment.run.folder.name
    try:
        data = experiment.refresh_data()
        if request.content and data.record.content != request.content:
            raise DatasetError(
                f"the images at {request.asked.data.sources[0].path} on {host} are others than the driver's"
            )
        experiment.train(QUIET, callbacks=(Telling(wire, trial, request),))
        return Reply(DONE, host, experiment.run.folder.name)
    except KeyboardInterrupt:
        return Reply(STOPPED, host, name)
    except MonkliteError as error:
        return Reply(FAILED, host, name, error)
    finally:
        experiment.run.release()


def _opened(request: Request, workspace: Workspace, sources: Any) -> Experiment:
    said = _Quiet()
    if request.resumed:
        run = workspace.find(request.project, request.experiment, request.resumed)
        end = time.monotonic() + BUSY
        while True:
            try:
                experiment = resume(workspace, run, said)
                break
            # the process that had it was killed a moment ago
            except NotReady:
                if time.monotonic() > end:
                    raise
                time.sleep(1.0)
    else:
        claimed = workspace.claim(request.project, request.experiment)
        origin = workspace.find(*request.origin) if request.origin else None
        experiment = Experiment(workspace, claimed, request.asked, said, origin)
        experiment.copies_weights = request.copies_weights
        if sources != request.asked.data.sources:
            experiment.change({"data.sources": sources})
    experiment.trackers = request.trackers
    return experiment


class _Quiet:
    """Says nothing: the driver tells what became of each trial."""

    def __call__(self, text: str) -> None: ...
