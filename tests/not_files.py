"""What can be in the place of a file: a named pipe, a device, a folder, a link in a circle, a file of gigabytes."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SECONDS, MEMORY = 20, 300 << 20  # that a call may take: s, bytes
SPARSE_BYTES = 5 << 30


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(SPARSE_BYTES)


def _socket(path: Path) -> None:
    import socket

    # the path of a socket may have 107 characters
    with contextlib.chdir(path.parent), contextlib.closing(socket.socket(socket.AF_UNIX)) as made:
        made.bind(path.name)


THINGS: dict[str, Callable[[Path], None]] = {
    "a named pipe": os.mkfifo,
    "a device without an end": lambda path: path.symlink_to("/dev/zero"),
    "a device that says no": lambda path: path.symlink_to("/dev/full"),
    "a socket": _socket,
    "a folder": lambda path: (path / "inside").mkdir(parents=True),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a file of gigabytes": _huge,
}


def put(thing: str, path: Path) -> None:
    """Put a thing in the place of a file."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    THINGS[thing](path)


@contextlib.contextmanager
def bounded(what: object) -> Iterator[None]:
    """Fail if the block waits, or takes much memory."""

    def stop(*_: object) -> None:
        pytest.fail(f"{what}: not done after {SECONDS} s")

    before, previous = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    # kB on Linux, bytes on macOS, where this only finds less
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < MEMORY, f"{what}: {grown:,} bytes of memory"
