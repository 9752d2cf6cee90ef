"""Build a network of Gluon's zoo or of GluonCV with a new head, its first weights, and what of it is frozen."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...catalog.models import ModelRow, find_model
from ...errors import InvalidValue, MonkliteError, PretrainedUnavailable, WeightsMismatch
from ...spec import Resolved
from ..freezing import frozen
from . import weights
from .framework import autograd, gluon, gluoncv, model_store, mx, nd, reason, vision

BACKEND = "mxnet"
RANDOM = "random"
PREFIX = "net_"  # the same in every process, so that saved parameters fit a network built again
STATISTICS = ("running_mean", "running_var")
LARGE_WINDOW = 7  # px of the smallest window with which a network of the zoo ends: 7, 8, 13


def build(spec: Resolved, n_classes: int, context: Any, pretrained: bool) -> tuple[Any, str]:
    """The network of a resolved spec on its device, and a word on where its weights came from."""
    row = find_model(spec.model.name, BACKEND)
    size = spec.data.input_size
    if size < row.least_size:
        raise InvalidValue(f"{row.name} needs images of at least {row.least_size} px, not input_size={size}")
    network = _of_gluoncv(row, n_classes) if row.cells[BACKEND].package else _of_the_zoo(row, n_classes)
    _average_everything(network)
    he = mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2)  # He et al. 2015
    network.initialize(he, ctx=context)
    _settle_shapes(network, row, size, context)
    source = RANDOM
    if pretrained and spec.model.weights_path:
        source = _own_weights(network, row, spec.model.weights_path)
    elif pretrained and spec.model.pretrained:
        source = _pretrained(network, row, size)
    _freeze(network, row, spec)
    network.hybridize(static_alloc=True, static_shape=True)
    return network, source


def _head(row: ModelRow) -> str:
    """The place of the classifier."""
    return row.heads[BACKEND][0]


def _of_the_zoo(row: ModelRow, n_classes: int) -> Any:
    return vision.get_model(row.cells[BACKEND].path, classes=n_classes, prefix=PREFIX)


def _of_gluoncv(row: ModelRow, n_classes: int) -> Any:
    """Some of GluonCV's networks take no prefix, others none that has an effect: they get it from the scope of names. Its
    pruned ones have 1000 classes whatever they are asked for."""
    # Residual branches begin at 0 (Goyal et al. 2017): the scores of 50 random ones overflow until statistics have settled
    options = {"last_gamma": True} if (row.family, _head(row)) == ("resnet", "fc") else {}
    with mx.name.Prefix(PREFIX):
        network = gluoncv().get_model(row.cells[BACKEND].path, classes=n_classes, **options)
    head = getattr(network, _head(row))
    if isinstance(head, gluon.nn.Dense) and head.weight.shape[0] != n_classes:
        setattr(network, _head(row), gluon.nn.Dense(n_classes, in_units=head._in_units, prefix=head.prefix))
    network.apply(_mend_group_norm)
    return network


def _mend_group_norm(block: Any) -> None:
    """GluonCV's group normalisation asks for the size of the batch, so it could be neither hybridised nor exported."""
    if type(block).__name__ == "GroupNorm":
        block.hybrid_forward = functools.partial(_group_norm, block)


def _group_norm(block: Any, F: Any, x: Any, gamma: Any, beta: Any) -> Any:  # noqa: N803 (Gluon's own name)
    """MXNet's operator has one factor a group; GluonCV has one a channel, as in the paper (Wu and He 2018)."""
    ones = F.ones_like(F.slice_axis(gamma, axis=0, begin=0, end=block.ngroups))
    plain = F.GroupNorm(x, ones, F.zeros_like(ones), num_groups=block.ngroups, eps=block._kwargs["eps"])
    factor, offset = (p.reshape((1, -1, 1, 1)) for p in (gamma, beta))
    return F.broadcast_add(F.broadcast_mul(plain, factor), offset)


def _average_everything(block: Any) -> None:
    """Average over the whole picture before the head, as torchvision does. The fixed windows of some networks fit their
    own size only: smaller images leave nothing, larger ones several scores a class (SqueezeNet) or another head."""
    for name, child in block._children.items():
        if isinstance(child, gluon.nn.AvgPool2D) and child._kwargs["kernel"][0] >= LARGE_WINDOW:
            block._children[name] = gluon.nn.GlobalAvgPool2D(prefix=child.prefix)
        else:
            _average_everything(child)


def _settle_shapes(network: Any, row: ModelRow, size: int, context: Any) -> None:
    """Gluon learns the shapes of its weights from the first images."""
    try:
        with autograd.predict_mode():
            network(nd.zeros((1, 3, size, size), ctx=context)).wait_to_read()
    except (mx.MXNetError, ValueError) as error:
        raise InvalidValue(f"{row.name} cannot be built for input_size={size}: {reason(error)}") from None


def _pretrained(network: Any, row: ModelRow, size: int) -> str:
    """The zoo's weights, from its cache folder or the network, without the head."""
    folder = Path(mx.base.data_dir()) / "models"
    title, store, name = _store(row)
    try:
        file_name = f"{name}-{store.short_hash(name)}.params"
    except ValueError:
        raise PretrainedUnavailable(
            f"{title} has no pretrained weights of {row.name}; use use_pretrained=False"
        ) from None
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the downloader prints
            file = store.get_model_file(name, root=str(folder))
        given = weights.read(Path(file))
    except MonkliteError:
        raise
    except Exception as error:  # gluon raises whatever its downloader meets
        raise PretrainedUnavailable(
            f"the pretrained weights of {row.name} could not be downloaded ({reason(error)}). Go online once, or put "
            f"the file at {folder / file_name}, or start from random weights with use_pretrained=False"
        ) from None
    try:
        weights.load_into(network, given, Path(file), _head(row))
    except WeightsMismatch:
        if size == row.input_size:
            raise
        raise InvalidValue(
            f"the pretrained weights of {row.name} fit {row.input_size} px only, not input_size={size}; "
            f"use input_size={row.input_size} or use_pretrained=False"
        ) from None
    return f"ImageNet ({title})"


def _store(row: ModelRow) -> tuple[str, Any, str]:
    """Whose pretrained weights there are, the module that fetches them, and the network's name there."""
    name = row.cells[BACKEND].path
    if not row.cells[BACKEND].package:
        return "Gluon", model_store, name
    zoo = gluoncv()
    renamed = dict(zip(zoo.pretrained_model_list(), zoo.model_store._model_sha1, strict=True))  # 0.89 is 2.6x there
    return "GluonCV", zoo.model_store, renamed.get(name, name)


def _own_weights(network: Any, row: ModelRow, paths: tuple[str, ...]) -> str:
    """`[symbol.json, params]` as Monk wants it, or the file of parameters alone."""
    files = [Path(p) for p in paths if not p.endswith(".json")]
    if len(files) != 1:
        raise InvalidValue(
            f"the mxnet backend takes [symbol.json, params] or one file of parameters, not {list(paths)}"
        )
    new_head = weights.load_into(network, weights.read(files[0]), files[0], _head(row))
    return f"{files[0].name}{', new head' if new_head else ''}"


def parameter_layers(block: Any, path: str = "") -> list[tuple[str, Any]]:
    """The layers that have weights of their own, with their names, from the input on."""
    return list(_walk(block, path))


def _walk(block: Any, path: str) -> Iterator[tuple[str, Any]]:
    if block._reg_params:
        yield path, block
    for name, child in block._children.items():
        yield from _walk(child, f"{path}.{name}" if path else name)


def is_statistic(name: str) -> bool:
    """Whether a parameter is a batch statistic, which is no weight."""
    return name.endswith(STATISTICS)


def trainable(block: Any) -> bool:
    """Whether a layer has a weight that training changes."""
    return any(p.grad_req != "null" for n, p in block._reg_params.items() if not is_statistic(n))


def _freeze(network: Any, row: ModelRow, spec: Resolved) -> None:
    """Frozen batch normalisation uses the statistics that it has, so that they stay too."""
    for layer in frozen(spec.model, parameter_layers(network), row.heads[BACKEND]):
        for parameter in layer._reg_params.values():
            parameter.grad_req = "null"
        if isinstance(layer, gluon.nn.BatchNorm):
            layer._kwargs["use_global_stats"] = True
