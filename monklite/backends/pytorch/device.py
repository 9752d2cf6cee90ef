"""Choose the device, the precision and the algorithms."""

from __future__ import annotations

import contextlib
import inspect
import os
import warnings
from collections.abc import Iterator

import torch

from ...errors import InvalidValue
from ...processors import cpu_count, cpu_name
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


def identity(device: torch.device) -> str:
    """A text that differs for devices, or versions of torch, whose relative speeds may differ."""
    units = [name for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported") if _cpu_has(name)]
    details = [cpu_name(), *units] if device.type == "cpu" else []
    return ", ".join([f"torch {torch.__version__}", title(device), *details])


def candidates(device: torch.device) -> tuple[str, ...]:
    """The precisions of which any may be the fastest, first the one that is taken without a measurement.

    Weights stay float32 in all of them. GPUs with tensor cores: bfloat16, whose range needs no loss scaling, or float16 where
    they lack it. CPUs: with matrix tiles for bfloat16 (AMX) nearly every network is faster in it, with only its vector
    instructions (AVX512_BF16) most are slower; which one, is seen only by a measurement. Without either it is emulated.
    Apple's GPUs gain nothing from autocast yet.
    """
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        return ("bfloat16" if major >= 8 else "float16" if major == 7 else "float32",)
    if device.type == "cpu" and _cpu_has("_is_amx_tile_supported"):
        return "bfloat16", "float32"
    if device.type == "cpu" and _cpu_has("_is_avx512_bf16_supported"):
        return "float32", "bfloat16"
    return ("float32",)


def precision(requested: str, device: torch.device) -> torch.dtype:
    """The data type of convolutions and matrix products. `auto`: the first of `candidates`.

    Raises:
        InvalidValue: the device cannot compute in it.
    """
    name = candidates(device)[0] if requested == "auto" else requested
    if name != "float32" and not _computes_in(getattr(torch, name), device):
        raise InvalidValue(
            f"{title(device)} cannot compute in {name}: use precision='float32'. A resumed run keeps its precision: resume it "
            "on a device that has it, or copy it"
        )
    return getattr(torch, name)


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


def _cpu_has(instructions: str) -> bool:
    """Whether the processor has some instructions, by the name of torch's check, which is not public."""
    check = getattr(torch.cpu, instructions, None)
    return check is not None and check()


def _computes_in(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether autocast takes a type on this device; torch raises an error for some and warns of others, then ignores them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            torch.autocast(device.type, dtype=dtype)
    except (RuntimeError, UserWarning):
        return False
    return True
