"""The activations of a user's own network in MXNet, from its operations, because Gluon has only some of them as layers.

The names are those of the rows. Each is called with the values of its row's parameters and gives a block.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .framework import gluon, mx

Function = Callable[..., Any]
# Klambauer et al. 2017
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


class Activation(gluon.HybridBlock):
    """A function of MXNet's operations, with fixed parameters."""

    def __init__(self, function: Function, values: dict[str, Any], prefix: str) -> None:
        super().__init__(prefix=prefix)
        self._function, self._values = function, values

    def hybrid_forward(self, F: Any, x: Any) -> Any:  # noqa: N803 (Gluon's own name)
        return self._function(F, x, **self._values)


def _block(function: Function) -> Callable[..., Activation]:
    """From the parameters of a function to a block that computes it."""
    return lambda prefix="", **values: Activation(function, values, prefix)


def _log_1_plus_exp(f: Any, x: Any) -> Any:
    """log(1 + exp(x)) without an exponential of a large number."""
    return f.relu(x) + f.log1p(f.exp(-f.abs(x)))


def _slope(f: Any, x: Any, lower: float, upper: float) -> Any:
    """Random slopes in training, and their mean in inference; MXNet's own `rrelu` ends the process on a CPU."""
    # dropout of a half gives 0 or 2 in training, and 1 in inference
    sign = f.Dropout(f.ones_like(x), p=0.5) - 1
    return (lower + upper) / 2 + sign * f.random.uniform_like(x, 0, (upper - lower) / 2)


def prelu(num_parameters: int, init: float, prefix: str = "") -> Any:
    return gluon.nn.PReLU(mx.init.Constant(init), num_parameters, prefix=prefix)


# f: the operations on arrays, or on symbols
identity = _block(lambda f, x: f.identity(x))
relu = _block(lambda f, x: f.relu(x))
sigmoid = _block(lambda f, x: f.sigmoid(x))
tanh = _block(lambda f, x: f.tanh(x))
softplus = _block(lambda f, x, beta, threshold: f.where(beta * x > threshold, x, _log_1_plus_exp(f, beta * x) / beta))
softsign = _block(lambda f, x: f.softsign(x))
elu = _block(lambda f, x, alpha: f.LeakyReLU(x, act_type="elu", slope=alpha))
leaky_relu = _block(lambda f, x, alpha: f.LeakyReLU(x, act_type="leaky", slope=alpha))
# MXNet's own has a wrong gradient below 0
selu = _block(lambda f, x: SELU_SCALE * (f.relu(x) + SELU_ALPHA * f.expm1(-f.relu(-x))))
hardshrink = _block(lambda f, x, threshold: x * (f.abs(x) > threshold))
hardtanh = _block(lambda f, x, min_val, max_val: f.clip(x, min_val, max_val))
logsigmoid = _block(lambda f, x: -_log_1_plus_exp(f, -x))
relu6 = _block(lambda f, x: f.clip(x, 0, 6))
rrelu = _block(lambda f, x, lower, upper: f.relu(x) - _slope(f, x, lower, upper) * f.relu(-x))
# the exponential of values below 0 alone: that of a large one would be infinite, and its gradient NaN
celu = _block(lambda f, x, alpha: f.relu(x) + alpha * f.expm1(-f.relu(-x) / alpha))
softshrink = _block(lambda f, x, threshold: x - f.clip(x, -threshold, threshold))
tanhshrink = _block(lambda f, x: x - f.tanh(x))
threshold = _block(lambda f, x, threshold, value: f.where(x > threshold, x, f.ones_like(x) * value))
softmin = _block(lambda f, x: f.softmax(-x, axis=1))
softmax = _block(lambda f, x: f.softmax(x, axis=1))
logsoftmax = _block(lambda f, x: f.log_softmax(x, axis=1))
gelu = _block(lambda f, x: f.LeakyReLU(x, act_type="gelu"))
swish = _block(lambda f, x, beta: x * f.sigmoid(beta * x))
