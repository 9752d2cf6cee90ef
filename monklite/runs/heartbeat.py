"""The heartbeat of a folder's holder: a small file, rewritten every few seconds, that every machine can read.

Between processes of one machine a lock decides (flock). Another machine often does not see that lock on a shared disk (NFS
without a lock manager, SMB, Colab's Drive), so the holder also writes `.holder`: host, process, its start, and a counter.
Times are compared by the disk's clock, because the clocks of two machines may differ.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import secrets
import tempfile
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

from ..errors import StorageError
from ..files import discard
from ..regular_files import open_regular
from ..transient import attempted, retried

HOLDER = ".holder"
BEAT_EVERY = 5.0  # seconds
# seconds without a heartbeat after which a holder counts as dead; a busy disk or network may delay several
STALE_AFTER = 60.0
# seconds by which two readings of one process's start may differ
START_TOLERANCE = 1.0
MAX_HOLDER_BYTES = 4096


@dataclass(frozen=True)
class Holder:
    """Content of the holder file.

    `machine`: identifies where the process id is valid. `started`: start of the process, in seconds since the boot on
    Linux. `touched`: time of the last heartbeat by the disk's clock, in seconds.
    """

    touched: float
    host: str = "another machine"
    machine: str = ""
    pid: int = 0
    started: float = 0.0
    token: str = ""
    beat: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def is_local(self) -> bool:
        """Whether the holder's process id is valid in this process too."""
        return self.machine == _machine_id()

    def is_alive(self) -> bool:
        """Whether the process still runs. Its start is compared too, for ids are reused. Only valid if `is_local`."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            same_start = abs(_process_start(process) - self.started) < START_TOLERANCE
            return process.status() != psutil.STATUS_ZOMBIE and same_start
        except psutil.AccessDenied:
            return True
        except (psutil.NoSuchProcess, ValueError, OverflowError):
            return False

    def is_fresh(self, folder: Path) -> bool:
        """Whether the last heartbeat is recent. After a clock was set back, it may lie in the future."""
        return abs(disk_time(folder) - self.touched) < STALE_AFTER

    def is_beating(self, folder: Path) -> bool:
        """Wait for two heartbeats and compare: slow, but correct whatever the clocks of disk and machines say."""
        time.sleep(2.5 * BEAT_EVERY)
        current = read(folder)
        if current is None:
            return False
        return (current.token, current.beat, current.touched) != (self.token, self.beat, self.touched)


def read(folder: Path) -> Holder | None:
    """Read who holds the folder, or held it when killed; None if there is no holder file.

    Raises:
        StorageError: the disk does not answer. The folder must not count as free then.
    """
    path = folder / HOLDER
    try:
        touched, text = retried(lambda: _content(path), path)
    except StorageError:
        raise
    except OSError:
        return None
    try:
        values = json.loads(text)
        return Holder(
            touched,
            values["host"],
            values["place"],
            int(values["pid"]),
            float(values["started"]),
            values["token"],
            values["beat"],
        )
    except (ValueError, TypeError, KeyError, OverflowError):
        # the file is being written at this moment
        return Holder(touched)


def _content(path: Path) -> tuple[float, bytes]:
    with open_regular(path) as file:
        return os.fstat(file.fileno()).st_mtime, file.read(MAX_HOLDER_BYTES)


class Heartbeat:
    """Beats from a thread until it is stopped, the object is deleted, or the process ends.

    Raises:
        FileExistsError: there is a holder file already.
    """

    def __init__(self, folder: Path) -> None:
        import psutil

        self.folder, self.token = folder, secrets.token_hex(8)
        values: dict[str, object] = {
            "host": platform.node(),
            "place": _machine_id(),
            "pid": os.getpid(),
            "started": _process_start(psutil.Process()),
            "token": self.token,
        }
        path, stop = folder / HOLDER, threading.Event()
        _create(path, values)
        thread = threading.Thread(target=_beat, args=(path, values, stop), name="monklite-heartbeat", daemon=True)
        thread.start()
        self.stop = weakref.finalize(self, _stop, folder, self.token, os.getpid(), stop, thread)

    def taken_over_by(self) -> Holder | None:
        """Read who took the folder over while this process did not beat: the laptop slept, or the network was down."""
        holder = read(self.folder)
        # an empty token: the file is being written
        return holder if holder is not None and holder.token not in ("", self.token) else None


def _encode(values: dict[str, object], beat: int) -> bytes:
    """Always of the same length, so that the file can be overwritten in place."""
    return json.dumps({**values, "beat": f"{beat:012d}"}).encode()


def _create(path: Path, values: dict[str, object]) -> None:
    with attempted(lambda: path.open("xb")) as file:
        try:
            file.write(_encode(values, 0))
            file.flush()
        # on a full disk an empty file would stay, which looks like another holder's
        except OSError:
            discard(path)
            raise


def _beat(path: Path, values: dict[str, object], stop: threading.Event) -> None:
    beat = 0
    while not stop.wait(BEAT_EVERY):
        beat += 1
        # a heartbeat may be missed; the next one follows soon
        with contextlib.suppress(OSError):
            try:
                with open_regular(path, writable=True) as file:
                    # never overwrite the file of a holder that took over
                    if str(values["token"]).encode() in file.read(MAX_HOLDER_BYTES):
                        file.seek(0)
                        file.write(_encode(values, beat))
            except FileNotFoundError:
                _create(path, values)


def _stop(folder: Path, token: str, pid: int, stop: threading.Event, thread: threading.Thread) -> None:
    # a forked child inherits the object but does not hold the folder
    if os.getpid() != pid:
        return
    stop.set()
    if thread is not threading.current_thread():
        thread.join(BEAT_EVERY)
    # of a folder that does not answer, the holder counts as dead after a minute
    with contextlib.suppress(OSError):
        holder = read(folder)
        if holder is not None and holder.token == token:
            (folder / HOLDER).unlink()


@functools.cache
def _machine_id() -> str:
    """Identify the process ids that this process sees: the boot of this machine, and the PID namespace of a container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()} {boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def _process_start(process: object) -> float:
    """Start of a process in seconds, independent of changes to the clock: on Linux it is counted from the boot."""
    import psutil

    boot = psutil.boot_time() if psutil.LINUX else 0.0
    return process.create_time() - boot  # type: ignore[attr-defined]


def disk_time(folder: Path) -> float:
    """The time that the disk gives to a file written now, in seconds; the machine's own if the folder is read-only."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()
