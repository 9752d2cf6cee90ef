"""The PyTorch backend."""

from __future__ import annotations

import torch
import torchvision

from ...processes import World
from ...spec import Resolved
from ...tasks import Task
from . import distributed
from .learner import TorchLearner
from .network import parameter_layers


class TorchBackend:
    """See `backends.base.Backend`."""

    name = "pytorch"

    def learner(self, spec: Resolved, task: Task, pretrained: bool = True) -> TorchLearner:
        return TorchLearner(spec, task, pretrained)

    def layers(self, learner: TorchLearner) -> list[str]:
        return [name for name, _ in parameter_layers(learner.network)]

    def world(self) -> World:
        return distributed.world()

    def versions(self) -> dict[str, str]:
        versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
        if torch.cuda.is_available():
            versions |= {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}
        return versions


BACKEND = TorchBackend()
