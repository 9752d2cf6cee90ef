"""Choose the device."""

from __future__ import annotations

from typing import Any

from .framework import mx


def choose(use_gpu: bool) -> Any:
    """The first GPU, or the CPU if there is no GPU or `use_gpu` is false."""
    return mx.gpu(0) if use_gpu and mx.context.num_gpus() else mx.cpu()
