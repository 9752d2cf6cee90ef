"""Several processes that train one network, started by `torchrun`: one per GPU, or on CPUs."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from ...processes import Alone, World

T = TypeVar("T")


class Group:
    """A group of processes; see `processes.World`. Its messages go over the CPU, separately from the gradients."""

    def __init__(self) -> None:
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
        self._messages = dist.new_group(backend="gloo")
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def lead(self, work: Callable[[], T]) -> T:
        result_and_error: list[Any] = [None, None]
        if self.rank == 0:
            try:
                result_and_error[0] = work()
            # raised below, in every process
            except Exception as error:
                result_and_error[1] = error
        dist.broadcast_object_list(result_and_error, src=0, group=self._messages)
        result, failure = result_and_error
        if failure is not None:
            raise failure
        return result

    def any(self, flag: bool) -> bool:
        count = torch.tensor(float(flag))
        dist.all_reduce(count, group=self._messages)
        return bool(count)

    def wait(self) -> None:
        dist.barrier(group=self._messages)

    def gather(self, array: np.ndarray) -> np.ndarray:
        arrays: list[Any] = [None] * self.size
        dist.all_gather_object(arrays, array, group=self._messages)
        return np.concatenate(arrays)


@cache
def world() -> World:
    """The group of this process, joined on the first call."""
    return Group() if int(os.environ.get("WORLD_SIZE") or 1) > 1 else Alone()


def local_rank() -> int:
    """The index of this process's GPU on this machine."""
    return int(os.environ.get("LOCAL_RANK") or 0) if world().size > 1 else 0


def parallel(network: nn.Module, device: torch.device) -> nn.Module:
    """Wrap a network so that its gradients are averaged over all processes."""
    devices = [device.index] if device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(network, device_ids=devices)


def align_statistics(network: nn.Module) -> None:
    """Copy the leader's batch statistics to every process, as `parallel` does before a step; on GPUs they are equal anyway."""
    if world().size > 1:
        for buffer in network.buffers():
            if buffer.device.type == "cpu":
                dist.broadcast(buffer, src=0)


def totals(loss: torch.Tensor, n_correct: torch.Tensor, n_images: int) -> torch.Tensor:
    """Sums over all processes of a step's losses, correct images and images: float32 (3,)."""
    images = torch.full((), float(n_images), device=loss.device)
    sums = torch.stack([loss.detach() * n_images, n_correct.float(), images])
    dist.all_reduce(sums)
    return sums
