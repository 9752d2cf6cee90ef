"""Pictures that were tried on a trained network: each is kept with its answer, can be corrected, and then learnt from."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...answer_forms import as_values
from ...errors import InvalidValue, MonkliteError, NotFound, UnreadableImage, unknown
from ...files import make_folder, write_bytes
from ...looking import entries, exists, is_folder
from ...regular_files import read_regular
from ...runs.run import Run
from ...runs.state import now
from ...runs.workspace import Workspace
from ..answers import Unread
from ..served_model import ServedModel
from . import adding
from .adding import MAX_PICTURE, Added, Place
from .own_files import read_json, write_json
from .projects import Project

PICTURE, ANSWER = "picture", "answer.json"
MAX_LISTED = 60


@dataclass(frozen=True)
class Tried:
    """A picture that was tried. `answer`: as it is kept."""

    folder: Path
    answer: Mapping[str, Any]

    number = property(lambda self: int(self.folder.name))

    def picture(self) -> bytes:
        return read_regular(self.folder / PICTURE, MAX_PICTURE)


class Models:
    """The trained network that was asked last, kept in memory; one thread at a time asks it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._kept: tuple[tuple[object, ...], ServedModel] | None = None

    @contextlib.contextmanager
    def asked(self, run: Run) -> Iterator[ServedModel]:
        """The network of a run. Raises as `Predictor`."""
        # a training that goes on has other weights
        key: tuple[object, ...] = (run.folder, *(path.stat().st_mtime_ns for path in entries(run.models)))
        with self._lock:
            if self._kept is None or self._kept[0] != key:
                self._kept = None
                self._kept = (key, ServedModel.of_run(run, self._workspace.cache, lambda _: None))
            yield self._kept[1]


def ask(models: Models, project: Project, run: Run, name: str, picture: bytes) -> Tried:
    """Predict a picture and keep it with the answer.

    Raises:
        UnreadableImage: it cannot be read. NotReady: the run is not trained.
    """
    with models.asked(run) as model:
        (answer,) = model.answers([picture])
        classes = model.classes
    if isinstance(answer, Unread):
        raise UnreadableImage(answer.problem)
    values = as_values(answer, classes)
    kept = {
        "made": now(),
        "name": name[-200:],
        "experiment": run.folder.parent.name,
        "version": run.version,
        "predicted": " | ".join(values["predicted"]),
        "scores": values["scores"],
        "unsure": values["unsure"] or "",
        "corrected": None,
    }
    folder = _new_folder(project)
    write_bytes(folder / PICTURE, picture)
    write_json(folder / ANSWER, kept)
    return Tried(folder, kept)


def _new_folder(project: Project) -> Path:
    make_folder(project.predictions)
    number = max((int(path.name) for path in entries(project.predictions) if path.name.isdecimal()), default=0)
    while True:
        number += 1
        # two pictures may come at once
        with contextlib.suppress(FileExistsError):
            (project.predictions / f"{number:06d}").mkdir()
            return project.predictions / f"{number:06d}"


def listed(project: Project) -> list[Tried]:
    """The last pictures that were tried, the newest first."""
    folders = [path for path in entries(project.predictions) if path.name.isdecimal() and is_folder(path)]
    newest = sorted(folders, key=lambda path: int(path.name), reverse=True)[:MAX_LISTED]
    found = []
    for path in newest:
        # one that is just being written
        with contextlib.suppress(MonkliteError):
            found.append(Tried(path, read_json(path / ANSWER)))
    return found


def find(project: Project, number: int) -> Tried:
    """Raises NotFound: no picture of this number was tried."""
    folder = project.predictions / f"{number:06d}"
    if not exists(folder / ANSWER):
        raise NotFound(f"there is no picture number {number}")
    return Tried(folder, read_json(folder / ANSWER))


def correct(project: Project, number: int, class_name: str) -> Tried:
    """Say what a picture shows: it is added to the pictures of that class, from which the next training learns.

    Raises:
        UnknownName: there is no such class. InvalidValue: it was said already, or the pictures are in a folder of somebody.
    """
    tried = find(project, number)
    if tried.answer["corrected"]:
        raise InvalidValue(f"picture number {number} was added to {tried.answer['corrected']} already")
    classes = list(project.counts("train"))
    if class_name not in classes:
        raise unknown("class", class_name, classes)
    adding.check_own(project, "train")
    name = Path(tried.answer["name"].replace("\\", "/")).name
    place = Place.of(f"tried-{number}-{name}", "train", class_name)
    added = Added()
    if place is not None:
        adding.add(project, place, tried.picture(), added)
    if added.refused:
        raise InvalidValue(added.refused[0])
    changed = {**tried.answer, "corrected": class_name}
    write_json(tried.folder / ANSWER, changed)
    return Tried(tried.folder, changed)


def heat_map(models: Models, run: Run, tried: Tried, class_name: str) -> bytes:
    """A PNG of a picture that was tried, with colours where the network sees a class. Raises as `ServedModel.heat_map`."""
    with models.asked(run) as model:
        found = model.heat_map(tried.picture(), class_name)
    if found is None:
        raise NotFound("this network cannot show where it looks")
    return found
