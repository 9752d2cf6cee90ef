"""Which device, and which precision pays on it."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Iterator

import torch

from ...processors import cpu_count
from . import distributed


def available() -> list[str]:
    """Devices that can be used here, best first."""
    found = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def choose(use_gpu: bool) -> torch.device:
    """The best device, or the CPU where none is asked for."""
    found = available()
    mine = distributed.local_rank()
    return torch.device(
        found[mine if found[0].startswith("cuda") and mine < len(found) - 1 else 0] if use_gpu else "cpu"
    )


def respect_limits() -> None:
    """Compute with no more threads than this process may have processors: torch does not know a container's quota, and
    threads that wait for one another cost more than they give."""
    if torch.get_num_threads() > cpu_count():
        torch.set_num_threads(cpu_count())


def title(device: torch.device) -> str:
    """What people call the device."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)" if device.type == "cpu" else str(device)


def precision(asked: str, device: torch.device) -> torch.dtype:
    """The type that products are computed in.

    `auto`: bfloat16 where the hardware has it (weights stay float32 and its range needs no loss scaling), else float16
    on GPUs with tensor cores, else float32. Apple's GPUs gain nothing from autocast yet.
    """
    if asked != "auto":
        return getattr(torch, asked)
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        return torch.bfloat16 if major >= 8 else torch.float16 if major == 7 else torch.float32
    if device.type == "cpu" and _cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def fuses(optimizer: type[torch.optim.Optimizer], device: torch.device) -> bool:
    """Whether an optimizer can update all weights in one pass on this device, several times faster than one by one."""
    return device.type in ("cpu", "cuda") and "fused" in inspect.signature(optimizer).parameters


def has_tf32(device: torch.device) -> bool:
    """Whether float32 convolutions run on tensor cores, with 10 bits of mantissa; see `algorithms`."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8


@contextlib.contextmanager
def algorithms(device: torch.device, deterministic: bool) -> Iterator[None]:
    """While computing on a GPU: the fastest algorithms, tried out once a shape, or only those that give the same bits."""
    if device.type != "cuda":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS's own condition
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=not deterministic, deterministic=deterministic, allow_tf32=True
        ):
            yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _cpu_has_bfloat16() -> bool:
    """Without such units bfloat16 is emulated and slower. torch has no public question for it yet."""
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check)
