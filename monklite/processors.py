"""How many processors this process may use, and how many threads decode images.

All parallel work of monklite's own is done in threads, never in processes: a script needs no `if __name__ == "__main__":`, on
Windows and macOS neither.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

MOST_DECODERS = 32  # about 1/20 of decoding holds Python's lock, so that more threads than this only wait for it


def decoders() -> int:
    """Threads that decode images, if nothing else is said: one a processor."""
    return min(cpu_count(), MOST_DECODERS)


def cpu_count(system: Path = Path("/")) -> int:
    """Processors that this process may use: those it is bound to, and no more than its container's quota pays for.

    Args:
        system: the root of the file system (another one in tests).
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([bound, *map(math.ceil, _quotas(system))]))


def _quotas(system: Path) -> Iterator[float]:
    """The limits of the control groups that this process is in, in processors (Linux: cgroups(7), version 2 and 1)."""
    mounts = system / "sys/fs/cgroup"
    for controllers, group in _groups(system / "proc/self/cgroup"):
        if not controllers:
            yield from _limits(mounts, group, "cpu.max")
        elif "cpu" in controllers.split(","):
            yield from _limits(mounts / controllers, group, "cpu.cfs_quota_us", "cpu.cfs_period_us")
            yield from _limits(mounts / "cpu", group, "cpu.cfs_quota_us", "cpu.cfs_period_us")


def _groups(table: Path) -> Iterator[tuple[str, str]]:
    """Controllers ("" in version 2) and path of each group; none on other systems."""
    try:
        lines = table.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        yield controllers, group.strip("/")


def _limits(mount: Path, group: str, *files: str) -> Iterator[float]:
    """The quota of the group and of all that it lies in; a container sees its own group as the mount's root."""
    for folder in (mount / group, *(mount / group).parents):
        if folder.is_relative_to(mount):
            try:
                quota, period = " ".join((folder / file).read_text() for file in files).split()
            except (OSError, ValueError):  # not there, or not for us to read
                continue
            if quota not in ("max", "-1"):
                yield int(quota) / int(period)
