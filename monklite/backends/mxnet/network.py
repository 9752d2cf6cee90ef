"""Build a network of Gluon's zoo or GluonCV with a new head, load its first weights, and freeze layers."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ...catalog import image_sizes
from ...catalog.model_table import ModelRow
from ...catalog.models import network_row
from ...errors import InvalidValue, MonkliteError, PretrainedUnavailable, WeightsMismatch, cut
from ...spec import Resolved
from .. import cached_weights
from ..base import OWN_WEIGHTS, RANDOM_WEIGHTS
from ..freezing import layers_that_wait, layers_to_freeze
from . import custom_network, own_network, weights
from .custom_network import HE, PARAMETER_PREFIX
from .framework import autograd, gluon, gluoncv, model_store, mx, nd, reason, vision

STATISTICS = ("running_mean", "running_var")
# characters of a downloader's error, which repeats the address
MAX_PROBLEM = 100
# px: the zoo's networks end with a pooling window of 7, 8 or 13 px, and have smaller windows before
MIN_FINAL_WINDOW = 7


def build(spec: Resolved, n_classes: int, context: Any, pretrained: bool) -> tuple[Any, str]:
    """Build the network of a resolved spec on its device; returns it with the source of its weights."""
    row = network_row(spec.model, "mxnet")
    size = spec.data.input_size
    image_sizes.check_smallest(spec)
    own = spec.model.is_own
    network = _with_weights(row, spec, n_classes, context)
    _infer_shapes(network, row, size, context)
    if own:
        own_network.check_output(network, spec, n_classes, context)
    heads, source = head_names(network, row), OWN_WEIGHTS if own else RANDOM_WEIGHTS
    if pretrained and spec.model.weights_path:
        source = _load_user_weights(network, heads[0], spec.model.weights_path)
    elif pretrained and spec.model.pretrained and not own:
        source = _load_pretrained(network, row, size)
    if spec.model.appended:
        custom_network.append(network, heads[0], spec, n_classes, context)
    _freeze(network, heads, spec)
    hybridize(network)
    return network, source


def hybridize(network: Any) -> None:
    """Compile the network at its next use, as its layers are then."""
    network.hybridize(static_alloc=True, static_shape=True)


def _with_weights(row: ModelRow, spec: Resolved, n_classes: int, context: Any) -> Any:
    """The network with random weights, or with those that the user's own has."""
    if spec.model.layers:
        return custom_network.build(spec, n_classes, context)
    if not spec.model.is_own:
        return _of_table(row, n_classes, context)
    network = own_network.build(spec, n_classes, PARAMETER_PREFIX)
    if not parameter_layers(network):
        raise InvalidValue(f"{spec.model.name} has no weights to train")
    own_network.initialize(network, mx.init.Xavier(**HE), context)
    return network


def _of_table(row: ModelRow, n_classes: int, context: Any) -> Any:
    """A network of the table with a new head and random weights."""
    network = _gluoncv_network(row, n_classes) if row.cells["mxnet"].package else _gluon_network(row, n_classes)
    _use_global_pooling(network)
    network.initialize(mx.init.Xavier(**HE), ctx=context)
    return network


def _head(row: ModelRow) -> str:
    """The dotted name of the classifier."""
    return row.heads["mxnet"][0]


def _gluon_network(row: ModelRow, n_classes: int) -> Any:
    return vision.get_model(row.cells["mxnet"].path, classes=n_classes, prefix=PARAMETER_PREFIX)


def _gluoncv_network(row: ModelRow, n_classes: int) -> Any:
    """Build a network of GluonCV.

    Some of them have no `prefix` argument or ignore it, so it is set by a name scope. The pruned ones always have 1000 classes.
    """
    # residual branches start at 0 (Goyal et al. 2017): else scores overflow until batch statistics have converged
    options = {"last_gamma": True} if (row.family, _head(row)) == ("resnet", "fc") else {}
    with mx.name.Prefix(PARAMETER_PREFIX):
        network = gluoncv().get_model(row.cells["mxnet"].path, classes=n_classes, **options)
    head = getattr(network, _head(row))
    if isinstance(head, gluon.nn.Dense) and head.weight.shape[0] != n_classes:
        setattr(network, _head(row), gluon.nn.Dense(n_classes, in_units=head._in_units, prefix=head.prefix))
    network.apply(_fix_group_norm)
    return network


def _fix_group_norm(block: Any) -> None:
    """Replace GluonCV's group normalization, which reads the batch size and so can be neither hybridized nor exported."""
    if type(block).__name__ == "GroupNorm":
        block.hybrid_forward = functools.partial(_group_norm, block)


def _group_norm(block: Any, F: Any, x: Any, gamma: Any, beta: Any) -> Any:  # noqa: N803 (Gluon's own name)
    """Group normalization with one factor per channel (Wu and He 2018); MXNet's operator has one per group."""
    ones = F.ones_like(F.slice_axis(gamma, axis=0, begin=0, end=block.ngroups))
    normalized = F.GroupNorm(x, ones, F.zeros_like(ones), num_groups=block.ngroups, eps=block._kwargs["eps"])
    factor, offset = (p.reshape((1, -1, 1, 1)) for p in (gamma, beta))
    return F.broadcast_add(F.broadcast_mul(normalized, factor), offset)


def _use_global_pooling(block: Any) -> None:
    """Pool over the whole image before the head, as torchvision does.

    The fixed windows of some networks fit one input size only: smaller images leave nothing, larger ones several scores per
    class (SqueezeNet) or need another head.
    """
    for name, child in block._children.items():
        if isinstance(child, gluon.nn.AvgPool2D) and child._kwargs["kernel"][0] >= MIN_FINAL_WINDOW:
            block._children[name] = gluon.nn.GlobalAvgPool2D(prefix=child.prefix)
        else:
            _use_global_pooling(child)


def _infer_shapes(network: Any, row: ModelRow, size: int, context: Any) -> None:
    """Run the network once: Gluon infers the shapes of its weights from the first images."""
    try:
        with autograd.predict_mode():
            network(nd.zeros((1, 3, size, size), ctx=context)).wait_to_read()
    except (mx.MXNetError, ValueError) as error:
        raise InvalidValue(f"{row.name} cannot be built for input_size={size}: {reason(error)}") from None


def _load_pretrained(network: Any, row: ModelRow, size: int) -> str:
    """Load the zoo's weights, from its cache folder or downloaded, without the head; returns their source."""
    folder = Path(mx.base.data_dir()) / "models"
    title, store, name = _model_store(row)
    try:
        file_name = f"{name}-{store.short_hash(name)}.params"
    except ValueError:
        raise PretrainedUnavailable(
            f"{title} has no pretrained weights of {row.name}; use use_pretrained=False"
        ) from None
    try:
        # the downloader prints
        with contextlib.redirect_stdout(io.StringIO()):
            file = Path(cached_weights.load(lambda: store.get_model_file(name, root=str(folder)), folder / file_name))
        arrays = weights.read(file)
    except MonkliteError:
        raise
    # Gluon's downloader raises errors of many kinds
    except Exception as error:
        url = _zip_url(file_name.removesuffix(".params"))
        raise PretrainedUnavailable(
            f"the pretrained weights of {row.name} could not be downloaded ({cut(_download_problem(error), MAX_PROBLEM)}). "
            f"Go online once, or put the file at {folder / file_name} (fetch {url} and unpack it), or start from random weights: "
            "use_pretrained=False"
        ) from None
    try:
        weights.load_into(network, arrays, file, _head(row))
    except WeightsMismatch:
        if size == row.input_size:
            raise
        raise InvalidValue(
            f"the pretrained weights of {row.name} fit {row.input_size} px only, not input_size={size}; "
            f"use input_size={row.input_size} or use_pretrained=False"
        ) from None
    return f"ImageNet ({title})"


def _zip_url(stem: str) -> str:
    """The address from which both zoos download, which may be set by `MXNET_GLUON_REPO`."""
    repository = os.environ.get("MXNET_GLUON_REPO", model_store.apache_repo_url)
    return str(model_store._url_format.format(repo_url=f"{repository.rstrip('/')}/", file_name=stem))


def _download_problem(error: Exception) -> str:
    """Why a download failed; what came may be a page of a proxy or a login."""
    if isinstance(error, zipfile.BadZipFile) or "different hash" in str(error):
        return "something else came in place of the file, such as the page of a proxy or a login"
    return reason(error)


def _model_store(row: ModelRow) -> tuple[str, Any, str]:
    """The zoo with a row's pretrained weights: its title, the module that downloads them, and the network's name there."""
    name = row.cells["mxnet"].path
    if not row.cells["mxnet"].package:
        return "Gluon", model_store, name
    zoo = gluoncv()
    # the store's names of pruned networks differ: 2.6x for 0.89
    store_names = dict(zip(zoo.pretrained_model_list(), zoo.model_store._model_sha1, strict=True))
    return "GluonCV", zoo.model_store, store_names.get(name, name)


def _load_user_weights(network: Any, head: str, paths: tuple[str, ...]) -> str:
    """Load `[symbol.json, params]`, as in Monk, or a file of parameters alone; returns their source."""
    files = [Path(p) for p in paths if not p.endswith(".json")]
    if len(files) != 1:
        raise InvalidValue(
            f"the mxnet backend takes [symbol.json, params] or one file of parameters, not {list(paths)}"
        )
    return ", ".join([files[0].name, *weights.load_user_file(network, files[0], head)])


def parameter_layers(block: Any, path: str = "") -> list[tuple[str, Any]]:
    """The layers that have weights of their own, with their names, from input to output."""
    return list(_walk(block, path))


def _walk(block: Any, path: str) -> Iterator[tuple[str, Any]]:
    if block._reg_params:
        yield path, block
    for name, child in block._children.items():
        yield from _walk(child, f"{path}.{name}" if path else name)


def is_statistic(name: str) -> bool:
    """Whether a parameter is a batch statistic, not a weight."""
    return name.endswith(STATISTICS)


def trainable(block: Any) -> bool:
    """Whether a layer is trained, not frozen. Batch normalization may have no weight that training changes, by design."""
    weights = [p for n, p in block._reg_params.items() if not is_statistic(n) and p._differentiable]
    if not weights and isinstance(block, gluon.nn.BatchNorm):
        return not block._kwargs["use_global_stats"]
    return any(p.grad_req != "null" for p in weights)


def head_names(network: Any, row: ModelRow) -> tuple[str, ...]:
    """Dotted names of the classifiers; where the row does not know them, that of the last layer with weights."""
    return row.heads["mxnet"] or (parameter_layers(network)[-1][0],)


def _freeze(network: Any, heads: tuple[str, ...], spec: Resolved) -> None:
    """Freeze layers; frozen batch normalization keeps its statistics and uses them in training too."""
    for layer in layers_to_freeze(spec.model, parameter_layers(network), heads):
        for parameter in layer._reg_params.values():
            parameter.grad_req = "null"
        if isinstance(layer, gluon.nn.BatchNorm):
            layer._kwargs["use_global_stats"] = True


class Waiting(NamedTuple):
    """The `parameters` that are trained, but not in the first `head_epochs`, and their layers of batch normalization, `norms`."""

    parameters: list[Any]
    norms: list[Any]

    @classmethod
    def of(cls, network: Any, spec: Resolved, heads: tuple[str, ...]) -> Waiting:
        layers = layers_that_wait(spec, parameter_layers(network), heads)
        norms = [n for n in layers if isinstance(n, gluon.nn.BatchNorm) and not n._kwargs["use_global_stats"]]
        return cls([p for layer in layers for p in layer._reg_params.values() if p.grad_req != "null"], norms)

    @property
    def are_trained(self) -> bool:
        return any(parameter.grad_req != "null" for parameter in self.parameters)

    def set_trained(self, trained: bool) -> None:
        """Train them from now on, or freeze them; a hybridized network must be hybridized again."""
        for parameter in self.parameters:
            parameter.grad_req = "write" if trained else "null"
        for norm in self.norms:
            norm._kwargs["use_global_stats"] = not trained
