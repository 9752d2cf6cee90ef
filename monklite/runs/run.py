"""One version of an experiment on disk: its files, its state and its lock."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from ..errors import DamagedFile, NotFound, StorageError
from ..files import DISK_FULL, TEMPORARY, discard, remove_leftovers, storing, write_text
from ..locks import Lock
from ..looking import entries
from ..regular_files import MAX_JSON_BYTES, NotReadable, read_regular
from ..transient import attempted, retried
from . import heartbeat
from .file_names import BEST, FINAL, LOCK, RESUME, STATE, VALIDATION, is_file_of
from .state import RunState, parse


class Run:
    """One version of an experiment: its folder, its files, its state and its lock.

    `is_training`: nobody takes the lock over now. `taken_over`: another object of this thread has the lock now.
    """

    # runs locked by this process: a newer object may take over from an older one
    _locked: WeakValueDictionary[Path, Run] = WeakValueDictionary()

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_training = False
        self.taken_over = False
        self._thread = 0
        self._lock = Lock(folder / LOCK)
        self._heartbeat: heartbeat.Heartbeat | None = None

    logs = property(lambda self: self.folder / "output" / "logs")
    models = property(lambda self: self.folder / "output" / "models")
    evaluations = property(lambda self: self.folder / "output" / "evaluation")
    version = property(lambda self: int(self.folder.name[1:]))

    def __str__(self) -> str:
        return "/".join(self.folder.parts[-3:])

    def state(self) -> RunState:
        """Read the state; a run whose process died reads as `interrupted`.

        Raises:
            NotFound: there is no state. DamagedFile: it cannot be read. StorageError: the disk does not answer.
        """
        state = self._stored_state()
        if state.status == "running" and not self.is_locked():
            # training may have ended between reading the state and the lock
            state = self._stored_state()
            if state.status == "running":
                return state.model_copy(update={"status": "interrupted"})
        return state

    def _stored_state(self) -> RunState:
        path = self.folder / STATE
        try:
            text = retried(lambda: read_regular(path, MAX_JSON_BYTES), path).decode("utf-8")
        except FileNotFoundError:
            raise NotFound(f"{path} is missing: this is not a run of monklite, or it was never set up") from None
        except StorageError:
            raise
        except PermissionError as error:
            raise StorageError(f"{path} cannot be read: you may not read it; check its permissions") from error
        except NotReadable as error:
            raise DamagedFile(f"{path} cannot be read: {error.strerror}") from None
        except (UnicodeDecodeError, OSError) as error:
            raise DamagedFile(f"{path} is damaged and cannot be read ({error})") from None
        state = parse(text, str(path))
        # the folder decides, because it may have been renamed or copied since
        project, experiment, _ = self.folder.parts[-3:]
        return state.model_copy(update={"project": project, "experiment": experiment, "version": self.version})

    def write(self, state: RunState) -> None:
        write_text(self.folder / STATE, state.to_json())

    def update(self, **changes: Any) -> RunState:
        """Change fields of the state; safe against another process that does the same.

        Raises:
            StorageError: another machine took the run over, or the file cannot be written.
            UnknownArgument, InvalidValue: no such field, or not a valid value for it; nothing is written.
        """
        self.check_lock()
        with storing(self.folder / STATE), Lock(self.folder / ".state.lock"):
            # the status as stored, not `interrupted` as readers see it
            state = self._stored_state().replace(**changes)
            self.write(state)
        return state

    def acquire(self, to_free_space: bool = False) -> bool:
        """Lock the run for this object; False if another process, thread or machine has the lock, or it is being trained.

        Args:
            to_free_space: on a full disk, where the lock cannot be announced to other machines, have it unannounced.

        An object of the same thread that is not training gives the lock up, because a notebook's cell is often run again.
        If another machine had the lock last and did not release it, this waits some seconds for a heartbeat.
        """
        previous = Run._locked.get(self.folder)
        same_thread = previous is not None and previous._thread == threading.get_ident()
        if previous is not None and previous is not self and same_thread and not previous.is_training:
            previous.taken_over = True
            previous.release()
        with storing(self.folder):
            # not 0: a reader that checks the lock has it for a moment
            if not self._lock.is_held and not self._lock.acquire(timeout=0.1):
                return False
            if not self._announce(to_free_space):
                self.release()
                return False
        Run._locked[self.folder], self._thread, self.taken_over = self, threading.get_ident(), False
        return True

    def _announce(self, to_free_space: bool) -> bool:
        """Announce the lock to every machine; False if one that does not see the lock file has the run."""
        if self._heartbeat is not None:
            return self._heartbeat.taken_over_by() is None
        holder = heartbeat.read(self.folder)
        if holder is not None and not holder.is_local():
            if holder.is_fresh(self.folder) or holder.is_beating(self.folder):
                return False
        elif holder is not None and not self._lock.protects() and self._is_held_without_lock(holder):
            return False
        # without locks, another process may just have created its own
        if holder is not None or self._lock.protects():
            attempted(lambda: (self.folder / heartbeat.HOLDER).unlink(missing_ok=True))
        try:
            self._heartbeat = heartbeat.Heartbeat(self.folder)
        except FileExistsError:
            return False
        except OSError as error:
            if not to_free_space or error.errno not in DISK_FULL:
                raise
        return True

    def _is_held_without_lock(self, holder: heartbeat.Holder) -> bool:
        """Whether a local holder has the run, judged by its process, where the file system has no locks."""
        if holder.pid != os.getpid():
            return holder.is_alive()
        previous = Run._locked.get(self.folder)
        return previous is not None and previous is not self and previous._heartbeat is not None

    def check_lock(self) -> None:
        """Check, before writing, that nobody took the run over while this process slept.

        Raises:
            StorageError: another process did; this one must not write to the run any more.
        """
        other = self._heartbeat.taken_over_by() if self._heartbeat is not None else None
        if other is not None:
            raise StorageError(
                f"{self} was taken over by {other} while this process did not answer for {heartbeat.STALE_AFTER:.0f} s; "
                "what it saved before is kept, and it writes no more"
            )

    def remove_leftovers(self) -> None:
        """Remove temporary files of killed writers; the caller must have the lock."""
        with storing(self.folder):
            for folder in (self.folder, self.logs, self.models, self.evaluations / VALIDATION):
                remove_leftovers(folder)
        self._remove_leftover_links()

    def _remove_leftover_links(self) -> None:
        """Remove temporary links of killed writers; a living writer has the lock of the version that its link points to."""
        for leftover in entries(self.folder.parent):
            if not leftover.match(f".*{TEMPORARY}"):
                continue
            # fails if the writer has just renamed it
            with contextlib.suppress(OSError):
                target = self.folder.with_name(leftover.readlink().parts[0])
                if target == self.folder or not (target.is_dir() and Run(target).is_locked()):
                    discard(leftover)

    def release(self) -> None:
        """Give the lock up; does nothing without it."""
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat = None
        self._lock.release()

    def is_locked(self) -> bool:
        """Whether a living process has the lock, on this machine or on another."""
        return self._lock.is_held or self.holder() is not None

    def holder(self) -> heartbeat.Holder | None:
        """The living process that has the lock, or None; prints as `process 123 on host`."""
        holder = heartbeat.read(self.folder)
        if holder is None:
            return None
        if holder.is_local() and not self._lock.protects():
            return holder if self._lock.is_held or self._is_held_without_lock(holder) else None
        if holder.is_local() and not self._is_locked_on_this_machine():
            return None
        return holder if (holder.is_local() and holder.is_alive()) or holder.is_fresh(self.folder) else None

    def busy_message(self) -> str:
        """The error message for a run that another process is training."""
        holder = self.holder()
        by = f" by {holder}" if holder else ""
        return (
            f"{self} is being trained right now{by}; wait for it, or stop it first (a process that was killed on another "
            "machine is noticed after a minute)"
        )

    def _is_locked_on_this_machine(self) -> bool:
        """Whether a process of this machine has the lock; a copy of a locked folder is not locked."""
        if self._lock.is_held:
            return True
        probe = Lock(self.folder / LOCK)
        try:
            if not probe.acquire(timeout=0):
                return True
        except StorageError as error:
            # permission denied: the run of another user; a read-only copy is never locked
            return getattr(error.__cause__, "errno", None) != errno.EROFS
        probe.release()
        return False

    def has_saved_state(self) -> bool:
        """Whether there is a state to resume from."""
        return self.has_weights(RESUME)

    def is_trained(self) -> bool:
        """Whether there are weights to predict with."""
        return self.has_weights(BEST) or self.has_weights(FINAL)

    def has_weights(self, kind: str) -> bool:
        """Whether there is a file of that kind; see `WEIGHT_KINDS`. Raises StorageError: the disk does not say."""
        return any(is_file_of(kind, path.name) for path in entries(self.models))
