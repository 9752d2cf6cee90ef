"""Build a user's own network in torch, and layers in place of a network's head."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from ...catalog.appended import appended_layers
from ...catalog.backends import load
from ...catalog.custom_networks import Node, check_output, tree
from ...errors import InvalidValue
from ...spec import Resolved
from ..initial_weights import initial_weights
from .layers import CONVOLUTIONS, TRANSPOSED, Merge

WEIGHING = (*CONVOLUTIONS, *TRANSPOSED, nn.Linear)


def build(spec: Resolved, n_classes: int) -> nn.Module:
    """The network of the spec's layers, with its first weights.

    Raises:
        InvalidValue: a layer cannot take what it is given, or the network does not give one value for each class.
    """
    size = spec.data.input_size
    root = tree(spec.model.layers, (3, size, size))
    check_output(root, n_classes)
    network = module(root)
    layers = [layer for layer in network.modules() if isinstance(layer, WEIGHING)]
    shapes = [tuple(layer.weight.shape) for layer in layers]
    found = initial_weights(spec.model.initializer, "pytorch", spec.seed, shapes)
    with torch.no_grad():
        for layer, weight in zip(layers, found, strict=True):
            layer.weight.copy_(torch.from_numpy(weight))
            if layer.bias is not None:
                layer.bias.zero_()
    return network


def module(node: Node) -> nn.Module:
    """The module of a layer, a sequence or branches."""
    children = [(child.name, module(child)) for child in node.children]
    if node.choice is None or node.row is None:
        return nn.Sequential(OrderedDict(children))
    if node.row.merges:
        return Merge(children, node.choice.name == "concatenate")
    builder = load(node.row.path("pytorch"))
    if node.row.sized:
        return builder(node.before, node.row.values(node.choice))
    return builder(**node.row.keywords("pytorch", node.choice))


def append(network: nn.Module, head: str, spec: Resolved, n_classes: int) -> None:
    """Put the appended layers of the spec in place of the head at a dotted name; what came after a head within its parent goes.

    Raises:
        InvalidValue: they do not give one value for each class, or the last one is not said to be the last.
    """
    parent_name, _, name = head.rpartition(".")
    parent = network.get_submodule(parent_name)
    old = parent.get_submodule(name)
    if not isinstance(old, (nn.Conv2d, nn.Linear)):
        raise InvalidValue(
            f"append_*: the head of {spec.model.name} is a {type(old).__name__}, which cannot be replaced"
        )
    # a head that is a convolution is given the image before the pooling
    is_image = isinstance(old, nn.Conv2d)
    features = old.in_channels if isinstance(old, nn.Conv2d) else old.in_features
    root = tree(appended_layers(spec.model.appended, n_classes), (features,))
    check_output(root, n_classes, "the last appended layer", "append_linear(final_layer=True)")
    new = module(root)
    if is_image:
        new = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), new)
        names = [other for other, _ in parent.named_children()]
        for other in names[names.index(name) + 1 :]:
            setattr(parent, other, nn.Identity())
    setattr(parent, name, new)
