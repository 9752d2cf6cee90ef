"""The workspace on disk: projects, experiments and their versions; claiming, finding and locking runs.

    workspace/<project>/<experiment>/v001/experiment-state.json, output/logs/, output/models/

Monk's paths (`<experiment>/output/...`) are links to the newest version that was trained.
"""

from __future__ import annotations

import contextlib
import numbers
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..errors import InvalidValue, MonkliteError, NotFound, cut, shown, unknown
from ..files import make_folder, replace_symlink, say_once, storing
from ..looking import entries, exists, is_folder, is_link
from ..setting_ranges import MAX_COUNT
from ..transient import attempted
from ..working_folder import absolute
from .file_names import CACHE, COMPARISON, STATE, check_name
from .run import Run
from .state import RunState, now

_VERSION = re.compile(r"v(\d{3,})")


class Workspace:
    """The folder in which monklite keeps everything that it writes."""

    def __init__(self, root: str | os.PathLike[str] = "workspace") -> None:
        self.root = absolute(root)

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
        folders = [p for p in entries(folder) if _VERSION.fullmatch(p.name) and is_folder(p)]
        return [Run(p) for p in sorted(folders, key=lambda p: int(p.name[1:]))]

    def runs(self) -> Iterator[Run]:
        """Every run of every experiment, by name."""
        for project in _visible_folders(self.root):
            if project.name == COMPARISON:
                continue
            for experiment in filter(is_folder, entries(project)):
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
        make_folder(folder)
        existing = self.versions(project, experiment)
        if existing and self._acquire_unused(existing[-1]):
            return self._set_up(existing[-1], project, experiment)
        number = existing[-1].version + 1 if existing else 1
        while True:
            run = Run(folder / f"v{number:03d}")
            with storing(run.folder), contextlib.suppress(FileExistsError):
                attempted(run.folder.mkdir)
                # an archive may just have been unpacked into it
                if run.acquire() and not exists(run.folder / STATE):
                    return self._set_up(run, project, experiment)
                run.release()
            number += 1

    def _acquire_unused(self, run: Run) -> bool:
        """Lock a run if its training never began."""
        if not run.acquire():
            return False
        try:
            if not exists(run.folder / STATE) or run.state().status == "new":
                return True
        except MonkliteError:
            # an unreadable run is left as it is
            pass
        run.remove_leftovers()
        run.release()
        return False

    def _set_up(self, run: Run, project: str, experiment: str) -> Run:
        make_folder(run.logs)
        make_folder(run.models)
        run.remove_leftovers()
        run.write(RunState(project=project, experiment=experiment, version=run.version, created=now()))
        if not exists(run.folder.parent / STATE):
            self.link(run)
        return run

    def link(self, run: Run) -> None:
        """Point Monk's plain paths at this run, if the file system supports links; never replaces a real file.

        That they show no run, or an older one, is said once.
        """
        for name in (STATE, "output"):
            link = run.folder.parent / name
            try:
                is_a_link = is_link(link)
                replaceable = is_a_link and _VERSION.fullmatch(attempted(link.readlink).parts[0])
                # it belongs to an experiment of Monk v1 or to the user, or is a link that became a folder in a copy
                if not replaceable and (is_a_link or exists(link)):
                    if name == STATE and not is_a_link:
                        say_once(
                            f"link {link}",
                            f"{link} is not a link (the workspace was copied?) and stays as it is, and so does 'output' "
                            f"beside it: they do not show {run}; its files are in {run.folder}",
                        )
                    continue
                replace_symlink(link, Path(run.folder.name) / name)
            # fails on FAT, on network shares, and on Windows without the privilege
            except (OSError, NotImplementedError) as error:
                say_once(
                    "link",
                    f"there are no links in {link.parent} ({error}): Monk's paths 'output' and '{STATE}' are missing "
                    "there or show an older version; each version has its own in v001, v002, ...",
                )

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

    def newest(self, project: str, experiment: str, suits: Callable[[Run], bool]) -> Run | None:
        """The newest run of an experiment, which need not exist, that satisfies a condition; None if there is none."""
        return next((run for run in reversed(self.versions(project, experiment)) if suits(run)), None)

    @staticmethod
    def _parse_version(version: int | str) -> int:
        if isinstance(version, numbers.Integral) and not isinstance(version, bool):
            number = int(version)
        # Python refuses to read numbers of thousands of digits
        elif isinstance(version, str) and re.fullmatch(r"v*\d{1,10}", version):
            number = int(version.lstrip("v"))
        else:
            number = -1
        if not 0 <= number <= MAX_COUNT:
            raise InvalidValue(f"version must be a number such as 1 or 'v001', not {shown(version)}")
        return number

    def _raise_unknown(self, project: str, experiment: str) -> None:
        folder = self.root / project
        if not is_folder(folder):
            projects = [p.name for p in _visible_folders(self.root) if p.name != COMPARISON]
            raise unknown(f"project in {cut(str(self.root))}", project, projects)
        experiments = [e.name for e in entries(folder) if any(_VERSION.fullmatch(v.name) for v in entries(e))]
        raise unknown(f"experiment of project {shown(project)}", experiment, experiments)


def _visible_folders(root: Path) -> list[Path]:
    return [p for p in entries(root) if not p.name.startswith(".") and is_folder(p)]
