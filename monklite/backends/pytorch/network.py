"""Build a torchvision network with a new head, load its first weights, and freeze layers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlparse

import torch
import torchvision
from torch import nn

from ...catalog import image_sizes
from ...catalog.model_table import ModelRow
from ...catalog.models import network_row
from ...errors import InvalidValue, PretrainedUnavailable, StorageError, WeightsMismatch
from ...looking import is_file
from ...spec import Resolved
from .. import cached_weights, weight_files
from ..base import OWN_WEIGHTS, RANDOM_WEIGHTS
from ..freezing import layers_that_wait, layers_to_freeze
from . import custom_network, own_network, timm_networks, weights


def build(spec: Resolved, n_classes: int, pretrained: bool) -> tuple[nn.Module, str]:
    """Build the network of a resolved spec on the CPU; returns it with the source of its weights."""
    row = network_row(spec.model, "pytorch")
    image_sizes.check_smallest(spec)
    network, source = _with_weights(row, spec, n_classes, pretrained)
    heads = head_names(network, row)
    if pretrained and spec.model.weights_path:
        source = _load_user_weights(network, heads, spec.model.weights_path)
    if spec.model.appended:
        custom_network.append(network, heads[0], spec, n_classes)
    _freeze(network, heads, spec)
    return network, source


def _with_weights(row: ModelRow, spec: Resolved, n_classes: int, pretrained: bool) -> tuple[nn.Module, str]:
    """The network with its first weights, unless they are in a file of the user, and their source."""
    if spec.model.layers:
        return custom_network.build(spec, n_classes), RANDOM_WEIGHTS
    if spec.model.is_own:
        return own_network.build(spec, n_classes), OWN_WEIGHTS
    if row.cells["pytorch"].package == "timm":
        return timm_networks.build(row, spec, n_classes, pretrained)
    from_zoo = pretrained and spec.model.pretrained and not spec.model.weights_path
    network = _of_table(row, spec.data.input_size, n_classes, from_zoo)
    return network, _zoo_weights(row).DEFAULT.name if from_zoo else RANDOM_WEIGHTS


def _of_table(row: ModelRow, size: int, n_classes: int, from_zoo: bool) -> nn.Module:
    """A network of the table with new heads; `from_zoo`: with torchvision's weights."""
    network = _pretrained(row, size) if from_zoo else _random(row, size)
    if row.auxiliary_size > size:
        network.aux_logits, network.AuxLogits = False, None
    for head in row.heads["pytorch"]:
        _replace_head(network, head, n_classes)
    return network


def _zoo_weights(row: ModelRow) -> type[torchvision.models.WeightsEnum]:
    return torchvision.models.get_model_weights(row.cells["pytorch"].path)


def _random(row: ModelRow, size: int) -> nn.Module:
    options: dict[str, object] = {}
    if row.size_argument:
        options[row.size_argument] = (size, size) if row.size_argument == "input_size" else size
    if row.family in ("googlenet", "inception"):
        # torchvision's own truncated normal is so wide that validation overflows until batch statistics have converged
        options["init_weights"] = False
    try:
        return torchvision.models.get_model(row.cells["pytorch"].path, weights=None, **options)
    except (AssertionError, ValueError, RuntimeError) as error:
        raise InvalidValue(f"{row.name} cannot be built for input_size={size}: {error}") from None


def _pretrained(row: ModelRow, size: int) -> nn.Module:
    """The network with torchvision's default weights, from torch's cache folder or downloaded."""
    default = _zoo_weights(row).DEFAULT
    if row.size_argument and size != row.input_size:
        raise InvalidValue(
            f"the pretrained weights of {row.name} fit {row.input_size} px only, not input_size={size}; "
            f"use input_size={row.input_size} or use_pretrained=False"
        )
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(default.url).path).name
    was_cached = is_file(file)
    try:
        with warnings.catch_warnings():
            # about auxiliary heads, which are replaced anyway
            warnings.filterwarnings("ignore", message=".*auxiliary heads.*")
            return cached_weights.load(
                lambda: torchvision.models.get_model(row.cells["pytorch"].path, weights=default), file
            )
    except StorageError:
        raise
    except Exception as error:
        if _is_download_error(error):
            raise PretrainedUnavailable(
                f"the pretrained weights of {row.name} could not be downloaded ({_download_problem(error)}). Go online once, "
                f"or fetch {default.url} elsewhere and put it at {file}, or start from random weights: "
                "use_pretrained=False"
            ) from None
        if was_cached:
            other = weight_files.describe_other_content(file) or first_line(error)
            raise WeightsMismatch(
                f"{file} is not the weight file of {row.name} ({other}); delete it and try again, or fetch {default.url} "
                f"elsewhere and put it at {file}"
            ) from None
        raise


def _is_download_error(error: Exception) -> bool:
    # URLError is an OSError
    return isinstance(error, (OSError, HTTPException)) or _is_other_content(error)


def _is_other_content(error: Exception) -> bool:
    """Whether torch refused what it downloaded, because its hash is wrong."""
    return isinstance(error, RuntimeError) and "invalid hash value" in str(error)


def _download_problem(error: Exception) -> str:
    if _is_other_content(error):
        return "something else came in place of the file, such as the page of a proxy or a login"
    return first_line(error) or type(error).__name__


def _replace_head(network: nn.Module, head: str, n_classes: int) -> None:
    """Put a new classifier for `n_classes` at a dotted name; does nothing where the network was built without it."""
    parent_name, _, name = head.rpartition(".")
    try:
        parent = network.get_submodule(parent_name)
        old = parent.get_submodule(name)
    except AttributeError:
        # the auxiliary heads of a pretrained GoogLeNet
        return
    new: nn.Module
    if isinstance(old, nn.Conv2d):
        new = nn.Conv2d(old.in_channels, n_classes, kernel_size=1)
    elif isinstance(old, nn.Linear):
        new = nn.Linear(old.in_features, n_classes)
    else:
        raise TypeError(f"the row's head {head!r} is a {type(old).__name__}, which cannot be replaced")
    setattr(parent, name, new)


def _load_user_weights(network: nn.Module, heads: tuple[str, ...], paths: tuple[str, ...]) -> str:
    if len(paths) != 1:
        raise InvalidValue(f"the pytorch backend takes one weight file, not {len(paths)}: model_path='weights.pth'")
    file = Path(paths[0])
    return ", ".join([file.name, *weights.load_user_file(network, file, heads)])


def parameter_layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers that have weights of their own, with their names, from input to output."""
    layers = [(n, m) for n, m in network.named_modules() if any(True for _ in m.parameters(recurse=False))]
    # the network itself, whose name is empty, holds a ViT's class token
    return [(n or type(m).__name__, m) for n, m in layers]


def head_names(network: nn.Module, row: ModelRow) -> tuple[str, ...]:
    """Dotted names of the classifiers; where the row does not know them, that of the last layer with weights."""
    return row.heads["pytorch"] or (parameter_layers(network)[-1][0],)


def _freeze(network: nn.Module, heads: tuple[str, ...], spec: Resolved) -> None:
    for layer in layers_to_freeze(spec.model, parameter_layers(network), heads):
        set_trained(layer.parameters(recurse=False), False)


def waiting_parameters(network: nn.Module, spec: Resolved, heads: tuple[str, ...]) -> list[nn.Parameter]:
    """The parameters that are trained, but not in the first `head_epochs`."""
    layers = layers_that_wait(spec, parameter_layers(network), heads)
    return [p for layer in layers for p in layer.parameters(recurse=False) if p.requires_grad]


def set_trained(parameters: Iterable[nn.Parameter], trained: bool) -> None:
    """Train parameters from now on, or freeze them."""
    for parameter in parameters:
        parameter.requires_grad_(trained)


def set_train_mode(network: nn.Module) -> None:
    """Set training mode, except in frozen layers: their batch statistics must not change either."""
    network.train()
    for _, layer in parameter_layers(network):
        if not any(p.requires_grad for p in layer.parameters(recurse=False)):
            # not eval(), which would also change the layers inside
            layer.training = False


def first_line(error: Exception) -> str:
    """The first line of an error's message, at most 200 characters."""
    return str(error).strip().split("\n")[0][:200]
