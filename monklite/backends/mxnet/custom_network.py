"""Build a user's own network in MXNet, and layers in place of a network's head."""

from __future__ import annotations

from typing import Any

from ...catalog.appended import appended_layers
from ...catalog.backends import load
from ...catalog.custom_networks import Node, check_output, tree
from ...spec import Resolved
from ..initial_weights import initial_weights
from .framework import autograd, mx, nd
from .layers import Merge, Sequence, flatten, global_average_pooling

# the same in every process, so that saved parameters fit a network that is built again
PARAMETER_PREFIX = "net_"
# He et al. 2015
HE = {"rnd_type": "gaussian", "factor_type": "in", "magnitude": 2}


def build(spec: Resolved, n_classes: int, context: Any) -> Any:
    """The network of the spec's layers, with its first weights, on its device.

    Raises:
        InvalidValue: a layer cannot take what it is given, or the network does not give one value for each class.
    """
    size = spec.data.input_size
    root = tree(spec.model.layers, (3, size, size))
    check_output(root, n_classes)
    network = block(root, PARAMETER_PREFIX)
    network.initialize(ctx=context)
    weights = [p for name, p in network.collect_params().items() if name.endswith("_weight")]
    found = initial_weights(spec.model.initializer, "mxnet", spec.seed, [tuple(p.shape) for p in weights])
    for parameter, weight in zip(weights, found, strict=True):
        parameter.set_data(nd.array(weight))
    return network


def block(node: Node, prefix: str) -> Any:
    """The block of a layer, a sequence or branches; `prefix`: of its own name and those of its parameters."""
    children = [(child.name, block(child, f"{prefix}{child.name}_")) for child in node.children]
    if node.choice is None or node.row is None:
        return Sequence(children, prefix)
    if node.row.merges:
        return Merge(children, node.choice.name == "concatenate", prefix)
    builder = load(node.row.path("mxnet"))
    if node.row.sized:
        return builder(node.before, node.row.values(node.choice), prefix)
    return builder(**node.row.keywords("mxnet", node.choice), prefix=prefix)


def append(network: Any, head: str, spec: Resolved, n_classes: int, context: Any) -> None:
    """Put the appended layers of the spec in place of the head, whose name is `head`; the network has seen no images hybridized.

    Raises:
        InvalidValue: they do not give one value for each class, or the last one is not said to be the last.
    """
    shape = _given_to(network, head, spec.data.input_size, context)
    prefix = f"{PARAMETER_PREFIX}head_"
    root = tree(appended_layers(spec.model.appended, n_classes), shape[:1])
    check_output(root, n_classes, "the last appended layer", "append_linear(final_layer=True)")
    layers = [("layers", block(root, prefix))]
    if len(shape) > 1:
        pooling, flat = global_average_pooling(shape, {}, f"{prefix}pool_"), flatten(shape, {}, f"{prefix}flat_")
        layers = [("pool", pooling), ("flat", flat), *layers]
    new = Sequence(layers, f"{prefix}sequence_") if len(layers) > 1 else layers[0][1]
    new.initialize(mx.init.Xavier(**HE), ctx=context)
    # not setattr, which allows no block of another class
    vars(network)[head] = network._children[head] = new
    network._clear_cached_op()


def _given_to(network: Any, head: str, size: int, context: Any) -> tuple[int, ...]:
    """The shape of what the head is given for one image, without the batch."""
    shapes = []
    hook = network._children[head].register_forward_pre_hook(lambda _, inputs: shapes.append(inputs[0].shape))
    with autograd.predict_mode():
        network(nd.zeros((1, 3, size, size), ctx=context)).wait_to_read()
    hook.detach()
    return tuple(shapes[0][1:])
