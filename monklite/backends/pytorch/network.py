"""Build a torchvision network with a new head, its first weights, and what of it is frozen."""

from __future__ import annotations

import warnings
from pathlib import Path
from urllib.parse import urlparse

import torch
import torchvision
from torch import nn

from ...catalog.models import ModelRow, find_model
from ...errors import InvalidValue, PretrainedUnavailable, WeightsMismatch
from ...spec import Resolved
from ..freezing import frozen
from . import weights

BACKEND = "pytorch"
RANDOM = "random"


def build(spec: Resolved, n_classes: int, pretrained: bool) -> tuple[nn.Module, str]:
    """The network of a resolved spec on the CPU, and a word on where its weights came from."""
    row = find_model(spec.model.name, BACKEND)
    size = spec.data.input_size
    if size < row.least_size:
        raise InvalidValue(f"{row.name} needs images of at least {row.least_size} px, not input_size={size}")
    from_zoo = pretrained and spec.model.pretrained and not spec.model.weights_path
    network = _pretrained(row, size) if from_zoo else _random(row, size)
    if row.auxiliary_size > size:
        network.aux_logits, network.AuxLogits = False, None
    for place in row.heads[BACKEND]:
        _new_head(network, place, n_classes)
    source = _zoo(row).DEFAULT.name if from_zoo else RANDOM
    if pretrained and spec.model.weights_path:
        source = _own_weights(network, row, spec.model.weights_path)
    _freeze(network, row, spec)
    return network, source


def _zoo(row: ModelRow) -> type[torchvision.models.WeightsEnum]:
    return torchvision.models.get_model_weights(row.cells[BACKEND].path)


def _random(row: ModelRow, size: int) -> nn.Module:
    options: dict[str, object] = {}
    if row.size_argument:
        options[row.size_argument] = (size, size) if row.size_argument == "input_size" else size
    if row.family in ("googlenet", "inception"):
        # torchvision's own truncated normal is so wide that validation overflows until batch statistics have settled
        options["init_weights"] = False
    try:
        return torchvision.models.get_model(row.cells[BACKEND].path, weights=None, **options)
    except (AssertionError, ValueError, RuntimeError) as error:
        raise InvalidValue(f"{row.name} cannot be built for input_size={size}: {error}") from None


def _pretrained(row: ModelRow, size: int) -> nn.Module:
    """The network with torchvision's default weights, from torch's cache folder or the network."""
    choice = _zoo(row).DEFAULT
    if row.size_argument and size != row.input_size:
        raise InvalidValue(
            f"the pretrained weights of {row.name} fit {row.input_size} px only, not input_size={size}; "
            f"use input_size={row.input_size} or use_pretrained=False"
        )
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(choice.url).path).name
    there = file.exists()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*auxiliary heads.*")  # they get new heads anyway
            return torchvision.models.get_model(row.cells[BACKEND].path, weights=choice)
    except OSError as error:  # URLError too
        raise PretrainedUnavailable(
            f"the pretrained weights of {row.name} could not be downloaded ({error}). Go online once, or fetch {choice.url} "
            f"elsewhere and put it at {file}, or start from random weights with use_pretrained=False"
        ) from None
    except Exception as error:
        if there:
            raise WeightsMismatch(
                f"{file} is not the weight file of {row.name} ({first_line(error)}); delete it and try again"
            ) from None
        raise


def _new_head(network: nn.Module, place: str, n_classes: int) -> None:
    """Put a fresh classifier for `n_classes` at a dotted place; a place that this build left out is passed over."""
    parent_name, _, name = place.rpartition(".")
    try:
        parent = network.get_submodule(parent_name)
        old = parent.get_submodule(name)
    except AttributeError:
        return  # the auxiliary heads of a pretrained GoogLeNet
    new: nn.Module
    if isinstance(old, nn.Conv2d):
        new = nn.Conv2d(old.in_channels, n_classes, kernel_size=1)
    else:
        assert isinstance(old, nn.Linear), f"{place} is a {type(old).__name__}"
        new = nn.Linear(old.in_features, n_classes)
    setattr(parent, name, new)


def _own_weights(network: nn.Module, row: ModelRow, paths: tuple[str, ...]) -> str:
    if len(paths) != 1:
        raise InvalidValue(f"the pytorch backend takes one weight file, not {len(paths)}: model_path='weights.pth'")
    new_head = weights.load_into(network, weights.read(Path(paths[0])), Path(paths[0]), optional=row.heads[BACKEND])
    return f"{Path(paths[0]).name}{', new head' if new_head else ''}"


def parameter_layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers that have weights of their own, with their names, from the input on."""
    found = [(n, m) for n, m in network.named_modules() if any(True for _ in m.parameters(recurse=False))]
    return [(n or type(m).__name__, m) for n, m in found]  # a ViT itself holds its class token


def _freeze(network: nn.Module, row: ModelRow, spec: Resolved) -> None:
    for layer in frozen(spec.model, parameter_layers(network), row.heads[BACKEND]):
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad_(False)


def train_mode(network: nn.Module) -> None:
    """Training mode, but for frozen layers: their batch statistics must not move either."""
    network.train()
    for _, layer in parameter_layers(network):
        if not any(p.requires_grad for p in layer.parameters(recurse=False)):
            layer.training = False  # not eval(), which would reach the layers inside


def first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
