"""Heat maps of a PyTorch network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from ...data.augment import Draws
from ...errors import OutOfMemory
from ..heat_maps import HeatMaps, grad_cam, pixel_gradients
from . import device
from .framework_errors import translated

if TYPE_CHECKING:
    from .learner import TorchLearner

# tokens of a transformer before those of the parts of the image: that of the class, of a teacher, registers
MAX_OTHER_TOKENS = 8


def heat_maps(learner: TorchLearner, images: np.ndarray, draws: Draws, targets: np.ndarray) -> HeatMaps:
    """See `backends.base.Learner`. Gradients are of values, not of weights, so that frozen layers do not matter."""
    learner.averages.swap_in()
    learner.network.eval()
    errors = translated(learner.device, len(images), draws.size, refusal=OutOfMemory)
    # in float32: in float16, small gradients would be 0
    with errors, device.algorithms(learner.device, learner.deterministic), torch.enable_grad():
        x = learner.inputs(images, draws).requires_grad_()
        with _outputs(learner.network) as outputs:
            # a copy, which the network may change in place
            logits = learner.network(x.clone())
        rows = torch.arange(len(images), device=learner.device)
        total = logits[rows, torch.from_numpy(targets).to(learner.device)].sum()
        for output in reversed(outputs):
            gradient = _gradient(total, output)
            if gradient is not None and (maps := _last_maps(output, gradient)) is not None:
                return grad_cam(*maps)
        gradient = _gradient(total, x)
        return pixel_gradients(_as_array(torch.zeros_like(x) if gradient is None else gradient))


@contextmanager
def _outputs(network: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Collect the outputs of all layers, in the order in which they end, while the network is called."""
    found: list[torch.Tensor] = []

    def keep(layer: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.requires_grad and output.dim() in (3, 4):
            found.append(output)

    hooks = [layer.register_forward_hook(keep) for layer in _layers(network)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _layers(layer: nn.Module) -> Iterator[nn.Module]:
    """All layers but those inside an attention, whose arrays are of pairs of tokens, not of places in the image."""
    yield layer
    if "attention" not in type(layer).__name__.lower():
        for child in layer.children():
            yield from _layers(child)


def _gradient(total: torch.Tensor, value: torch.Tensor) -> torch.Tensor | None:
    """The gradient of a sum with respect to a value, None if it does not depend on it; nothing else is computed or changed."""
    if not total.requires_grad:
        return None
    return torch.autograd.grad(total, value, retain_graph=True, allow_unused=True)[0]


def _last_maps(output: torch.Tensor, gradient: torch.Tensor) -> tuple[np.ndarray, np.ndarray] | None:
    """The output of a layer and its gradient as feature maps (n, channels, height, width); None if it is none that counts.

    In the last block of many transformers only the token of the class counts, and no token of a part of the image does.
    """
    maps, gradients = _as_maps(output), _as_maps(gradient)
    if maps is None or gradients is None or (output.dim() == 3 and not gradients.any()):
        return None
    return _as_array(maps), _as_array(gradients)


def _as_maps(values: torch.Tensor) -> torch.Tensor | None:
    """Values (n, channels, height, width), (n, height, width, channels) of square images or (n, tokens, channels), as the first;
    None if they have no height and width, or only one point."""
    if values.dim() == 3:
        side = math.isqrt(values.shape[1])
        others = values.shape[1] - side**2
        if others > MAX_OTHER_TOKENS:
            return None
        values = values[:, others:].transpose(1, 2).unflatten(2, (side, side))
    elif values.shape[1] == values.shape[2] != values.shape[3]:
        values = values.permute(0, 3, 1, 2)
    return values if values.shape[2] * values.shape[3] > 1 else None


def _as_array(values: torch.Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()
