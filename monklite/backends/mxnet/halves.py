"""Cut a network above its frozen part: the lower half gives the same numbers for the same image in every epoch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..frozen_part import Operation, boundary, lower_half
from .framework import gluon, mx, nd

INPUT, FEATURE_MAP = "data", "feature_map"
STATISTICS_OPERATIONS = ("BatchNorm", "SyncBatchNorm", "_contrib_SyncBatchNorm")


class Cut(NamedTuple):
    """The halves of a network; they share its parameters. `shapes`: of the values at the cut, without the batch."""

    lower: Any
    upper: Any
    shapes: tuple[tuple[int, ...], ...]

    @property
    def width(self) -> int:
        """The bytes of the values of one image."""
        return sum(4 * int(np.prod(shape)) for shape in self.shapes)

    def values(self, x: Any) -> list[Any]:
        """The values at the cut for images."""
        found = self.lower(x)
        return list(found) if isinstance(found, (list, tuple)) else [found]

    def to_bytes(self, values: Sequence[Any]) -> np.ndarray:
        """uint8 (n, width)."""
        rows = [np.ascontiguousarray(v.asnumpy().reshape(len(v), -1)).view(np.uint8) for v in values]
        return np.concatenate(rows, axis=1)

    def from_bytes(self, features: np.ndarray, context: Any) -> list[Any]:
        """The values for images, exactly as they were."""
        floats, start, values = np.ascontiguousarray(features).view(np.float32), 0, []
        for shape in self.shapes:
            part = floats[:, start : start + int(np.prod(shape))]
            values.append(nd.array(part.reshape(len(part), *shape), ctx=context))
            start += int(np.prod(shape))
        return values

    def key(self) -> str:
        """Hexadecimal digest of the lower half's weights and operations."""
        digest = hashlib.blake2b(digest_size=16)
        graph = self.lower(mx.sym.var(INPUT))
        joined = mx.sym.Group(graph) if isinstance(graph, (list, tuple)) else graph
        digest.update(f"{mx.__version__} {joined.tojson()}".encode())
        for name, parameter in sorted(self.lower.collect_params().items()):
            array = parameter.data().asnumpy()
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def cut(network: Any, size: int) -> Cut | None:
    """Cut a network, whose images have `size` px, between its frozen part and what is trained; None if it cannot be cut."""
    # a user's own functions, which a graph would leave out
    if network._forward_hooks or network._forward_pre_hooks:
        return None
    graph = json.loads(network(mx.sym.var(INPUT)).tojson())
    parameters = dict(network.collect_params().items())
    operations = [_described(node, graph["nodes"], parameters) for node in graph["nodes"]]
    outputs = {place for place, _, _ in graph["heads"]}
    lower = lower_half(operations)
    places = boundary(operations, lower)
    # a result other than the first cannot be replaced by an image of its own; the output must be trained
    others = {node[0] for i, n in enumerate(graph["nodes"]) if i not in lower for node in n["inputs"] if node[1]}
    sees_images = any(operations[i].name == INPUT for i in lower)
    if not places or not sees_images or outputs & lower or others & set(places):
        return None
    below = _ending_at(graph, places)
    inputs = [f"frozen{i}" for i in range(len(places))]
    above = _beginning_at(graph, places, inputs)
    shapes = below.infer_shape(data=(1, 3, size, size))[1]
    return Cut(
        _block(below, [INPUT], network), _block(above, inputs, network), tuple(tuple(shape[1:]) for shape in shapes)
    )


def split_at_last_map(network: Any, shape: tuple[int, ...]) -> tuple[Any, Any] | None:
    """The network below and above its last feature map of more than one point; None if it has none.

    Args:
        shape: of the images (n, channels, height, width). The part above is given the images, which a path around the map may
            need, and the map.
    """
    symbol = network(mx.sym.var(INPUT))
    graph = json.loads(symbol.tojson())
    sizes = dict(
        zip(symbol.get_internals().list_outputs(), symbol.get_internals().infer_shape(data=shape)[1], strict=True)
    )
    maps = [
        place for place, node in enumerate(graph["nodes"]) if node["op"] != "null" and _is_map(node, sizes, shape[0])
    ]
    if not maps:
        return None
    above = _beginning_at(graph, maps[-1:], [FEATURE_MAP])
    inputs = [name for name in (INPUT, FEATURE_MAP) if name in above.list_arguments()]
    upper = _block(above, inputs, network)
    return _block(_ending_at(graph, maps[-1:]), [INPUT], network), lambda *values: upper(*values[-len(inputs) :])


def _is_map(node: dict[str, Any], sizes: dict[str, tuple[int, ...]], n_images: int) -> bool:
    """Whether the first result of an operation is (n, channels, height, width) with more than one point."""
    size = sizes.get(f"{node['name']}_output", ())
    return len(size) == 4 and size[0] == n_images and size[2] * size[3] > 1


def _ending_at(graph: dict[str, Any], places: Sequence[int]) -> Any:
    """The part of a graph that gives the results of some operations."""
    return mx.sym.load_json(json.dumps({**graph, "heads": [[place, 0, 0] for place in places]}))


def _beginning_at(graph: dict[str, Any], places: Sequence[int], names: Sequence[str]) -> Any:
    """A graph that is given the results of some operations, under these names."""
    nodes = list(graph["nodes"])
    for place, name in zip(places, names, strict=True):
        nodes[place] = {"op": "null", "name": name, "inputs": []}
    arguments = sorted({*graph["arg_nodes"], *places})
    return mx.sym.load_json(json.dumps({**graph, "nodes": nodes, "arg_nodes": arguments}))


def _block(symbol: Any, inputs: Sequence[str], network: Any) -> Any:
    block = gluon.SymbolBlock(
        symbol, [mx.sym.var(name, dtype="float32") for name in inputs], params=network.collect_params()
    )
    block.hybridize(static_alloc=True, static_shape=True)
    return block


def _described(node: dict[str, Any], nodes: Sequence[dict[str, Any]], parameters: dict[str, Any]) -> Operation:
    sources = tuple(place for place, *_ in node["inputs"])
    own = [parameters[nodes[place]["name"]] for place in sources if nodes[place]["name"] in parameters]
    statistics = node["op"] in STATISTICS_OPERATIONS and node.get("attrs", {}).get("use_global_stats") != "True"
    parameter = parameters.get(node["name"]) if node["op"] == "null" else None
    return Operation(
        node["name"],
        node["op"],
        sources,
        statistics or (parameter is not None and parameter.grad_req != "null"),
        bool(own),
        node["op"] == "null",
    )
