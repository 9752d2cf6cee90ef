"""See `monklite.backends.base.Backend`."""

from __future__ import annotations

import numpy as np

from monklite.processes import Alone
from monklite.spec import Resolved
from monklite.tasks import Task

from .learner import NumpyLearner


class NumpyBackend:
    name = "numpy"

    def learner(self, spec: Resolved, task: Task, pretrained: bool = True) -> NumpyLearner:
        return NumpyLearner(spec, task, pretrained)

    def layers(self, learner: NumpyLearner) -> list[str]:
        return [name for name, _ in learner.network.layers()]

    def world(self) -> Alone:
        return Alone()

    def versions(self) -> dict[str, str]:
        return {"numpy": np.__version__}


BACKEND = NumpyBackend()
