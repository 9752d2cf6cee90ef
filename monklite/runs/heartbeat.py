"""Who holds a folder, told to every machine that sees it: a small file that its holder rewrites every few seconds.

Between processes of one machine a lock decides (flock); on a shared disk another machine often does not see it (NFS
without a lock manager, SMB, Colab's Drive). So the holder writes `.holder` too: host, process, its start, and a count that
goes up. Times are compared as the disk gives them, not as two machines' clocks do.
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

HOLDER = ".holder"
BEAT_EVERY = 5.0  # seconds
STALE_AFTER = 60.0  # seconds without a beat that mean death: a busy disk or network may delay some
SAME_START = 1.0  # seconds by which the start of one process may seem to differ
MOST_BYTES = 4096


@dataclass(frozen=True)
class Holder:
    """What the file says. `place`: where its process id means something; `touched`: last beat, by the disk's clock."""

    touched: float
    host: str = "another machine"
    place: str = ""
    pid: int = 0
    started: float = 0.0
    token: str = ""
    beat: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def is_here(self) -> bool:
        """Whether this process could see the holder's."""
        return self.place == _place()

    def lives(self) -> bool:
        """Whether the process is there, and is the same one: ids are used again. Only where `is_here`."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            return process.status() != psutil.STATUS_ZOMBIE and abs(_started(process) - self.started) < SAME_START
        except psutil.AccessDenied:
            return True
        except (psutil.NoSuchProcess, ValueError, OverflowError):
            return False

    def is_fresh(self, folder: Path) -> bool:
        """Whether its heart beat lately; a beat from the future is one from before a clock jumped back."""
        return abs(disk_time(folder) - self.touched) < STALE_AFTER

    def beats(self, folder: Path) -> bool:
        """Watch for the time of two beats: slow, and right whatever the clocks of the disk and the machines say."""
        time.sleep(2.5 * BEAT_EVERY)
        now = read(folder)
        return now is not None and (now.token, now.beat, now.touched) != (self.token, self.beat, self.touched)


def read(folder: Path) -> Holder | None:
    """Who holds the folder or held it when it was killed; None where nobody says so."""
    try:
        with (folder / HOLDER).open("rb") as file:
            touched, text = os.fstat(file.fileno()).st_mtime, file.read(MOST_BYTES)
    except OSError:
        return None
    try:
        v = json.loads(text)
        return Holder(touched, v["host"], v["place"], int(v["pid"]), float(v["started"]), v["token"], v["beat"])
    except (ValueError, TypeError, KeyError, OverflowError):
        return Holder(touched)  # being written at this moment


class Heartbeat:
    """Beats from a thread until it is stopped, or the object is gone, or the process ends.

    Raises:
        FileExistsError: another one's file is there.
    """

    def __init__(self, folder: Path) -> None:
        import psutil

        self.folder, self.token = folder, secrets.token_hex(8)
        about = {"host": platform.node(), "place": _place(), "pid": os.getpid(), "started": _started(psutil.Process())}
        path, values, stop = folder / HOLDER, {**about, "token": self.token}, threading.Event()
        _create(path, values)
        thread = threading.Thread(target=_beat, args=(path, values, stop), name="monklite-heartbeat", daemon=True)
        thread.start()
        self.stop = weakref.finalize(self, _end, folder, self.token, os.getpid(), stop, thread)

    def taken_over_by(self) -> Holder | None:
        """Who took the folder while this process did not answer: a laptop that slept, a network that was away."""
        holder = read(self.folder)
        return holder if holder is not None and holder.token not in ("", self.token) else None  # "": half written


def _text(values: dict[str, object], beat: int) -> bytes:
    return json.dumps({**values, "beat": f"{beat:012d}"}).encode()  # of one length, so that it can be overwritten


def _create(path: Path, values: dict[str, object]) -> None:
    with path.open("xb") as file:
        try:
            file.write(_text(values, 0))
            file.flush()
        except OSError:  # a full disk: an empty file would look like another holder's
            path.unlink(missing_ok=True)
            raise


def _beat(path: Path, values: dict[str, object], stop: threading.Event) -> None:
    beat = 0
    while not stop.wait(BEAT_EVERY):
        beat += 1
        with contextlib.suppress(OSError):  # a beat may be missed; the next one comes soon
            try:
                with path.open("r+b") as file:  # the file of another that took over is not touched
                    if str(values["token"]).encode() in file.read(MOST_BYTES):
                        file.seek(0)
                        file.write(_text(values, beat))
            except FileNotFoundError:
                _create(path, values)


def _end(folder: Path, token: str, pid: int, stop: threading.Event, thread: threading.Thread) -> None:
    if os.getpid() != pid:
        return  # a forked child has the object, not the folder
    stop.set()
    if thread is not threading.current_thread():
        thread.join(BEAT_EVERY)
    holder = read(folder)
    if holder is not None and holder.token == token:
        with contextlib.suppress(OSError):
            (folder / HOLDER).unlink()


@functools.cache
def _place() -> str:
    """Where a process id means something: this boot of this machine, and the container that numbers processes itself."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{platform.node()} {boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return platform.node()


def _started(process: object) -> float:
    """When a process began, in seconds that stay the same when the clock is set: Linux counts from the boot."""
    import psutil

    boot = psutil.boot_time() if psutil.LINUX else 0.0
    return process.create_time() - boot  # type: ignore[attr-defined]


def disk_time(folder: Path) -> float:
    """The time that the disk gives a file written now."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()  # it may only be read
