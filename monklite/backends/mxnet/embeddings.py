"""The values before the head of a Gluon network."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ...data.augment import Draws
from ...errors import InvalidValue
from .framework import autograd, gluon, mx
from .framework_errors import translated
from .halves import INPUT
from .learner import GluonLearner
from .network import parameter_layers


def embeddings(learner: GluonLearner, images: np.ndarray, draws: Draws) -> np.ndarray:
    """See `backends.base.GivesEmbeddings`. Hooks of a hybridized network are not called, so its graph gets another output."""
    output = before_head(learner, learner.network(mx.sym.var(INPUT)))
    block = gluon.SymbolBlock(output, [mx.sym.var(INPUT, dtype="float32")], params=learner.network.collect_params())
    learner.wait()
    learner.averages.swap_in()
    with translated(learner.context), autograd.predict_mode():
        values = block(learner.inputs(images, draws)).asnumpy().astype(np.float32)
    # a head that is a convolution is given the image before the pooling
    return values.reshape(*values.shape[:2], -1).mean(axis=2) if values.ndim > 2 else values


def before_head(learner: GluonLearner, symbol: Any) -> Any:
    """The input of the head of a network, as another output of its graph."""
    return symbol.get_internals()[_before_head(symbol, learner)]


def _before_head(symbol: Any, learner: GluonLearner) -> str:
    """The name of the result that the first operation with a weight of the head takes."""
    head = learner.heads[0]
    layers = [layer for name, layer in parameter_layers(learner.network) if name == head or name.startswith(f"{head}.")]
    weights = {parameter.name for layer in layers for parameter in layer._reg_params.values()}
    nodes = json.loads(symbol.tojson())["nodes"]
    for node in nodes:
        if any(nodes[place]["name"] in weights for place, *_ in node["inputs"]):
            source = nodes[node["inputs"][0][0]]
            return source["name"] if source["op"] == "null" else f"{source['name']}_output"
    raise InvalidValue(f"the graph of this network does not show what its head ({head}) takes")
