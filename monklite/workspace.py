"""The workspace on disk: projects, experiments and their versions; claiming, finding and locking runs.

    workspace/<project>/<experiment>/v001/experiment-state.json, output/logs/, output/models/

Monk's paths (`<experiment>/output/...`) are links to the newest version that was trained.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

from . import heartbeat
from .errors import DamagedFile, InvalidType, InvalidValue, MonkliteError, NotFound, StorageError, unknown
from .files import TEMPORARY, point, storing, sweep, write_text
from .state import RunState, now, parse

STATE, LOCK = "experiment-state.json", ".lock"
COMPARISON, CACHE = "comparison", ".cache"
FINAL, BEST, RESUME = "final", "best_model", "resume_state"
INTERMEDIATE = "intermediate"  # its name is in the spec
WEIGHT_KINDS = (BEST, FINAL, RESUME, INTERMEDIATE)
HISTORY, SAMPLES, HEALTH, PREDICTIONS = "history.csv", "dataset.csv", "health.csv", "test_predictions.csv"
MOST_BYTES = 255  # what file systems take as the name of one folder
_VERSION = re.compile(r"v(\d{3,})")
_WINDOWS = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_NAME = re.compile(r"[\w-](?:[\w .@+=,()-]{0,98}[\w@+=()-])?")


def check_name(kind: str, name: Any) -> str:
    """Return a name that is safe as a folder, or raise the error that says why it is not."""
    if not isinstance(name, str):
        raise InvalidType(f"the {kind} name must be a text, not {name!r} ({type(name).__name__})")
    if not _NAME.fullmatch(name) or ".." in name or len(name.encode()) > MOST_BYTES:
        raise InvalidValue(
            f"{name!r} cannot be the {kind} name: begin with a letter, digit, _ or -, then letters, digits, space and "
            f"_ - . @ + = , ( ), at most 100 characters ({MOST_BYTES} bytes), no '..' and no path separators"
        )
    if _WINDOWS.fullmatch(name):
        raise InvalidValue(
            f"{name!r} cannot be the {kind} name: Windows keeps it for itself, and the workspace could not be moved there"
        )
    if kind == "project" and name.lower() == COMPARISON:
        raise InvalidValue(f"{name!r} cannot be a project name: comparisons are kept in that folder; take another name")
    return name


def kind_of_weights(name: str, prefix: str) -> str | None:
    """Which of `WEIGHT_KINDS` a file in `output/models` is, by its name and the prefix of intermediate ones."""
    for kind in (BEST, FINAL, RESUME):
        if re.fullmatch(rf"{kind}([-.].*)?", name):  # what a backend adds to a name
            return kind
    numbered = rf"{re.escape(prefix)}(\d+|-\d{{4,}}\.params(\.sha256)?|-symbol\.json)"
    return INTERMEDIATE if re.fullmatch(numbered, name) else None


class Run:
    """One version of an experiment: its folder, its files, its state."""

    _held: WeakValueDictionary[Path, Run] = (
        WeakValueDictionary()
    )  # by this process, so that it can take over from itself

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.busy = False  # being trained: nobody takes it over
        self.taken = False  # another object of this thread holds it now
        self._thread = 0
        self._lock = FileLock(folder / LOCK, thread_local=False)
        self._heart: heartbeat.Heartbeat | None = None

    logs = property(lambda self: self.folder / "output" / "logs")
    models = property(lambda self: self.folder / "output" / "models")
    version = property(lambda self: int(self.folder.name[1:]))

    def __str__(self) -> str:
        return "/".join(self.folder.parts[-3:])

    def state(self) -> RunState:
        """The state as it is now; a run whose process died reads as `interrupted`."""
        state = self._stored()
        if state.status == "running" and not self.is_held():
            state = self._stored()  # it may have ended since, and been released only then
            if state.status == "running":
                return state.model_copy(update={"status": "interrupted"})
        return state

    def _stored(self) -> RunState:
        path = self.folder / STATE
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise NotFound(f"{path} is missing: this is not a run of monklite, or it was never set up") from None
        except (UnicodeDecodeError, OSError) as error:
            raise DamagedFile(f"{path} is damaged and cannot be read ({error})") from None
        state = parse(text, str(path))
        project, experiment, _ = self.folder.parts[-3:]  # the folder decides: it may have been renamed or copied since
        return state.model_copy(update={"project": project, "experiment": experiment, "version": self.version})

    def write(self, state: RunState) -> None:
        write_text(self.folder / STATE, state.to_json())

    def update(self, **changes: Any) -> RunState:
        """Change fields of the state; safe against another process that does the same.

        Raises:
            StorageError: another machine took the run over, or the disk does not take it.
        """
        self.check_hold()
        with storing(self.folder / STATE), FileLock(self.folder / ".state.lock"):
            state = self._stored().model_copy(update=changes)  # what is read into a status is for readers
            self.write(state)
        return state

    def hold(self) -> bool:
        """Take the run for this object; False if another process, thread or machine holds it, or it is being trained.

        An object of the same thread that only holds it gives it up: a notebook's cell is often run again. Where another
        machine held it last and did not say that it ended, this waits for some seconds to see whether its heart beats.
        """
        before = Run._held.get(self.folder)
        if before is not None and before is not self and not before.busy and before._thread == threading.get_ident():
            before.taken = True
            before.release()
        with storing(self.folder):
            try:
                self._lock.acquire(timeout=0.1)  # a reader that looks whether it is held has it for a moment
            except Timeout:  # an OSError too, so it must not reach `storing`
                return False
            if not self._announce():
                self.release()
                return False
        Run._held[self.folder], self._thread, self.taken = self, threading.get_ident(), False
        return True

    def _announce(self) -> bool:
        """Tell every machine that this object holds the run; False if one that does not see the lock has it."""
        if self._heart is not None:
            return self._heart.taken_over_by() is None
        last = heartbeat.read(self.folder)
        if last is not None and not last.is_here() and (last.is_fresh(self.folder) or last.beats(self.folder)):
            return False
        (self.folder / heartbeat.HOLDER).unlink(missing_ok=True)
        try:
            self._heart = heartbeat.Heartbeat(self.folder)
        except FileExistsError:
            return False
        return True

    def check_hold(self) -> None:
        """Make sure that nobody took the run over while this process slept; for whoever is about to write.

        Raises:
            StorageError: somebody did. Nothing more may be written to it from here.
        """
        other = self._heart.taken_over_by() if self._heart is not None else None
        if other is not None:
            raise StorageError(
                f"{self} was taken over by {other} while this process did not answer for {heartbeat.STALE_AFTER:.0f} s; "
                "what it saved before is there, and it writes no more"
            )

    def sweep(self) -> None:
        """Remove what a killed writer left behind; only while holding the run."""
        with storing(self.folder):
            for folder in (self.folder, self.logs, self.models):
                sweep(folder)
        self._sweep_links()

    def _sweep_links(self) -> None:
        """Remove half-made links beside the versions; the one who makes a link holds the version that it points to."""
        for leftover in self.folder.parent.glob(f".*{TEMPORARY}"):
            with contextlib.suppress(OSError):  # it has just become a link
                target = self.folder.with_name(leftover.readlink().parts[0])
                if target == self.folder or not (target.is_dir() and Run(target).is_held()):
                    leftover.unlink(missing_ok=True)

    def release(self) -> None:
        if self._heart is not None:
            self._heart.stop()
            self._heart = None
        self._lock.release(force=True)

    def is_held(self) -> bool:
        """Whether a living process holds the run, on this machine or on another."""
        return self._lock.is_locked or self.holder() is not None

    def holder(self) -> heartbeat.Holder | None:
        """Which living process holds the run; prints as `process 123 on host`."""
        found = heartbeat.read(self.folder)
        if found is None or (found.is_here() and not self._is_locked()):
            return None
        return found if (found.is_here() and found.lives()) or found.is_fresh(self.folder) else None

    def _is_locked(self) -> bool:
        """Whether a process of this machine has the lock: a copy of the folder, made while it was held, is not."""
        if self._lock.is_locked:
            return True
        probe = FileLock(self.folder / LOCK, thread_local=False)
        try:
            probe.acquire(timeout=0)
        except Timeout:
            return True
        except OSError as error:
            return error.errno != errno.EROFS  # another user's run, as against a read-only copy
        probe.release()
        return False

    def has_saved_state(self) -> bool:
        """Whether there is something to go on from."""
        return any(self.models.glob(f"{RESUME}*"))

    def is_trained(self) -> bool:
        """Whether there are weights to infer with."""
        return any((self.models / name).exists() or list(self.models.glob(f"{name}-*")) for name in (BEST, FINAL))


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
