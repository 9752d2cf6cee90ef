"""What the driver asks a worker for, and what it answers. Both are sent by Ray, so their parts can be pickled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import MonkliteError
from ...spec import Spec

# what became of a trial on a worker
DONE, STOPPED, FAILED, NO_IMAGES = "done", "stopped", "failed", "no images"


@dataclass(frozen=True)
class Request:
    """A training.

    `version`: of monklite. `root`: of the driver's workspace; a worker that finds the file `token` in it has the same one.
    `asked`: the settings with those of the trial. `resumed`: the folder of the run that goes on, by its name. `content`: the
    digest of all images. `metric`: that is told after each epoch. `prune`: wait for the driver's decision after each epoch.
    `images`: Ray's reference to an archive of the images, for a worker that has none at their path, with its digest.
    """

    version: str
    root: str
    token: str
    project: str
    experiment: str
    asked: Spec
    origin: tuple[str, str, int] | None
    copies_weights: bool
    resumed: str
    content: str
    metric: str
    prune: bool
    trackers: tuple[str, ...] | None
    images: Any = None
    images_digest: str = ""


@dataclass(frozen=True)
class Reply:
    """What became of it.

    `host`: the worker's machine. `run`: the name of the folder in the shared workspace. `archive`: the whole run, where the
    workspace is not shared.
    """

    status: str
    host: str
    run: str = ""
    error: MonkliteError | None = None
    archive: bytes | None = None
