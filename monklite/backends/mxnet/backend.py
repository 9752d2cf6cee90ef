"""The MXNet backend."""

from __future__ import annotations

import importlib.util
from importlib import metadata

from ...processes import Alone
from ...spec import Resolved
from ...tasks import Task
from . import embeddings, forms, looking_inside, onnx_file
from .framework import mx
from .learner import GluonLearner
from .network import parameter_layers


class GluonBackend:
    """See `backends.base.Backend`."""

    name = "mxnet"

    def learner(self, spec: Resolved, task: Task, pretrained: bool = True) -> GluonLearner:
        return GluonLearner(spec, task, pretrained)

    def layers(self, learner: GluonLearner) -> list[str]:
        return [name for name, _ in parameter_layers(learner.network)]

    kernels = staticmethod(looking_inside.kernels)
    feature_maps = staticmethod(looking_inside.feature_maps)
    write_graph = staticmethod(looking_inside.write_graph)
    embeddings = staticmethod(embeddings.embeddings)
    onnx = staticmethod(onnx_file.onnx)
    forms = forms.FORMS

    def world(self) -> Alone:
        return Alone()

    def versions(self) -> dict[str, str]:
        optional = {p: metadata.version(p) for p in ("gluoncv",) if importlib.util.find_spec(p)}
        return {"mxnet": mx.__version__, **optional}


BACKEND = GluonBackend()
