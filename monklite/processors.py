"""The processors that this process may use: their number and their name."""

from __future__ import annotations

import functools
import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from .regular_files import read_regular


def cpu_count(system: Path | None = None) -> int:
    """The number of processors that this process may use, limited by its CPU affinity and its container's quota.

    Args:
        system: the root of the file system; tests pass another. None: this machine's, whose quota is read once.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _own_quota() if system is None else _quota(system)
    return affinity if quota is None else max(1, min(affinity, quota))


# it is asked for many times in a training
@functools.cache
def _own_quota() -> int | None:
    return _quota(Path("/"))


def _quota(system: Path) -> int | None:
    """The smallest limit of this process's control groups, in whole processors; None: there is no limit."""
    return min(map(math.ceil, _quotas(system)), default=None)


def cpu_name(system: Path = Path("/")) -> str:
    """The name of the processor as its maker gives it, such as `AMD EPYC 9B14`; where it is not known, that of its family.

    Args:
        system: the root of the file system; tests pass another.
    """
    return _cpu_entry("model name", system) or platform.processor() or platform.machine()


def saturates(system: Path = Path("/"), machine: str = "") -> bool:
    """Whether sums of products of 8-bit numbers may saturate: on x86 without VNNI, whose sums have 16 bits.

    Where the processor does not say what it has, it is taken for one without.

    Args:
        system: the root of the file system, machine: the family of the processor; tests pass others.
    """
    if (machine or platform.machine()).lower() not in ("x86_64", "amd64", "i386", "i686"):
        return False
    return not {"avx512_vnni", "avx_vnni"} & {*_cpu_entry("flags", system).split()}


def _cpu_entry(name: str, system: Path) -> str:
    """The value that Linux gives for the first processor under a name; "" elsewhere."""
    try:
        lines = read_regular(system / "proc/cpuinfo").decode("utf-8", "replace").splitlines()
    # not Linux
    except OSError:
        lines = []
    return next((v.strip() for key, _, v in (line.partition(":") for line in lines) if key.strip() == name), "")


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
