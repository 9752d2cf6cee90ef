"""Peak memory of this process while training, in main memory and on the GPUs."""

from __future__ import annotations

import gc
import threading
from typing import Any

from ..free_memory import give_back
from .engine import Handler, Loop

# seconds between two measurements
SAMPLE_EVERY = 0.2


class Memory(Handler):
    """Measures peak memory from a thread.

    `process_mib`: MiB in main memory. `gpu_mib`: MiB on all GPUs; None if unknown.
    """

    def __init__(self) -> None:
        self.process_mib = 0.0
        self.gpu_mib: float | None = None
        self._stop = threading.Event()
        self._gpus: _Gpus | None = None
        self._thread: threading.Thread | None = None

    def train_start(self, loop: Loop) -> None:
        import psutil

        release_unused()
        process, self._gpus = psutil.Process(), _Gpus()
        # a training may be over before the thread measures for the first time
        self._measure(process, self._gpus)
        self._thread = threading.Thread(
            target=self._run, args=(process, self._gpus), name="monklite-memory", daemon=True
        )
        self._thread.start()

    def close(self, loop: Loop) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._gpus is not None:
            self._gpus.close()

    def _run(self, process: Any, gpus: _Gpus) -> None:
        while not self._stop.wait(SAMPLE_EVERY):
            self._measure(process, gpus)

    def _measure(self, process: Any, gpus: _Gpus) -> None:
        self.process_mib = max(self.process_mib, process.memory_info().rss / 2**20)
        used = gpus.used_mib(process.pid)
        self.gpu_mib = used if self.gpu_mib is None else max(self.gpu_mib, used or 0.0)


def release_unused() -> None:
    """Give memory that an earlier training in this process no longer uses back to the system, or it would be counted again."""
    gc.collect()
    give_back()


class _Gpus:
    """The NVIDIA GPUs, through pynvml; none without a driver."""

    def __init__(self) -> None:
        import pynvml

        self._nvml = pynvml
        try:
            pynvml.nvmlInit()
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        except pynvml.NVMLError:
            self._handles = []

    def used_mib(self, pid: int) -> float | None:
        """MiB that a process uses on all GPUs; None if the driver does not report it (containers, no GPU)."""
        try:
            processes = [p for h in self._handles for p in self._nvml.nvmlDeviceGetComputeRunningProcesses(h)]
        except self._nvml.NVMLError:
            return None
        used = [p.usedGpuMemory for p in processes if p.pid == pid and p.usedGpuMemory is not None]
        return sum(used) / 2**20 if used else None

    def close(self) -> None:
        if self._handles:
            self._nvml.nvmlShutdown()
