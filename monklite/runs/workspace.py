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
from ..files import point, storing
from .file_names import CACHE, COMPARISON, STATE, check_name
from .run import Run
from .state import RunState, now

_VERSION = re.compile(r"v(\d{3,})")


class Workspace:
    """The folder that holds everything monklite writes."""

    def __init__(self, root: str | os.PathLike[str] = "workspace") -> None:
        self.root = Path(root).absolute()

    cache = property(lambda self: self.root / CACHE)

    def experiment(self, project: str, experiment: str) -> Path:
        return self.root / check_name("project", project) / check_name("experiment", experiment)

    def comparison(self, name: str) -> Path:
        return self.root / COMPARISON / check_name("comparison", name)

    def versions(self, project: str, experiment: str) -> list[Run]:
        """The runs of an experiment, oldest first."""
        folder = self.experiment(project, experiment)
        found = [p for p in folder.iterdir() if _VERSION.fullmatch(p.name) and p.is_dir()] if folder.is_dir() else []
        return [Run(p) for p in sorted(found, key=lambda p: int(p.name[1:]))]

    def runs(self) -> Iterator[Run]:
        """Every run of every experiment, by name."""
        if not self.root.is_dir():
            return
        for project in sorted(p for p in self.root.iterdir() if p.is_dir() and not p.name.startswith(".")):
            if project.name == COMPARISON:
                continue
            for experiment in sorted(e for e in project.iterdir() if e.is_dir()):
                with contextlib.suppress(InvalidValue):  # a folder that the user put there
                    yield from self.versions(project.name, experiment.name)

    def claim(self, project: str, experiment: str) -> Run:
        """A version of one's own: a new folder, or the newest one if its training never began.

        `mkdir` and the lock decide between processes: two that ask at once get two versions.
        """
        folder = self.experiment(project, experiment)
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        existing = self.versions(project, experiment)
        if existing and self._take_again(existing[-1]):
            return self._set_up(existing[-1], project, experiment)
        number = existing[-1].version + 1 if existing else 1
        while True:
            run = Run(folder / f"v{number:03d}")
            with storing(run.folder), contextlib.suppress(FileExistsError):
                run.folder.mkdir()
                if run.hold() and not (run.folder / STATE).exists():  # an archive may have been unpacked over it
                    return self._set_up(run, project, experiment)
                run.release()
            number += 1

    def _take_again(self, run: Run) -> bool:
        if not run.hold():
            return False
        try:
            if not (run.folder / STATE).exists() or run.state().status == "new":
                return True
        except MonkliteError:
            pass  # unreadable: whatever it holds is left alone
        run.sweep()
        run.release()
        return False

    def _set_up(self, run: Run, project: str, experiment: str) -> Run:
        with storing(run.folder):
            run.logs.mkdir(parents=True, exist_ok=True)
            run.models.mkdir(parents=True, exist_ok=True)
        run.sweep()
        run.write(RunState(project=project, experiment=experiment, version=run.version, created=now()))
        if not (run.folder.parent / STATE).exists():
            self.link(run)
        return run

    def link(self, run: Run) -> None:
        """Point Monk's plain paths at this run, where the file system has links; never in place of a real file."""
        for name in (STATE, "output"):
            link = run.folder.parent / name
            ours = link.is_symlink() and _VERSION.fullmatch(link.readlink().parts[0])
            if not ours and (link.exists() or link.is_symlink()):
                continue  # an experiment of Monk v1, or the user's own
            # Windows without the right, FAT: there the versions themselves are used
            with contextlib.suppress(OSError, NotImplementedError):
                point(link, Path(run.folder.name) / name)

    def find(
        self,
        project: str,
        experiment: str,
        version: int | str | None = None,
        trained: bool = False,
        fits: Sequence[Callable[[Run], bool]] = (),
    ) -> Run:
        """The run of that version, or the newest one (`trained`: the newest that has weights; `fits`: the newest that
        the first of these takes, else the second ..., if any).

        Raises:
            UnknownName: no such project, experiment or version; says what there is.
            NotFound: the experiment has no trained version.
        """
        runs = self.versions(project, experiment)
        if not runs:
            self._raise_unknown(project, experiment)
        if version is not None:
            wanted = self._number(version)
            match = [r for r in runs if r.version == wanted]
            if not match:
                raise unknown(f"version of {project}/{experiment}", version, [r.folder.name for r in runs])
            return match[0]
        if not trained:
            return next((r for fit in fits for r in reversed(runs) if fit(r)), runs[-1])
        for run in reversed(runs):
            if run.is_trained():
                return run
        raise NotFound(f"{project}/{experiment} has not been trained yet: call Train() first")

    @staticmethod
    def _number(version: int | str) -> int:
        text = str(version).lstrip("v")
        if isinstance(version, bool) or not text.isdecimal():
            raise InvalidValue(f"version must be a number such as 1 or 'v001', not {version!r}")
        return int(text)

    def _raise_unknown(self, project: str, experiment: str) -> None:
        base = self.root / project
        if not base.is_dir():
            hidden = (COMPARISON,)
            known = (
                [p.name for p in self.root.iterdir() if p.is_dir() and p.name not in hidden and p.name[0] != "."]
                if self.root.is_dir()
                else []
            )
            raise unknown(f"project in {self.root}", project, known)
        known = [e.name for e in base.iterdir() if any(_VERSION.fullmatch(v.name) for v in e.glob("v*"))]
        raise unknown(f"experiment of project {project!r}", experiment, known)
