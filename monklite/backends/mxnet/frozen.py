"""The frozen part of MXNet's network."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from ...data.augment import Draws
from ...errors import OutOfMemory
from ...processors import cpu_count
from . import halves
from .framework import autograd, mx
from .framework_errors import translated

if TYPE_CHECKING:
    from .learner import GluonLearner, Pending


class FrozenPart:
    """See `backends.base.Frozen`."""

    def __init__(self, learner: GluonLearner, cut: halves.Cut) -> None:
        self._learner, self._cut = learner, cut
        self.width = cut.width

    @functools.cached_property
    def key(self) -> str:
        return f"{self._cut.key()} {self._learner.context.device_type} {cpu_count()}"

    def features(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        learner = self._learner
        workload = f"{len(images)} images of {draws.size} px at once"
        with translated(learner.context, workload, memory_error=OutOfMemory), autograd.predict_mode():
            return self._cut.to_bytes(self._cut.values(learner.inputs(images, draws)))

    def step(self, features: np.ndarray, labels: np.ndarray) -> tuple[Pending, Pending]:
        learner = self._learner
        with translated(learner.context, f"{len(labels)} images in one step"):
            values = self._cut.from_bytes(features, learner.context)
            return learner.update(values, self._cut.upper, [(1.0, labels)], watched=True)

    def logits(self, features: np.ndarray) -> np.ndarray:
        learner = self._learner
        learner.wait()
        workload = f"{len(features)} images at once"
        with translated(learner.context, workload, memory_error=OutOfMemory), autograd.predict_mode():
            learner.averages.swap_in()
            values = self._cut.from_bytes(features, learner.context)
            return self._cut.upper(*values).asnumpy().astype(np.float32)

    def vectors(self, features: np.ndarray) -> np.ndarray:
        values = (value.asnumpy() for value in self._cut.from_bytes(features, mx.cpu()))
        # maps (n, channels, height, width)
        parts = [v.mean((2, 3)) if v.ndim == 4 else v.reshape(len(v), -1) for v in values]
        return np.concatenate(parts, axis=1)
