"""Several processes that train one network, started by `torchrun`: one a GPU, or on CPUs."""

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
    """See `backends.base.World`: a group of processes. What is exchanged here goes over the CPU, beside the gradients."""

    def __init__(self) -> None:
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
        self._talk = dist.new_group(backend="gloo")
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def lead(self, work: Callable[[], T]) -> T:
        answer: list[Any] = [None, None]
        if self.rank == 0:
            try:
                answer[0] = work()
            except Exception as error:  # raised below, in every process
                answer[1] = error
        dist.broadcast_object_list(answer, src=0, group=self._talk)
        if answer[1] is not None:
            raise answer[1]
        return answer[0]

    def any(self, flag: bool) -> bool:
        told = torch.tensor(float(flag))
        dist.all_reduce(told, group=self._talk)
        return bool(told)

    def wait(self) -> None:
        dist.barrier(group=self._talk)

    def gather(self, array: np.ndarray) -> np.ndarray:
        parts: list[Any] = [None] * self.size
        dist.all_gather_object(parts, array, group=self._talk)
        return np.concatenate(parts)


@cache
def world() -> World:
    """The group of this process; it is joined once."""
    return Group() if int(os.environ.get("WORLD_SIZE") or 1) > 1 else Alone()


def local_rank() -> int:
    """Which of this machine's GPUs is this process's."""
    return int(os.environ.get("LOCAL_RANK") or 0) if world().size > 1 else 0


def parallel(network: nn.Module, device: torch.device) -> nn.Module:
    """A network whose gradients are the mean over all processes."""
    devices = [device.index] if device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(network, device_ids=devices)


def align(network: nn.Module) -> None:
    """Give every process the leader's batch statistics, as `parallel` does before a step; on GPUs they are the same anyway."""
    if world().size > 1:
        for buffer in network.buffers():
            if buffer.device.type == "cpu":
                dist.broadcast(buffer, src=0)


def totals(loss: torch.Tensor, right: torch.Tensor, n_images: int) -> torch.Tensor:
    """Sum of the losses, right answers and images of this step over all processes."""
    found = torch.stack([loss.detach() * n_images, right.float(), torch.full((), float(n_images), device=loss.device)])
    dist.all_reduce(found)
    return found
