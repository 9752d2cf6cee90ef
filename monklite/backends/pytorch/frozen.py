"""The frozen part of PyTorch's network."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...data.augment import Draws
from ...errors import OutOfMemory
from . import device, halves, network
from .framework_errors import translated

if TYPE_CHECKING:
    from .learner import TorchLearner


class FrozenPart:
    """See `backends.base.Frozen`."""

    def __init__(self, learner: TorchLearner, cut: halves.Cut, layout: halves.Layout) -> None:
        self._learner, self._cut, self._layout = learner, cut, layout
        self.width = layout.width

    @functools.cached_property
    def key(self) -> str:
        learner = self._learner
        settings = (learner.device.type, learner.dtype, learner.deterministic, torch.get_num_threads())
        return f"{self._cut.key()} {settings}"

    def features(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        learner = self._learner
        errors = translated(learner.device, len(images), draws.size, refusal=OutOfMemory)
        with errors, device.algorithms(learner.device, learner.deterministic):
            return self._layout.to_bytes(learner.lower(self._cut, learner.inputs(images, draws)))

    def step(self, features: np.ndarray, labels: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        learner = self._learner
        with translated(learner.device, len(labels), 0), device.algorithms(learner.device, learner.deterministic):
            # all layers of a large network would take longer than the step
            network.set_train_mode(self._cut.upper_train)
            return learner.update(lambda: self._cut.upper_train(*self._values(features)), [(1.0, labels)])

    def logits(self, features: np.ndarray) -> np.ndarray:
        learner = self._learner
        learner.averages.swap_in()
        self._cut.upper_eval.eval()
        errors = translated(learner.device, len(features), 0, refusal=OutOfMemory)
        algorithms = device.algorithms(learner.device, learner.deterministic)
        with errors, algorithms, torch.inference_mode(), learner.autocast():
            return self._cut.upper_eval(*self._values(features)).float().cpu().numpy()

    def vectors(self, features: np.ndarray) -> np.ndarray:
        values = (value.float() for value in self._layout.from_bytes(features, torch.device("cpu")))
        # maps (n, channels, height, width)
        return torch.cat([v.mean((2, 3)) if v.dim() == 4 else v.flatten(1) for v in values], dim=1).numpy()

    def _values(self, features: np.ndarray) -> list[torch.Tensor]:
        return self._layout.from_bytes(features, self._learner.device)
