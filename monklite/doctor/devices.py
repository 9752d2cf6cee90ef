"""The processors, the GPUs, and what each backend makes of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil

from .. import backends
from ..catalog.backends import names
from ..errors import MissingPackage, cut
from ..files import format_bytes
from ..processors import cpu_count, cpu_name
from .finding import Finding

# seconds; a first import on a slow disk takes half a minute
PATIENCE = 180.0


def found() -> Iterator[Finding]:
    """Processors and memory, GPUs by their driver, and each backend, which is imported in a process of its own."""
    yield Finding("devices", "processors", f"{cpu_count()} ({cpu_name()})")
    memory = psutil.virtual_memory()
    yield Finding(
        "devices", "memory", f"{format_bytes(memory.total)}, of which {format_bytes(memory.available)} available"
    )
    gpus = list(_gpus())
    yield from gpus
    for name in names():
        yield _backend(name, any(gpu.level == "ok" for gpu in gpus))


def _gpus() -> Iterator[Finding]:
    try:
        import pynvml
    except ImportError as error:
        yield Finding("devices", "GPU", f"unknown: {cut(str(error))}", "error", 'pip install "nvidia-ml-py>=12.560"')
        return
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        absent = error.value in (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED)
        if absent:
            yield Finding("devices", "GPU", f"no NVIDIA GPU ({cut(str(error))})", "note")
        else:
            # such as a driver that was updated while it ran
            yield Finding(
                "devices", "GPU", f"the driver does not work: {cut(str(error))}", "error", "restart the machine"
            )
        return
    try:
        driver = pynvml.nvmlSystemGetDriverVersion()
        for i in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(i)
            value = f"{pynvml.nvmlDeviceGetName(handle)}{_memory_of(pynvml, handle)}, driver {driver}"
            yield Finding("devices", f"GPU {i}", value)
    except pynvml.NVMLError as error:
        yield Finding(
            "devices", "GPU", f"the driver gives no answer: {cut(str(error))}", "error", "restart the machine"
        )
    finally:
        pynvml.nvmlShutdown()


def _memory_of(pynvml: Any, handle: Any) -> str:
    """The memory of a GPU in words; `""`: it shares that of the processor, and the driver does not say."""
    try:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    except pynvml.NVMLError_NotSupported:
        return ""
    return f", {format_bytes(memory.total)}, {format_bytes(memory.free)} free"


def _backend(name: str, has_gpu: bool) -> Finding:
    try:
        backends.check(name)
    except MissingPackage as error:
        level: Any = "error" if name == names()[0] else "note"
        return Finding("devices", f"backend {name}", f"not installed: {error}", level)
    try:
        probe = subprocess.run(
            [sys.executable, "-m", "monklite.doctor.probe", name],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _broken(name, f"its import takes more than {PATIENCE:g} s")
    if probe.returncode:
        lines = probe.stderr.strip().splitlines()
        return _broken(name, cut(lines[-1]) if lines else f"its import ends the process ({probe.returncode})")
    try:
        answer = json.loads(probe.stdout.strip().splitlines()[-1])
    # something else was printed behind it
    except (ValueError, IndexError):
        return _broken(name, f"its answer cannot be read: {cut(probe.stdout)}")
    versions = ", ".join(f"{package} {version}" for package, version in answer["versions"].items())
    value = answer["device"] or versions
    if has_gpu and answer["device"] and "cuda" not in value:
        remedy = "install a build for CUDA: its versions are listed at the framework's own page"
        return Finding("devices", f"backend {name}", f"{value}: it does not use the GPU", "note", remedy)
    return Finding("devices", f"backend {name}", value)


def _broken(name: str, reason: str) -> Finding:
    return Finding("devices", f"backend {name}", f"cannot be imported: {reason}", "error", _install(name))


def _install(name: str) -> str:
    from ..catalog.backends import describe

    return describe(name).install
