"""The smallest networks with all kinds of layers, in the place of any other, for tests that train hundreds of times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHANNELS = 4


def _torch_network(*_: Any) -> Any:
    import torch
    from torch import nn

    class Tiny(nn.Module):
        """Convolution, batch normalization, dropout and a head that has the name of SqueezeNet's."""

        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(3, CHANNELS, 3, stride=4), nn.BatchNorm2d(CHANNELS), nn.ReLU())
            self.classifier = nn.Sequential(nn.Dropout(0.1), nn.Linear(CHANNELS, 1000))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.classifier(self.features(x).mean((2, 3)))

    return Tiny()


def _gluon_network(_: Any, n_classes: int) -> Any:
    from monklite.backends.mxnet.framework import gluon
    from monklite.backends.mxnet.network import PARAMETER_PREFIX

    class Tiny(gluon.HybridBlock):
        """The same layers in Gluon."""

        def __init__(self, prefix: str) -> None:
            super().__init__(prefix=prefix)
            with self.name_scope():
                self.features = gluon.nn.HybridSequential()
                self.features.add(
                    gluon.nn.Conv2D(CHANNELS, 3, strides=4),
                    gluon.nn.BatchNorm(),
                    gluon.nn.Activation("relu"),
                    gluon.nn.GlobalAvgPool2D(),
                    gluon.nn.Flatten(),
                    gluon.nn.Dropout(0.1),
                )
                self.output = gluon.nn.Dense(n_classes)

        def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803 (Gluon's own name)
            return self.output(self.features(x))

    return Tiny(PARAMETER_PREFIX)


BUILDERS: dict[str, tuple[str, Callable[..., Any]]] = {
    "pytorch": ("monklite.backends.pytorch.network._random", _torch_network),
    "mxnet": ("monklite.backends.mxnet.network._gluon_network", _gluon_network),
}


MODELS = {"pytorch": "squeezenet1_1", "mxnet": "squeezenet1.1"}


def open_tiny(patch: pytest.MonkeyPatch, backend: str, images: Path) -> Any:
    """An open experiment `p/e` with data and a tiny network, for one epoch, not trained."""
    from monklite import Prototype

    build_tiny(patch, backend)
    opened = Prototype("p", "e", backend=backend, verbose=0)
    opened.Default(images, model_name=MODELS[backend], freeze_base_network=False, num_epochs=1, use_pretrained=False)
    opened.update_input_size(32)
    return opened


def build_tiny(patch: pytest.MonkeyPatch, backend: str) -> None:
    """From now on, every network of a backend that is built from random weights is a tiny one."""
    where, builder = BUILDERS[backend]
    patch.setattr(where, builder)
