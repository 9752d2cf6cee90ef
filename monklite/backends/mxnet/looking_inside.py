"""Kernels, feature maps and the graph of a Gluon network, to be looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ...data.augment import Draws
from .framework import autograd, gluon, mx
from .framework_errors import translated
from .halves import INPUT
from .learner import GluonLearner
from .network import parameter_layers
from .weights import SYMBOL, Snapshot, with_ending


def _convolutions(network: Any) -> dict[str, Any]:
    """The convolutions over images, by the name of their layer."""
    return {name: layer for name, layer in parameter_layers(network) if isinstance(layer, gluon.nn.Conv2D)}


def kernels(learner: GluonLearner) -> dict[str, np.ndarray]:
    """See `backends.base.LooksInside`."""
    learner.wait()
    return {name: layer.weight.data().asnumpy() for name, layer in _convolutions(learner.network).items()}


def feature_maps(learner: GluonLearner, images: np.ndarray, draws: Draws) -> dict[str, np.ndarray]:
    """See `backends.base.LooksInside`. Hooks of a hybridized network are not called, so its graph gets more outputs."""
    symbol = learner.network(mx.sym.var(INPUT))
    outputs = _outputs(symbol, {layer.weight.name: name for name, layer in _convolutions(learner.network).items()})
    if not outputs:
        return {}
    internals = symbol.get_internals()
    group = mx.sym.Group([internals[f"{operation}_output"] for operation in outputs.values()])
    block = gluon.SymbolBlock(group, [mx.sym.var(INPUT, dtype="float32")], params=learner.network.collect_params())
    learner.wait()
    learner.averages.swap_in()
    with translated(learner.context), autograd.predict_mode():
        values = block(learner.inputs(images, draws))
        arrays = values if isinstance(values, (list, tuple)) else [values]
        return {name: array.asnumpy() for name, array in zip(outputs, arrays, strict=True)}


def _outputs(symbol: Any, layers: dict[str, str]) -> dict[str, str]:
    """The operation of each layer, by the layer's name. `layers`: its weight's name -> its name."""
    nodes = json.loads(symbol.tojson())["nodes"]
    found = {}
    for node in nodes:
        if node["op"] == "Convolution" and (name := layers.get(nodes[node["inputs"][1][0]]["name"])):
            found[name] = node["name"]
    return found


def write_graph(learner: GluonLearner, path: Path, shape: tuple[int, int, int]) -> Path:
    """See `backends.base.LooksInside`; MXNet's graph is for images of any shape."""
    learner.wait()
    Snapshot(learner.network).write(path)
    return with_ending(path, SYMBOL)
