"""Build a network of the user."""

from __future__ import annotations

import copy

import torch
from torch import nn

from ...catalog import own_networks
from ...errors import InvalidType, InvalidValue, shown
from ...spec import Resolved


def build(spec: Resolved, n_classes: int) -> nn.Module:
    """The network on the CPU; one that was given as an object is copied, so that it stays as it is.

    Raises:
        InvalidType: it is no `nn.Module`. InvalidValue: it has no weights, or does not give a number for each class.
        NotReady: another session has it.
    """
    made = own_networks.find(spec.model)
    network = copy.deepcopy(made) if own_networks.is_network(made) else made(n_classes)
    if not isinstance(network, nn.Module):
        raise InvalidType(f"{spec.model.name} must be a torch.nn.Module, not {shown(network)}")
    network = network.cpu()
    if not any(True for _ in network.parameters()):
        raise InvalidValue(f"{spec.model.name} has no weights to train, or has them only once it has seen images")
    _check_output(network, spec, n_classes)
    return network


def _check_output(network: nn.Module, spec: Resolved, n_classes: int) -> None:
    size = spec.data.input_size
    modes = [(layer, layer.training) for layer in network.modules()]
    try:
        with torch.no_grad():
            output = network.eval()(torch.zeros(2, 3, size, size))
    except (RuntimeError, ValueError, TypeError) as error:
        raise InvalidValue(
            f"{spec.model.name} does not take images of {size} px, (2, 3, {size}, {size}): {error}"
        ) from error
    finally:
        for layer, mode in modes:
            layer.training = mode
    shape = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
    own_networks.check_output(spec.model.name, shape, n_classes)
