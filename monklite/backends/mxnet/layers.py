"""The layers of a user's own network in MXNet. Each function takes the shape that the layer is given, without the batch, the
values of its row's parameters, and the prefix of its parameters' names."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ...catalog.layer_shapes import Shape, Values, window
from . import activations
from .framework import gluon

nn = gluon.nn
CONVOLUTIONS = (nn.Conv1D, nn.Conv2D, nn.Conv3D)
TRANSPOSED = (nn.Conv1DTranspose, nn.Conv2DTranspose, nn.Conv3DTranspose)
MAXIMA = (nn.MaxPool1D, nn.MaxPool2D, nn.MaxPool3D)
MEANS = (nn.AvgPool1D, nn.AvgPool2D, nn.AvgPool3D)
GLOBAL_MAXIMA = (nn.GlobalMaxPool1D, nn.GlobalMaxPool2D, nn.GlobalMaxPool3D)
GLOBAL_MEANS = (nn.GlobalAvgPool1D, nn.GlobalAvgPool2D, nn.GlobalAvgPool3D)
# the share of what was known in the statistics of batch normalization
NORM_MOMENTUM = 0.9


def convolution(shape: Shape, values: Values, prefix: str) -> Any:
    return _convolution(CONVOLUTIONS, shape, values, prefix)


def transposed_convolution(shape: Shape, values: Values, prefix: str) -> Any:
    extra, n = values["output_padding"], len(shape) - 1
    extra = extra if isinstance(extra, tuple) else (extra,) * n
    return _convolution(TRANSPOSED, shape, values, prefix, output_padding=extra)


def _convolution(layers: Any, shape: Shape, values: Values, prefix: str, **options: Any) -> Any:
    kernel, stride, padding, dilation = window(values, len(shape) - 1)
    options |= {
        "dilation": dilation,
        "groups": values["groups"],
        "use_bias": values["use_bias"],
        "in_channels": shape[0],
    }
    return layers[len(kernel) - 1](values["output_channels"], kernel, stride, padding, prefix=prefix, **options)


def max_pooling(shape: Shape, values: Values, prefix: str) -> Any:
    kernel, stride, padding, _ = window(values, len(shape) - 1)
    return MAXIMA[len(kernel) - 1](kernel, stride, padding, ceil_mode=values["ceil_mode"], prefix=prefix)


def average_pooling(shape: Shape, values: Values, prefix: str) -> Any:
    kernel, stride, padding, _ = window(values, len(shape) - 1)
    counted = {"count_include_pad": values["include_padding_in_calculation"]}
    return MEANS[len(kernel) - 1](kernel, stride, padding, ceil_mode=values["ceil_mode"], prefix=prefix, **counted)


def global_max_pooling(shape: Shape, values: Values, prefix: str) -> Any:
    return GLOBAL_MAXIMA[len(shape) - 2](prefix=prefix)


def global_average_pooling(shape: Shape, values: Values, prefix: str) -> Any:
    return GLOBAL_MEANS[len(shape) - 2](prefix=prefix)


def fully_connected(shape: Shape, values: Values, prefix: str) -> Any:
    inputs = math.prod(shape) if values["flatten"] else shape[-1]
    return nn.Dense(
        values["units"], use_bias=values["use_bias"], flatten=values["flatten"], in_units=inputs, prefix=prefix
    )


def dropout(shape: Shape, values: Values, prefix: str) -> Any:
    return nn.Dropout(values["drop_probability"], values["axes"], prefix=prefix)


def flatten(shape: Shape, values: Values, prefix: str) -> Any:
    return nn.Flatten(prefix=prefix)


def identity(shape: Shape, values: Values, prefix: str) -> Any:
    return activations.identity(prefix=prefix)


def batch_normalization(shape: Shape, values: Values, prefix: str) -> Any:
    trained = values["use_trainable_parameters"]
    momentum = values["moving_average_momentum"] or NORM_MOMENTUM
    return nn.BatchNorm(1, momentum, values["epsilon"], trained, trained, in_channels=shape[0], prefix=prefix)


def instance_normalization(shape: Shape, values: Values, prefix: str) -> Any:
    trained = values["use_trainable_parameters"]
    return nn.InstanceNorm(1, values["epsilon"], trained, trained, in_channels=shape[0], prefix=prefix)


def layer_normalization(shape: Shape, values: Values, prefix: str) -> Any:
    return LayerNorm(math.prod(shape), values["epsilon"], values["use_trainable_parameters"], prefix)


class LayerNorm(gluon.HybridBlock):
    """Layer normalization over all `n` values of an image (Ba et al. 2016); Gluon's own is over the last axis."""

    def __init__(self, n: int, epsilon: float, trained: bool, prefix: str) -> None:
        super().__init__(prefix=prefix)
        self._epsilon = epsilon
        options = {"shape": (n,), "grad_req": "write" if trained else "null", "differentiable": trained}
        self.gamma = self.params.get("gamma", init="ones", **options)
        self.beta = self.params.get("beta", init="zeros", **options)

    def hybrid_forward(self, F: Any, x: Any, gamma: Any, beta: Any) -> Any:  # noqa: N803 (Gluon's own name)
        return F.reshape_like(F.LayerNorm(F.flatten(x), gamma, beta, eps=self._epsilon), x)


class Sequence(gluon.HybridBlock):
    """Layers one after the other, under names of their own."""

    def __init__(self, layers: Iterable[tuple[str, Any]], prefix: str) -> None:
        super().__init__(prefix=prefix)
        for name, layer in layers:
            self.register_child(layer, name)

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803 (Gluon's own name)
        for layer in self._children.values():
            x = layer(x)
        return x


class Merge(Sequence):
    """Branches that are given the same values, and their sum or, with `concatenates`, their channels one after the other."""

    def __init__(self, branches: Iterable[tuple[str, Any]], concatenates: bool, prefix: str) -> None:
        super().__init__(branches, prefix)
        self._concatenates = concatenates

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803 (Gluon's own name)
        results = [branch(x) for branch in self._children.values()]
        return F.concat(*results, dim=1) if self._concatenates else F.add_n(*results)
