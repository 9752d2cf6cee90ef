"""The workspace on disk: projects, experiments and their versions; claiming, finding and locking runs.

    workspace/<project>/<experiment>/v001/experiment-state.json, output/logs/, output/models/

Monk's paths (`<experiment>/output/...`) are links to the newest version that was trained.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..errors import InvalidValue, MonkliteError, NotFound, unknown
from ..files import replace_symlink, storing
from .file_names import CACHE, COMPARISON, STATE, check_name
from .run import Run
from .state import RunState, now

_VERSION = re.compile(r"v(\d{3,})")


class Workspace:
    """The folder in which monklite keeps everything that it writes."""

    def __init__(self, root: str | os.PathLike[str] = "workspace") -> None:
        self.root = Path(root).absolute()

    cache = property(lambda self: self.root / CACHE)

    def experiment(self, project: str, experiment: str) -> Path:
        """The folder of an experiment, which need not exist.

        Raises:
            InvalidType, InvalidValue: a name that cannot be a folder.
        """
        return self.root / check_name("project", project) / check_name("experiment", experiment)

    def comparison(self, name: str) -> Path:
        """The folder of a comparison, which need not exist. Raises as `experiment`."""
        return self.root / COMPARISON / check_name("comparison", name)

    def versions(self, project: str, experiment: str) -> list[Run]:
        """The runs of an experiment, oldest first."""
        folder = self.experiment(project, experiment)
        if not folder.is_dir():
            return []
        folders = [p for p in folder.iterdir() if _VERSION.fullmatch(p.name) and p.is_dir()]
        return [Run(p) for p in sorted(folders, key=lambda p: int(p.name[1:]))]

    def runs(self) -> Iterator[Run]:
        """Every run of every experiment, by name."""
        if not self.root.is_dir():
            return
        for project in sorted(p for p in self.root.iterdir() if p.is_dir() and not p.name.startswith(".")):
            if project.name == COMPARISON:
                continue
            for experiment in sorted(e for e in project.iterdir() if e.is_dir()):
                # a folder that the user put there may have any name
                with contextlib.suppress(InvalidValue):
                    yield from self.versions(project.name, experiment.name)

    def claim(self, project: str, experiment: str) -> Run:
        """Lock a version for a new training: a new folder, or the newest one if its training never began.

        `mkdir` and the lock decide between processes: two that claim at the same time get two versions.

        Raises:
            InvalidType, InvalidValue: a name that cannot be a folder. StorageError: the folder cannot be created.
        """
        folder = self.experiment(project, experiment)
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        existing = self.versions(project, experiment)
        if existing and self._acquire_unused(existing[-1]):
            return self._set_up(existing[-1], project, experiment)
        number = existing[-1].version + 1 if existing else 1
        while True:
            run = Run(folder / f"v{number:03d}")
            with storing(run.folder), contextlib.suppress(FileExistsError):
                run.folder.mkdir()
                # an archive may just have been unpacked into it
                if run.acquire() and not (run.folder / STATE).exists():
                    return self._set_up(run, project, experiment)
                run.release()
            number += 1

    def _acquire_unused(self, run: Run) -> bool:
        """Lock a run if its training never began."""
        if not run.acquire():
            return False
        try:
            if not (run.folder / STATE).exists() or run.state().status == "new":
                return True
        except MonkliteError:
            # an unreadable run is left as it is
            pass
        run.remove_leftovers()
        run.release()
        return False

    def _set_up(self, run: Run, project: str, experiment: str) -> Run:
        with storing(run.folder):
            run.logs.mkdir(parents=True, exist_ok=True)
            run.models.mkdir(parents=True, exist_ok=True)
        run.remove_leftovers()
        run.write(RunState(project=project, experiment=experiment, version=run.version, created=now()))
        if not (run.folder.parent / STATE).exists():
            self.link(run)
        return run

    def link(self, run: Run) -> None:
        """Point Monk's plain paths at this run, if the file system supports links; never replaces a real file."""
        for name in (STATE, "output"):
            link = run.folder.parent / name
            replaceable = link.is_symlink() and _VERSION.fullmatch(link.readlink().parts[0])
            # otherwise it belongs to an experiment of Monk v1, or to the user
            if not replaceable and (link.exists() or link.is_symlink()):
                continue
            # fails on FAT, and on Windows without the privilege; users then open the versions themselves
            with contextlib.suppress(OSError, NotImplementedError):
                replace_symlink(link, Path(run.folder.name) / name)

    def find(
        self,
        project: str,
        experiment: str,
        version: int | str | None = None,
        trained: bool = False,
        prefer: Sequence[Callable[[Run], bool]] = (),
    ) -> Run:
        """Find the run of a version, or else the newest run.

        Args:
            trained: the newest that has weights. prefer: the newest that satisfies the first of these conditions, or else
                the second, and so on; the newest of all if none is satisfied.

        Raises:
            UnknownName: no such project, experiment or version; the message lists those that exist.
            NotFound: the experiment has no trained version. InvalidValue: `version` is not a number.
        """
        runs = self.versions(project, experiment)
        if not runs:
            self._raise_unknown(project, experiment)
        if version is not None:
            number = self._parse_version(version)
            matches = [run for run in runs if run.version == number]
            if not matches:
                raise unknown(f"version of {project}/{experiment}", version, [run.folder.name for run in runs])
            return matches[0]
        if not trained:
            return next((run for condition in prefer for run in reversed(runs) if condition(run)), runs[-1])
        for run in reversed(runs):
            if run.is_trained():
                return run
        raise NotFound(f"{project}/{experiment} has not been trained yet: call Train() first")

    @staticmethod
    def _parse_version(version: int | str) -> int:
        text = str(version).lstrip("v")
        if isinstance(version, bool) or not text.isdecimal():
            raise InvalidValue(f"version must be a number such as 1 or 'v001', not {version!r}")
        return int(text)

    def _raise_unknown(self, project: str, experiment: str) -> None:
        folder = self.root / project
        if not folder.is_dir():
            folders = [p for p in self.root.iterdir() if p.is_dir()] if self.root.is_dir() else []
            projects = [p.name for p in folders if p.name != COMPARISON and p.name[0] != "."]
            raise unknown(f"project in {self.root}", project, projects)
        experiments = [e.name for e in folder.iterdir() if any(_VERSION.fullmatch(v.name) for v in e.glob("v*"))]
        raise unknown(f"experiment of project {project!r}", experiment, experiments)
