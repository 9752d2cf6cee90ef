"""How many processors a process may use: bound to some of them, or in a container with a quota."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from monklite.processors import cpu_count, cpu_name, saturates

V1, PERIOD = "cpu.cfs_quota_us", ("cpu.cfs_period_us", "100000")


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch):
    """Pretend that this process may run on so many processors."""
    return lambda n: monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(n)), raising=False)


def draw(system: Path, groups: str, *files: tuple[str, str]) -> Path:
    (system / "proc/self").mkdir(parents=True)
    (system / "proc/self/cgroup").write_text(groups)
    for name, text in files:
        (system / "sys/fs/cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (system / "sys/fs/cgroup" / name).write_text(f"{text}\n")
    return system


@pytest.mark.parametrize("n", [1, 2, 16, 64])
def test_the_processors_that_the_process_is_bound_to_count(bound, tmp_path: Path, n: int) -> None:
    bound(n)
    assert cpu_count(tmp_path) == n


def test_where_a_process_cannot_be_bound_all_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cpu_count(tmp_path) == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cpu_count(tmp_path) == 1


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", [("cpu.max", "200000 100000")], 2),  # a container's own view
        ("0::/\n", [("cpu.max", "150000 100000")], 2),
        ("0::/\n", [("cpu.max", "50000 100000")], 1),
        ("0::/\n", [("cpu.max", "max 100000")], 16),
        ("0::/\n", [], 16),
        ("0::/user/job\n", [("user/job/cpu.max", "800000 100000")], 8),
        ("0::/user/job\n", [("user/job/cpu.max", "max 100000"), ("user/cpu.max", "300000 100000")], 3),
        ("0::/host/docker/x\n", [("cpu.max", "400000 100000")], 4),  # the group's path is the host's
        ("0::/\n", [("cpu.max", "nonsense")], 16),
        ("4:cpu,cpuacct:/\n", [(f"cpu,cpuacct/{V1}", "200000"), (f"cpu,cpuacct/{PERIOD[0]}", PERIOD[1])], 2),
        ("4:cpu,cpuacct:/d/x\n", [(f"cpu/d/x/{V1}", "200000"), (f"cpu/d/x/{PERIOD[0]}", PERIOD[1])], 2),
        ("1:cpu:/\n0::/\n", [(f"cpu/{V1}", "-1"), (f"cpu/{PERIOD[0]}", PERIOD[1])], 16),
        ("2:cpuset:/\n1:cpu:/d\n", [(f"cpu/d/{V1}", "500000"), (f"cpu/d/{PERIOD[0]}", PERIOD[1])], 5),
        ("2:cpuset:/\n", [(f"cpuset/{V1}", "100000"), (f"cpuset/{PERIOD[0]}", PERIOD[1])], 16),
        ("0::/\n", [("cpu.max", "6400000 100000")], 16),  # more than there are
    ],
)
def test_a_quota_limits_them(bound, tmp_path: Path, groups: str, files: list[tuple[str, str]], expected: int) -> None:
    bound(16)
    assert cpu_count(draw(tmp_path, groups, *files)) == expected


def test_this_process_has_at_least_one_and_at_most_all() -> None:
    assert 1 <= cpu_count() <= (os.cpu_count() or 1)


def test_the_processor_has_the_name_that_its_maker_gave_it(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(
        "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC: 9B14\n\nmodel name\t: B\n"
    )
    assert cpu_name(tmp_path) == "AMD EPYC: 9B14"


@pytest.mark.parametrize("content", [None, b"", b"model name\t:\n", b"CPU part\t: 0xd40\n\xff"])
def test_without_a_name_it_has_that_of_its_family(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "proc").mkdir()
        (tmp_path / "proc/cpuinfo").write_bytes(content)
    assert cpu_name(tmp_path) == (platform.processor() or platform.machine())


def test_sums_of_8_bit_products_saturate_where_the_processor_has_no_vnni(tmp_path):
    (tmp_path / "proc").mkdir()
    for flags, expected in (("sse2 avx2", True), ("avx2 avx512_vnni", False), ("avx2 avx_vnni", False)):
        (tmp_path / "proc" / "cpuinfo").write_text(f"model name\t: A\nflags\t\t: fpu {flags}\n\nmodel name\t: B\n")
        assert saturates(tmp_path, "x86_64") is expected
        assert not saturates(tmp_path, "aarch64")
    # nothing is known of it
    assert saturates(tmp_path / "nowhere", "AMD64")
