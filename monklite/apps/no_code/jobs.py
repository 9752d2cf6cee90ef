"""Jobs for processes of their own, done one after the other: a queue on the disk, which outlives the server.

    <number>/job.json       what it is
    <number>/started.json   its process, once it has begun; a job without it waits
    <number>/log.txt        what it printed

Whether a job runs is asked of its process; what came of it, of what it wrote.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import MonkliteError
from ...files import make_folder, write_new
from ...locks import Lock
from ...looking import entries, exists
from ...regular_files import open_regular
from ...runs.state import now
from .own_files import as_json, read_json, write_json

JOB, STARTED, LOG, SCRIPT = "job.json", "started.json", "log.txt", "script.py"
TRAINING, INSPECTING, CHOOSING, EXPORTING, SERVING = "training", "inspecting", "choosing", "exporting", "serving"
# before the name of a file that is in the folder of a job; no text of a user begins so
FOLDER = "\0folder/"
# jobs that work hard, of which one is run at a time
IN_TURN = (TRAINING, INSPECTING, CHOOSING, EXPORTING)
WAITING, RUNNING, ENDED = "waiting", "running", "ended"
# seconds between two looks at the queue
LOOK_EVERY = 0.5
# bytes of the end of a log that are shown
LOG_END = 20_000
# seconds by which two readings of one process's start may differ
START_TOLERANCE = 1.0


@dataclass(frozen=True)
class Job:
    """A job. `about`: what it is of: kind, project, and what its kind needs."""

    folder: Path
    about: Mapping[str, Any]

    number = property(lambda self: int(self.folder.name))
    kind = property(lambda self: self.about["kind"])
    project = property(lambda self: self.about["project"])
    script = property(lambda self: self.folder / SCRIPT)

    @property
    def status(self) -> str:
        """Whether it waits, runs, or has ended."""
        if not exists(self.folder / STARTED):
            return WAITING
        return RUNNING if self._process() else ENDED

    def _process(self) -> Any:
        """Its living process, None if there is none. The start is compared too, for ids are reused."""
        import psutil

        with contextlib.suppress(psutil.Error, MonkliteError, KeyError, ValueError, OverflowError):
            known = read_json(self.folder / STARTED)
            process = psutil.Process(known["pid"])
            same = abs(process.create_time() - known["began"]) < START_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        return None

    def stop(self) -> None:
        """Ask it to stop, as Ctrl-C does: a training saves where it is. One that waits will not begin."""
        if not exists(self.folder / STARTED):
            with contextlib.suppress(FileExistsError):
                write_new(self.folder / STARTED, as_json({"pid": 0, "began": 0, "at": now(), "cancelled": True}))
                return
        process = self._process()
        if process is None:
            return
        # of all processes it has; Windows knows no gentler way for a process without a window
        process.send_signal(signal.SIGTERM)

    def again(self) -> None:
        """Let it wait for its turn once more. One that waits or runs already is left as it is: a second tab may ask too."""
        if self.status == ENDED:
            (self.folder / STARTED).unlink(missing_ok=True)

    def log(self) -> str:
        """The end of what it printed."""
        path = self.folder / LOG
        if not exists(path):
            return ""
        with open_regular(path) as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - LOG_END))
            return file.read().decode("utf-8", "replace")

    def problem(self) -> str:
        """The last line of what it printed that names an error, without the place in the program; `""`: none does."""
        lines = [line for line in self.log().splitlines() if line and not line.startswith((" ", "\t"))]
        last = lines[-1] if lines else ""
        kind, separator, reason = last.partition(": ")
        return reason if separator and kind.replace(".", "").replace("_", "").isalnum() and kind[:1] != " " else ""


class Jobs:
    """The jobs of a workspace, and the thread that starts them in turn."""

    def __init__(self, folder: Path, working_folder: Path) -> None:
        self.folder, self.working_folder = folder, working_folder
        self._children: list[subprocess.Popen[bytes]] = []
        self._ended: set[tuple[str, int]] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, name="monklite-jobs", daemon=True)

    def start(self) -> None:
        make_folder(self.folder)
        self._thread.start()

    def stop(self) -> None:
        """Start no further jobs; those that run go on without the server."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def all(self) -> Iterator[Job]:
        """Every job, the oldest first."""
        for path in self._folders():
            # another server may just be writing it
            with contextlib.suppress(MonkliteError):
                yield Job(path, read_json(path / JOB))

    def _folders(self) -> list[Path]:
        folders = [path for path in entries(self.folder) if path.name.isdecimal() and exists(path / JOB)]
        return sorted(folders, key=lambda path: int(path.name))

    def of(self, project: str, kind: str, **about: Any) -> list[Job]:
        """The jobs of a project that are of a kind and about something, the newest first."""
        found = [job for job in self.all() if (job.project, job.kind) == (project, kind)]
        return [job for job in reversed(found) if all(job.about.get(key) == value for key, value in about.items())]

    def add(self, kind: str, project: str, arguments: Sequence[str], script: str = "", **about: Any) -> Job:
        """A new job: Python with these arguments; one that begins with `FOLDER` is a path in the folder of the job."""
        folder = self._new_folder()
        if script:
            (folder / SCRIPT).write_text(script, encoding="utf-8")
        given = [str(folder / a.removeprefix(FOLDER)) if a.startswith(FOLDER) else a for a in arguments]
        values = {"kind": kind, "project": project, "arguments": given, "made": now(), **about}
        write_json(folder / JOB, values)
        return Job(folder, values)

    def _new_folder(self) -> Path:
        make_folder(self.folder)
        number = max((int(path.name) for path in entries(self.folder) if path.name.isdecimal()), default=0)
        while True:
            number += 1
            # another server may take it first
            with contextlib.suppress(FileExistsError):
                (self.folder / f"{number:04d}").mkdir()
                return self.folder / f"{number:04d}"

    def run(self, job: Job) -> None:
        """Start the process of a job. It is of a session of its own and goes on when the server ends."""
        import psutil

        # it was taken out since it was seen waiting
        if exists(job.folder / STARTED):
            return
        new_session: dict[str, Any] = {"start_new_session": True}
        if os.name == "nt":
            new_session = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        with (job.folder / LOG).open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-u", *job.about["arguments"]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.working_folder,
                env=_environment(),
                **new_session,
            )
        self._children.append(child)
        with contextlib.suppress(psutil.Error):
            began = psutil.Process(child.pid).create_time()
            write_json(job.folder / STARTED, {"pid": child.pid, "began": began, "at": now()})

    def _look(self) -> None:
        lock = Lock(self.folder / ".lock")
        while not self._stopping.wait(LOOK_EVERY):
            # an ended child stays in the list of processes until it is asked for
            for child in [child for child in self._children if child.poll() is not None]:
                self._children.remove(child)
            with contextlib.suppress(MonkliteError, OSError):
                # of several servers one starts jobs
                if lock.is_held or lock.acquire(timeout=0):
                    self._start_next()
        lock.release()

    def _start_next(self) -> None:
        jobs = [job for job in self._not_ended() if job.kind in IN_TURN]
        statuses = [job.status for job in jobs]
        if RUNNING not in statuses and WAITING in statuses:
            self.run(jobs[statuses.index(WAITING)])

    def _not_ended(self) -> Iterator[Job]:
        """The jobs that wait or run; of those that were seen to have ended, only the time of their start is looked at."""
        for folder in self._folders():
            started = folder / STARTED
            key = (folder.name, started.stat().st_mtime_ns if exists(started) else 0)
            if key in self._ended:
                continue
            # one that is damaged is no reason to start no other
            try:
                job = Job(folder, read_json(folder / JOB))
            except MonkliteError:
                continue
            if job.status == ENDED:
                self._ended.add(key)
            else:
                yield job


def _environment() -> dict[str, str]:
    """That of this process, in which monklite is found wherever this one found it."""
    package = str(Path(__file__).parents[3])
    known = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (package, known))), "PYTHONIOENCODING": "utf-8"}
