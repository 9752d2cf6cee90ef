"""Which device."""

from __future__ import annotations

from typing import Any

from ...errors import InvalidValue
from .framework import mx


def available() -> list[str]:
    """Devices that can be used here, best first."""
    return [*(f"gpu({i})" for i in range(mx.context.num_gpus())), "cpu"]


def choose(use_gpu: bool) -> Any:
    """The first GPU, or the CPU where there is none or none is asked for."""
    return mx.gpu(0) if use_gpu and mx.context.num_gpus() else mx.cpu()


def check_precision(asked: str) -> None:
    """MXNet 1.9.1 trains in float32 here: its automatic mixed precision rewrites the whole library for the process."""
    if asked not in ("auto", "float32"):
        raise InvalidValue(
            f"the mxnet backend computes in float32, not {asked}; use precision='auto', or backend='pytorch'"
        )
