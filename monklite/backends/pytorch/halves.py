"""Cut a network above its frozen part: the lower half gives the same numbers for the same image in every epoch.

The cut is made in the graph of the network's operations, so it may lie anywhere, also across several branches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import fx, nn

from ..frozen_part import Operation, boundary, lower_half
from .folding import fold
from .graphs import attribute, digest


class Cut(NamedTuple):
    """The halves of a network; they share its layers, but those of the lower one into which batch normalization is folded.

    `lower`: from images to the values at the cut, in inference mode. `upper_train`, `upper_eval`: from these to what the network
    gives.
    """

    lower: fx.GraphModule
    upper_train: fx.GraphModule
    upper_eval: fx.GraphModule

    def key(self) -> str:
        """Hexadecimal digest of the lower half's weights and operations."""
        return digest(f"{torch.__version__} {self.lower.code} {self.lower}", self.lower.state_dict())


def cut(network: nn.Module) -> Cut | None:
    """Cut a network between its frozen part and what is trained; None if nothing is frozen, or it cannot be cut."""
    # tracing takes up to two seconds
    if all(p.requires_grad for p in network.parameters()) or is_changed_by_user(network):
        return None
    modes = [(layer, layer.training) for layer in network.modules()]
    try:
        graphs = []
        for mode in (True, False):
            network.train(mode)
            graphs.append(fx.Tracer(param_shapes_constant=True).trace(network))
    # what a network does in Python may depend on its values, which a graph cannot hold; such errors are of any kind
    except Exception:
        return None
    finally:
        for layer, mode in modes:
            layer.training = mode
    train, evaluation = graphs
    if _operations(train) != _operations(evaluation):
        return None
    operations = _described(train, network)
    lower = lower_half(operations)
    names = [operations[i].name for i in boundary(operations, lower)]
    nodes = {operations[i].name for i in lower}
    # frozen tables alone are no part that depends on the image
    if not names or not any(node.op == "placeholder" and node.name in nodes for node in train.nodes):
        return None
    below = fx.GraphModule(network, _lower_graph(evaluation, nodes, names)).eval()
    return Cut(
        fold(below),
        fx.GraphModule(network, _upper_graph(train, nodes, names)),
        fx.GraphModule(network, _upper_graph(evaluation, nodes, names)),
    )


def is_changed_by_user(network: nn.Module) -> bool:
    """Whether a user's own functions are called with the network, which a graph would leave out."""
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any("forward" in vars(m) or any(getattr(m, name, None) for name in hooks) for m in network.modules())


def _operations(graph: fx.Graph) -> list[tuple[str, str, str]]:
    return [(node.name, node.op, str(node.target)) for node in graph.nodes]


def _described(graph: fx.Graph, network: nn.Module) -> list[Operation]:
    places = {node: i for i, node in enumerate(graph.nodes)}
    return [
        Operation(
            node.name,
            _kind(node, network),
            tuple(places[source] for source in node.all_input_nodes),
            node.op == "output" or _is_trained(node, network),
            _has_weights(node, network),
            node.op in ("placeholder", "get_attr"),
        )
        for node in graph.nodes
    ]


def _layer(node: fx.Node, network: nn.Module) -> nn.Module | None:
    return network.get_submodule(str(node.target)) if node.op == "call_module" else None


def _is_trained(node: fx.Node, network: nn.Module) -> bool:
    """Whether training changes what an operation does."""
    if node.op == "get_attr":
        return bool(getattr(attribute(network, str(node.target)), "requires_grad", False))
    layer = _layer(node, network)
    if layer is None:
        return False
    parameters = list(layer.parameters())
    # statistics that no frozen weight keeps from being updated
    return any(p.requires_grad for p in parameters) or (not parameters and any(True for _ in layer.buffers()))


def _has_weights(node: fx.Node, network: nn.Module) -> bool:
    if any(source.op == "get_attr" for source in node.all_input_nodes):
        return True
    layer = _layer(node, network)
    return layer is not None and any(True for _ in layer.parameters())


def _kind(node: fx.Node, network: nn.Module) -> str:
    layer = _layer(node, network)
    return type(layer).__name__ if layer is not None else getattr(node.target, "__name__", str(node.target))


def _lower_graph(graph: fx.Graph, lower: set[str], names: Sequence[str]) -> fx.Graph:
    new = fx.Graph()
    copies: dict[str, fx.Node] = {}
    for node in graph.nodes:
        if node.name in lower:
            copies[node.name] = new.node_copy(node, lambda n: copies[n.name])
    new.output(tuple(copies[name] for name in names))
    return new


def _upper_graph(graph: fx.Graph, lower: set[str], names: Sequence[str]) -> fx.Graph:
    new = fx.Graph()
    copies = {name: new.placeholder(name) for name in names}
    for node in graph.nodes:
        if node.name not in lower and node.op != "placeholder":
            copies[node.name] = new.node_copy(node, lambda n: copies[n.name])
    return new


class Layout(NamedTuple):
    """How the values at the cut lie in the bytes of one image: shapes without the batch, types, and memory formats."""

    shapes: tuple[tuple[int, ...], ...]
    types: tuple[torch.dtype, ...]
    channels_last: tuple[bool, ...]

    @classmethod
    def of(cls, values: Sequence[Any], n: int) -> Layout | None:
        """The layout of the values for `n` images; None if one of them is not an array with a row for each image."""
        if not all(isinstance(v, torch.Tensor) and v.dim() > 1 and len(v) == n for v in values):
            return None
        last = [v.dim() == 4 and v.is_contiguous(memory_format=torch.channels_last) for v in values]
        return cls(tuple(tuple(v.shape[1:]) for v in values), tuple(v.dtype for v in values), tuple(last))

    @property
    def sizes(self) -> list[int]:
        """The bytes of each value for one image."""
        return [int(np.prod(s)) * t.itemsize for s, t in zip(self.shapes, self.types, strict=True)]

    @property
    def width(self) -> int:
        """The bytes of one image."""
        return sum(self.sizes)

    def to_bytes(self, values: Sequence[torch.Tensor]) -> np.ndarray:
        """uint8 (n, width)."""
        rows = [v.detach().cpu().contiguous().flatten(1).view(torch.uint8).numpy() for v in values]
        return np.concatenate(rows, axis=1) if len(rows) > 1 else rows[0]

    def from_bytes(self, features: np.ndarray, device: torch.device) -> list[torch.Tensor]:
        """The values for images, exactly as they were."""
        tensors, start = [], 0
        for shape, dtype, size, last in zip(self.shapes, self.types, self.sizes, self.channels_last, strict=True):
            part = torch.from_numpy(np.ascontiguousarray(features[:, start : start + size])).view(dtype)
            tensor = part.view(len(features), *shape).to(device)
            tensors.append(tensor.contiguous(memory_format=torch.channels_last) if last else tensor)
            start += size
        return tensors
