"""Choose the device, the precision and the algorithms."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Iterator

import torch

from ...processors import cpu_count
from . import distributed


def _available() -> list[str]:
    """Devices that can be used here, best first."""
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        gpus.append("mps")
    return [*gpus, "cpu"]


def choose(use_gpu: bool) -> torch.device:
    """The GPU of this process's local rank, else the best device; the CPU if `use_gpu` is false."""
    if not use_gpu:
        return torch.device("cpu")
    devices, rank = _available(), distributed.local_rank()
    has_own_gpu = devices[0].startswith("cuda") and rank < len(devices) - 1
    return torch.device(devices[rank if has_own_gpu else 0])


def limit_threads() -> None:
    """Use no more threads than this process has processors: torch ignores a container's quota, and surplus threads slow
    each other down."""
    if torch.get_num_threads() > cpu_count():
        torch.set_num_threads(cpu_count())


def title(device: torch.device) -> str:
    """A readable name of the device, for the run's record."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)" if device.type == "cpu" else str(device)


def precision(requested: str, device: torch.device) -> torch.dtype:
    """The data type of convolutions and matrix products.

    `auto`: bfloat16 where the hardware supports it (weights stay float32, and its range needs no loss scaling), else float16
    on GPUs with tensor cores, else float32. Apple's GPUs gain nothing from autocast yet.
    """
    if requested != "auto":
        return getattr(torch, requested)
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        return torch.bfloat16 if major >= 8 else torch.float16 if major == 7 else torch.float32
    if device.type == "cpu" and _cpu_has_bfloat16():
        return torch.bfloat16
    return torch.float32


def supports_fused(optimizer: type[torch.optim.Optimizer], device: torch.device) -> bool:
    """Whether an optimizer can update all weights in one kernel on this device, several times faster than one by one."""
    return device.type in ("cpu", "cuda") and "fused" in inspect.signature(optimizer).parameters


def has_tf32(device: torch.device) -> bool:
    """Whether float32 convolutions run on tensor cores, with 10 bits of mantissa; see `algorithms`."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8


@contextlib.contextmanager
def algorithms(device: torch.device, deterministic: bool) -> Iterator[None]:
    """On a GPU, use the fastest algorithms, benchmarked once per shape, or only deterministic ones, inside the block."""
    if device.type != "cuda":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    if deterministic:
        # required by cuBLAS
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with torch.backends.cudnn.flags(
            enabled=True, benchmark=not deterministic, deterministic=deterministic, allow_tf32=True
        ):
            yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def _cpu_has_bfloat16() -> bool:
    """Whether the processor has bfloat16 units; it is emulated and slower without. torch has no public function for it."""
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check)
