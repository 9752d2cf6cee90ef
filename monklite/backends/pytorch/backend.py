"""The PyTorch backend."""

from __future__ import annotations

import torch
import torchvision

from ...processes import World
from ...spec import Resolved
from ...tasks import Task
from ..base import Candidates
from . import device, distributed, embeddings, forms, looking_inside, onnx_file
from .learner import TorchLearner
from .network import parameter_layers


class TorchBackend:
    """See `backends.base.Backend`."""

    name = "pytorch"

    def learner(self, spec: Resolved, task: Task, pretrained: bool = True) -> TorchLearner:
        return TorchLearner(spec, task, pretrained)

    def layers(self, learner: TorchLearner) -> list[str]:
        return [name for name, _ in parameter_layers(learner.network)]

    def candidates(self, spec: Resolved) -> Candidates:
        chosen = device.choose(spec.model.use_gpu)
        # the number of threads is part of the device
        device.limit_threads()
        return Candidates(device.candidates(chosen), device.identity(chosen))

    def use_precision(self, learner: TorchLearner, precision: str) -> None:
        learner.dtype = device.precision(precision, learner.device)

    kernels = staticmethod(looking_inside.kernels)
    feature_maps = staticmethod(looking_inside.feature_maps)
    write_graph = staticmethod(looking_inside.write_graph)
    embeddings = staticmethod(embeddings.embeddings)
    onnx = staticmethod(onnx_file.onnx)
    forms = forms.FORMS

    def world(self) -> World:
        return distributed.world()

    def versions(self) -> dict[str, str]:
        versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
        if torch.cuda.is_available():
            versions |= {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}
        return versions


BACKEND = TorchBackend()
