"""The network in a faster form for predicting many images: the same answers, up to rounding."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import fx

from ...data.augment import Draws
from ...errors import OutOfMemory
from ..base import FAST_FORM_TOLERANCE, FastForm
from . import device, halves, onnx_network
from .folding import fold
from .framework_errors import translated
from .graphs import digest

if TYPE_CHECKING:
    from .learner import TorchLearner

# input of a network, float32 (n, 3, size, size), to its logits, float32 (n, classes)
Network = Callable[[torch.Tensor], np.ndarray]
# with fewer, tracing takes longer than is gained
MIN_IMAGES = 64
# images of the comparison with the network itself
N_COMPARED = 2


class TorchFastForm:
    """See `backends.base.FastForm`."""

    def __init__(self, learner: TorchLearner, network: Network, name: str, key: str) -> None:
        self._learner, self._network, self.name, self.key = learner, network, name, key

    def logits(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        learner = self._learner
        errors = translated(learner.device, len(images), draws.size, refusal=OutOfMemory)
        with errors, device.algorithms(learner.device, learner.deterministic), torch.inference_mode():
            return self._network(learner.inputs(images, draws))


def make(
    learner: TorchLearner, size: int, n_images: int, cache: Path, previous: FastForm | None
) -> TorchFastForm | None:
    """The fastest form that gives the network's answers on a few images; None if there is none, or it does not pay.

    Args:
        size: side of the images, px. n_images: that will be predicted. cache: folder for what takes long to make.
        previous: is returned if it is of the same weights.
    """
    if n_images < MIN_IMAGES or learner.dtype != torch.float32 or halves.is_changed_by_user(learner.network):
        return None
    learner.averages.swap_in()
    learner.network.eval()
    key = _key(learner, size)
    if isinstance(previous, TorchFastForm) and previous.key == key:
        return previous
    try:
        with translated(learner.device, N_COMPARED, size, refusal=OutOfMemory):
            return _first_that_agrees(learner, size, n_images, cache, key)
    # the network alone may fit
    except OutOfMemory:
        return None


def _first_that_agrees(learner: TorchLearner, size: int, n_images: int, cache: Path, key: str) -> TorchFastForm | None:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(N_COMPARED, 3, size, size, generator=random).to(learner.device)
    x = x.contiguous(memory_format=torch.channels_last)
    expected, seconds = _timed(learner, x)
    for name, network in _forms(learner, x, n_images * seconds / N_COMPARED, cache / key):
        with torch.inference_mode():
            logits = network(x)
        if _agrees(logits, expected):
            return TorchFastForm(learner, network, name, key)
    return None


def _forms(learner: TorchLearner, x: torch.Tensor, seconds: float, base: Path) -> Iterator[tuple[str, Network]]:
    """The forms that can be made, fastest first. `seconds`: that the network itself would take for all images."""
    if learner.device.type == "cpu" and (session := onnx_network.session(learner.network, x, seconds, base)):
        yield "ONNX Runtime", session
    try:
        folded = fold(fx.GraphModule(learner.network, fx.Tracer(param_shapes_constant=True).trace(learner.network)))
    # what a network does in Python may depend on its values, which a graph cannot hold; such errors are of any kind
    except Exception:
        return
    yield "batch normalization folded", lambda y: folded(y).float().cpu().numpy()


def _timed(learner: TorchLearner, x: torch.Tensor) -> tuple[np.ndarray, float]:
    """The network's own logits, and the seconds that it takes."""
    with torch.inference_mode(), device.algorithms(learner.device, learner.deterministic):
        # the first time includes preparations
        learner.network(x)
        start = time.perf_counter()
        logits = learner.network(x).float().cpu().numpy()
    return logits, time.perf_counter() - start


def _agrees(logits: np.ndarray, expected: np.ndarray) -> bool:
    limit = FAST_FORM_TOLERANCE * max(1.0, float(np.abs(expected).max()))
    # false also for NaN
    return logits.shape == expected.shape and bool((np.abs(logits - expected) <= limit / 2).all())


def _key(learner: TorchLearner, size: int) -> str:
    """Hexadecimal digest of the network: its weights, its layers, the size of its images."""
    return digest(f"{torch.__version__} {size} {learner.device} {learner.network}", learner.network.state_dict())
