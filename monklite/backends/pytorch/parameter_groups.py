"""The parameters of a network in the groups that the optimizer has."""

from __future__ import annotations

from typing import Any

from torch import nn

from ...spec import Resolved
from ..layer_groups import layer_groups
from .network import parameter_layers


def parameter_groups(network: nn.Module, spec: Resolved, heads: tuple[str, ...]) -> list[dict[str, Any]]:
    """The trained parameters: one group, or with `layer_rates` several, each with its `rate_factor`.

    A parameter that several layers share belongs to the first.

    Raises:
        InvalidValue: there are fewer layers than groups.
    """
    trained = {id(p): p for p in network.parameters() if p.requires_grad}
    layers = [
        (name, layer)
        for name, layer in parameter_layers(network)
        if any(id(p) in trained for p in layer.parameters(recurse=False))
    ]
    groups = []
    for factor, members in layer_groups(spec, layers, heads):
        found = [trained.pop(id(p), None) for layer in members for p in layer.parameters(recurse=False)]
        groups.append({"params": [p for p in found if p is not None], "rate_factor": factor})
    return groups or [{"params": list(trained.values())}]
