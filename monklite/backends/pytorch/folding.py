"""Fold batch normalization into the convolution before it: in inference both are linear, so one of them is enough."""

from __future__ import annotations

from collections import Counter

import torch
from torch import fx, nn
from torch.nn.utils import fusion

from .graphs import attribute


def fold(network: fx.GraphModule) -> fx.GraphModule:
    """A copy for inference alone, which gives the same results up to rounding; layers that do not change are shared."""
    graph = fx.Graph()
    graph.output(graph.graph_copy(network.graph, {}))
    used = Counter(str(node.target) for node in graph.nodes if node.op == "call_module")
    layers: dict[str, nn.Module] = {name: network.get_submodule(name) for name in used}
    for node in list(graph.nodes):
        source = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(source, fx.Node) or source.op != "call_module" or len(source.users) > 1:
            continue
        convolution, name = layers[str(source.target)], str(source.target)
        if used[name] == 1 and _can_fold(convolution, layers[str(node.target)]):
            layers[name] = _folded(convolution, layers[str(node.target)])
            node.replace_all_uses_with(source)
            graph.erase_node(node)
    attributes = {str(n.target): attribute(network, str(n.target)) for n in graph.nodes if n.op == "get_attr"}
    remaining = {str(n.target) for n in graph.nodes if n.op == "call_module"}
    return fx.GraphModule({**{n: m for n, m in layers.items() if n in remaining}, **attributes}, graph).eval()


def _can_fold(convolution: nn.Module, normalization: nn.Module) -> bool:
    return (
        type(convolution) is nn.Conv2d
        and type(normalization) is nn.BatchNorm2d
        and normalization.running_var is not None
        and not (convolution.training or normalization.training)
    )


def _folded(convolution: nn.Module, normalization: nn.Module) -> nn.Module:
    with torch.no_grad():
        folded = fusion.fuse_conv_bn_eval(convolution, normalization)
    return folded.requires_grad_(False)
