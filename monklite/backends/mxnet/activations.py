"""The activations of a user's own network in MXNet: functions that Gluon lacks as layers, and those that it has, in one form.

The names are those of the rows. Each function is called with the values of its row's parameters and gives a block.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .framework import gluon, mx

Function = Callable[..., Any]


class Activation(gluon.HybridBlock):
    """A function of MXNet's operations, with fixed parameters."""

    def __init__(self, function: Function, values: dict[str, Any], prefix: str) -> None:
        super().__init__(prefix=prefix)
        self._function, self._values = function, values

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803 (Gluon's own name)
        return self._function(F, x, **self._values)


def _block(function: Function) -> Callable[..., Activation]:
    """From the parameters of a function to a block that computes it."""

    @functools.wraps(function)
    def make(prefix: str = "", **values: Any) -> Activation:
        return Activation(function, values, prefix)

    return make


@_block
def relu(F: Any, x: Any) -> Any:  # noqa: N803
    return F.relu(x)


@_block
def sigmoid(F: Any, x: Any) -> Any:  # noqa: N803
    return F.sigmoid(x)


@_block
def tanh(F: Any, x: Any) -> Any:  # noqa: N803
    return F.tanh(x)


@_block
def softplus(F: Any, x: Any, beta: float, threshold: float) -> Any:  # noqa: N803
    return F.where(beta * x > threshold, x, _log_1_plus_exp(F, beta * x) / beta)


@_block
def softsign(F: Any, x: Any) -> Any:  # noqa: N803
    return F.softsign(x)


@_block
def elu(F: Any, x: Any, alpha: float) -> Any:  # noqa: N803
    return F.LeakyReLU(x, act_type="elu", slope=alpha)


@_block
def leaky_relu(F: Any, x: Any, alpha: float) -> Any:  # noqa: N803
    return F.LeakyReLU(x, act_type="leaky", slope=alpha)


def prelu(num_parameters: int, init: float, prefix: str = "") -> Any:
    return gluon.nn.PReLU(mx.init.Constant(init), num_parameters, prefix=prefix)


@_block
def selu(F: Any, x: Any) -> Any:  # noqa: N803
    return F.LeakyReLU(x, act_type="selu")


@_block
def hardshrink(F: Any, x: Any, threshold: float) -> Any:  # noqa: N803
    return x * (F.abs(x) > threshold)


@_block
def hardtanh(F: Any, x: Any, min_val: float, max_val: float) -> Any:  # noqa: N803
    return F.clip(x, min_val, max_val)


@_block
def logsigmoid(F: Any, x: Any) -> Any:  # noqa: N803
    return -_log_1_plus_exp(F, -x)


@_block
def relu6(F: Any, x: Any) -> Any:  # noqa: N803
    return F.clip(x, 0, 6)


@_block
def rrelu(F: Any, x: Any, lower: float, upper: float) -> Any:  # noqa: N803
    return F.LeakyReLU(x, act_type="rrelu", lower_bound=lower, upper_bound=upper)


@_block
def celu(F: Any, x: Any, alpha: float) -> Any:  # noqa: N803
    # of values below 0 alone: the exponential of a large one would be infinite, and its gradient NaN
    return F.relu(x) + alpha * F.expm1(-F.relu(-x) / alpha)


@_block
def softshrink(F: Any, x: Any, threshold: float) -> Any:  # noqa: N803
    return x - F.clip(x, -threshold, threshold)


@_block
def tanhshrink(F: Any, x: Any) -> Any:  # noqa: N803
    return x - F.tanh(x)


@_block
def threshold(F: Any, x: Any, threshold: float, value: float) -> Any:  # noqa: N803
    return F.where(x > threshold, x, F.ones_like(x) * value)


@_block
def softmin(F: Any, x: Any) -> Any:  # noqa: N803
    return F.softmax(-x, axis=1)


@_block
def softmax(F: Any, x: Any) -> Any:  # noqa: N803
    return F.softmax(x, axis=1)


@_block
def logsoftmax(F: Any, x: Any) -> Any:  # noqa: N803
    return F.log_softmax(x, axis=1)


@_block
def gelu(F: Any, x: Any) -> Any:  # noqa: N803
    return F.LeakyReLU(x, act_type="gelu")


@_block
def swish(F: Any, x: Any, beta: float) -> Any:  # noqa: N803
    return x * F.sigmoid(beta * x)


def _log_1_plus_exp(F: Any, x: Any) -> Any:  # noqa: N803
    """log(1 + exp(x)) without an exponential of a large number."""
    return F.relu(x) + F.log1p(F.exp(-F.abs(x)))
