"""Kernels, feature maps and the graph of a PyTorch network, to be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ...data.augment import Draws
from ...files import write_bytes
from . import onnx_file
from .learner import TorchLearner


def _convolutions(network: nn.Module) -> Iterator[tuple[str, nn.Conv2d]]:
    return ((name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Conv2d))


def kernels(learner: TorchLearner) -> dict[str, np.ndarray]:
    """See `backends.base.LooksInside`."""
    return {name: layer.weight.detach().float().cpu().numpy() for name, layer in _convolutions(learner.network)}


def feature_maps(learner: TorchLearner, images: np.ndarray, draws: Draws) -> dict[str, np.ndarray]:
    """See `backends.base.LooksInside`."""
    found: dict[str, np.ndarray] = {}
    with ExitStack() as hooks:
        for name, layer in _convolutions(learner.network):

            def keep(layer: nn.Module, inputs: Any, output: torch.Tensor, name: str = name) -> None:
                # a copy: the layer after it may write into the same memory
                found[name] = output.detach().to("cpu", torch.float32, copy=True).numpy()

            hooks.callback(layer.register_forward_hook(keep).remove)
        learner.logits(images, draws)
    return found


def write_graph(learner: TorchLearner, path: Path, shape: tuple[int, int, int]) -> Path:
    """See `backends.base.LooksInside`."""
    content = onnx_file.written(learner, learner.network, shape)
    file = path.with_name(f"{path.name}.onnx")
    write_bytes(file, content)
    return file
