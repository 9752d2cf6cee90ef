"""One version of an experiment on the disk: its files, its state, and who holds it."""

from __future__ import annotations

import contextlib
import errno
import threading
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

from ..errors import DamagedFile, NotFound, StorageError
from ..files import TEMPORARY, storing, sweep, write_text
from . import heartbeat
from .file_names import BEST, FINAL, LOCK, RESUME, STATE, is_file_of
from .state import RunState, parse


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
            UnknownArgument, InvalidValue: there is no such field, or that cannot be its value; nothing is written.
        """
        self.check_hold()
        with storing(self.folder / STATE), FileLock(self.folder / ".state.lock"):
            state = self._stored().replace(**changes)  # what is read into a status is for readers
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

    def busy_text(self) -> str:
        """What is said to whoever wants a run that is being trained."""
        who = self.holder()
        return (
            f"{self} is being trained right now{f' by {who}' if who else ''}; wait for it, or stop it first (a process that was "
            "killed on another machine is noticed after a minute)"
        )

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
        return self.has_weights(RESUME)

    def is_trained(self) -> bool:
        """Whether there are weights to infer with."""
        return self.has_weights(BEST) or self.has_weights(FINAL)

    def has_weights(self, kind: str) -> bool:
        """Whether there is a file of these weights."""
        return any(is_file_of(kind, path.name) for path in self.models.glob(f"{kind}*"))
