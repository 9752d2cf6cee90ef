"""MXNet 1.9.1, with the networks of Gluon's model zoo."""

from __future__ import annotations

from ...spec import Spec
from ..base import Alone
from . import device
from .framework import mx
from .learner import GluonLearner
from .network import parameter_layers


class GluonBackend:
    """See `backends.base.Backend`."""

    name = "mxnet"

    def devices(self) -> list[str]:
        return device.available()

    def learner(self, spec: Spec, classes: tuple[str, ...], pretrained: bool = True) -> GluonLearner:
        return GluonLearner(spec, classes, pretrained)

    def layers(self, learner: GluonLearner) -> list[str]:
        return [name for name, _ in parameter_layers(learner.network)]

    def world(self) -> Alone:
        return Alone()

    def versions(self) -> dict[str, str]:
        return {"mxnet": mx.__version__}


BACKEND = GluonBackend()
