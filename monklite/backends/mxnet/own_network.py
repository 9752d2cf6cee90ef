"""Build a network of the user."""

from __future__ import annotations

from typing import Any

from ...catalog import own_networks
from ...errors import InvalidType, shown
from ...spec import Resolved
from .framework import autograd, gluon, mx, nd


def build(spec: Resolved, n_classes: int, prefix: str) -> Any:
    """The network; its weights have names that begin with `prefix`.

    Raises:
        InvalidType: it is no `HybridBlock`, or a network itself. NotReady: another session has it.
    """
    made = own_networks.find(spec.model)
    if own_networks.is_network(made):
        raise InvalidType(
            f"{spec.model.name} is a network itself, which the mxnet backend cannot copy: give the class or a function of the "
            "number of classes that builds it"
        )
    # whose numbers begin anew, so that the weights have the same names in every process
    with mx.name.Prefix(prefix):
        network = made(n_classes)
    if not isinstance(network, gluon.HybridBlock):
        raise InvalidType(f"{spec.model.name} must be a gluon.HybridBlock, not {shown(network)}")
    return network


def initialize(network: Any, rule: Any, context: Any) -> None:
    """Draw the weights that the network does not have yet."""
    for parameter in network.collect_params().values():
        if parameter._data is None and not parameter._deferred_init:
            parameter.initialize(ctx=context, default_init=rule)
    network.collect_params().reset_ctx(context)


def check_output(network: Any, spec: Resolved, n_classes: int, context: Any) -> None:
    """Refuse a network that does not give a number for each class."""
    size = spec.data.input_size
    with autograd.predict_mode():
        output = network(nd.zeros((2, 3, size, size), ctx=context))
    shape = output.shape if isinstance(output, nd.NDArray) else type(output).__name__
    own_networks.check_output(spec.model.name, shape, n_classes)
