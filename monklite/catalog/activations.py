"""The table of activations: rows of layers that compute each value on its own, or all values of an image together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..rules import Number
from ..setting_ranges import AT_LEAST_1, MAX_FACTOR, NOT_NEGATIVE, POSITIVE
from . import layer_shapes
from .backends import Cell
from .layers import LAYERS, UID, LayerRow
from .rows import Parameter, table

ANY_NUMBER = Number(limit=MAX_FACTOR)
# over the channels
AXIS = {"dim": 1}


def _row(
    name: str,
    doc: str,
    torch: str,
    *parameters: Parameter,
    keywords: Mapping[str, str] | None = None,
    fixed: Mapping[str, Any] | None = None,
    **kinds: Any,
) -> LayerRow:
    """An activation. `torch`: its class; MXNet's is the function of the same name in `backends/mxnet/activations.py`.
    `keywords`, `fixed`: of the torch class."""
    path = torch if "." in torch else f"torch.nn.{torch}"
    cells = {
        "pytorch": Cell(path, keywords or {}, fixed or {}),
        "mxnet": Cell(f"monklite.backends.mxnet.activations.{name}"),
    }
    return LayerRow(name, doc, (*parameters, UID), cells, **kinds)


ALPHA = Parameter("alpha", 1.0, POSITIVE, "the limit for very negative values is its negative")
LIMIT = Parameter("threshold", 0.5, NOT_NEGATIVE, "size up to which a value becomes 0")

# fmt: off
_ROWS = (
    _row("relu", "max(x, 0).", "ReLU"),
    _row("sigmoid", "1 / (1 + exp(-x)).", "Sigmoid"),
    _row("tanh", "The hyperbolic tangent.", "Tanh"),
    _row("softplus", "log(1 + exp(beta x)) / beta.", "Softplus", Parameter("beta", 1, POSITIVE, "steepness"),
         Parameter("threshold", 20, POSITIVE, "x itself where beta x is larger")),
    _row("softsign", "x / (1 + |x|).", "Softsign"),
    _row("elu", "x, or alpha (exp(x) - 1) below 0 (Clevert et al. 2016).", "ELU", ALPHA),
    _row("leaky_relu", "x, or alpha x below 0.", "LeakyReLU", Parameter("alpha", 0.01, ANY_NUMBER, "slope below 0"),
         keywords={"alpha": "negative_slope"}),
    _row("prelu", "x, or a trained multiple of it below 0 (He et al. 2015).", "PReLU",
         Parameter("num_parameters", 1, AT_LEAST_1, "1, or a slope for each channel"),
         Parameter("init", 0.25, ANY_NUMBER, "slope before training"), shape=layer_shapes.prelu, has_weights=True),
    _row("selu", "ELU with the factors that keep mean and variance (Klambauer et al. 2017).", "SELU"),
    _row("hardshrink", "x, or 0 up to the threshold.", "Hardshrink", LIMIT, keywords={"threshold": "lambd"}),
    _row("hardtanh", "x, at least min_val and at most max_val.", "Hardtanh",
         Parameter("min_val", -1.0, ANY_NUMBER, "smallest value"),
         Parameter("max_val", 1.0, ANY_NUMBER, "largest value"), shape=layer_shapes.hardtanh),
    _row("logsigmoid", "log(sigmoid(x)).", "LogSigmoid"),
    _row("relu6", "max(x, 0), at most 6.", "ReLU6"),
    _row("rrelu", "x, or a multiple of it below 0 that is random in training (Xu et al. 2015).", "RReLU",
         Parameter("lower", 0.125, NOT_NEGATIVE, "smallest slope"),
         Parameter("upper", 0.333, NOT_NEGATIVE, "largest slope"), shape=layer_shapes.rrelu),
    _row("celu", "x, or alpha (exp(x / alpha) - 1) below 0 (Barron 2017).", "CELU", ALPHA),
    _row("softshrink", "x moved towards 0 by the threshold, 0 where it would change its sign.", "Softshrink", LIMIT,
         keywords={"threshold": "lambd"}),
    _row("tanhshrink", "x - tanh(x).", "Tanhshrink"),
    _row("threshold", "x above the threshold, else the value.", "Threshold",
         Parameter("threshold", 1.0, ANY_NUMBER, "x must be larger"),
         Parameter("value", 0.01, ANY_NUMBER, "in place of the others")),
    _row("softmin", "softmax(-x).", "Softmin", fixed=AXIS),
    _row("softmax", "exp(x), divided by its sum over the channels.", "Softmax", fixed=AXIS),
    _row("logsoftmax", "log(softmax(x)).", "LogSoftmax", fixed=AXIS),
    _row("gelu", "x times the share of a normal distribution below it (Hendrycks and Gimpel 2016).", "GELU"),
    _row("swish", "x sigmoid(beta x) (Ramachandran et al. 2017).", "monklite.backends.pytorch.layers.Swish",
         Parameter("beta", 1.0, ANY_NUMBER, "steepness")),
)
# fmt: on

ACTIVATIONS: dict[str, LayerRow] = table(_ROWS)
# all that a network can be made of
ALL_LAYERS: dict[str, LayerRow] = table([*LAYERS.values(), *ACTIVATIONS.values()])
