"""The processors that this process may use: their number and their name."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from .regular_files import read_regular


def cpu_count(system: Path = Path("/")) -> int:
    """The number of processors that this process may use, limited by its CPU affinity and its container's quota.

    Args:
        system: the root of the file system; tests pass another.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([affinity, *map(math.ceil, _quotas(system))]))


def cpu_name(system: Path = Path("/")) -> str:
    """The name of the processor as its maker gives it, such as `AMD EPYC 9B14`; where it is not known, that of its family.

    Args:
        system: the root of the file system; tests pass another.
    """
    try:
        lines = read_regular(system / "proc/cpuinfo").decode("utf-8", "replace").splitlines()
    # not Linux
    except OSError:
        lines = []
    named = (value.strip() for key, _, value in (line.partition(":") for line in lines) if key.strip() == "model name")
    return next(named, "") or platform.processor() or platform.machine()


def _quotas(system: Path) -> Iterator[float]:
    """The limits of this process's control groups, in processors (Linux: cgroups(7), versions 2 and 1)."""
    mounts = system / "sys/fs/cgroup"
    for controllers, group in _groups(system / "proc/self/cgroup"):
        if not controllers:
            yield from _limits(mounts, group, "cpu.max")
        elif "cpu" in controllers.split(","):
            yield from _limits(mounts / controllers, group, "cpu.cfs_quota_us", "cpu.cfs_period_us")
            yield from _limits(mounts / "cpu", group, "cpu.cfs_quota_us", "cpu.cfs_period_us")


def _groups(table: Path) -> Iterator[tuple[str, str]]:
    """Controllers ("" in version 2) and path of each control group; none on other systems."""
    try:
        lines = table.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        yield controllers, group.strip("/")


def _limits(mount: Path, group: str, *files: str) -> Iterator[float]:
    """The quotas of the group and its parents; a container sees its own group as the mount's root."""
    for folder in (mount / group, *(mount / group).parents):
        if folder.is_relative_to(mount):
            try:
                quota, period = " ".join((folder / file).read_text() for file in files).split()
            # absent, or not readable
            except (OSError, ValueError):
                continue
            if quota not in ("max", "-1"):
                yield int(quota) / int(period)
