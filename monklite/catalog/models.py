"""Find the row of a network: of the table, of another package, of a plugin, or of the user."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..errors import InvalidValue, MissingPackage, find, nearest, shown, unknown
from ..settings_tree import build
from ..spec import ModelSpec, OwnNetwork
from . import custom_networks
from .backends import BUILT_IN, Cell, Description, describe, load, plugins
from .initialisers import DEFAULT as DEFAULT_INITIALISER
from .initialisers import INITIALISERS
from .model_table import MODELS, ModelRow
from .rows import check_cell, install_command, is_installed


@functools.cache
def _rows_by_name() -> dict[str, ModelRow]:
    """All networks, those of plugins included, by name and alias."""
    rows = dict(MODELS)
    for plugin in plugins().values():
        for row in _networks_of(plugin):
            # a network of the same name is the same network, with one more backend
            known = rows.get(row.name, row)
            rows[row.name] = replace(known, cells={**row.cells, **known.cells}, heads={**row.heads, **known.heads})
    return {alias: row for row in reversed(rows.values()) for alias in row.aliases} | rows


def _networks_of(plugin: Description) -> Iterable[ModelRow]:
    """The networks of a backend of another package; none if they cannot be loaded."""
    if not plugin.models:
        return ()
    try:
        return tuple(load(plugin.models))
    # a package of others may fail in any way
    except Exception as error:
        logging.getLogger("monklite").warning(
            "the networks of backend %r cannot be loaded from %s (%s)", plugin.name, plugin.models, error
        )
        return ()


def find_model(name: str, backend: str) -> ModelRow:
    """Find the row of a model by its name or an alias.

    Raises:
        UnknownName: no model has that name; the message suggests similar ones.
        InvalidValue: only another backend has it.
        MissingPackage: it is in an optional package that is not installed.
    """
    row = _rows_by_name().get(name) if isinstance(name, str) else None
    if row is None:
        raise unknown(f"{backend} model", name, names(backend))
    if row.cell(backend) is None:
        others = " or ".join(f"backend={b!r}" for b in row.backends())
        raise InvalidValue(
            f"the {backend} backend has no model {shown(name)}; use {others}, or a similar model: "
            f"{', '.join(nearest(name, names(backend)))} (all: List_Models())"
        )
    check_cell(row, backend)
    return row


def network_row(model: ModelSpec, backend: str) -> ModelRow:
    """The row of the network that a spec asks for.

    Raises:
        UnknownName, InvalidValue, MissingPackage: as `find_model`.
    """
    if model.layers or model.is_own:
        _check_own(model)
    if model.layers:
        return _custom_row(model, backend)
    if model.is_own:
        # the rest is known only once it is built
        return ModelRow(model.name, "own", {backend: Cell("")}, {backend: ()}, min_size=1)
    package, _, name = model.name.partition("/")
    return _of_collection(package, name, backend) if name else find_model(model.name, backend)


def network_named(name: str, backend: str) -> ModelRow:
    """The row of a network by its name: of the table, or of a package such as timm. Raises as `network_row`."""
    if isinstance(name, str) and "/" in name:
        return network_row(build(ModelSpec, {"name": name}), backend)
    return find_model(name, backend)


def in_the_table(name: str) -> dict[str, Any]:
    """The settings for a network by its name, in place of the user's own if there was one, by dotted path."""
    return {"model.name": name, "model.source": OwnNetwork(), "model.layers": (), "model.initializer": ""}


def _of_collection(package: str, name: str, backend: str) -> ModelRow:
    """The row of a network of a large package such as timm, which describes its own networks."""
    path = describe(backend).collections.get(package)
    if path is None:
        having = [other for other in BUILT_IN if package in describe(other).collections]
        if not having:
            raise unknown(f"{backend} model", f"{package}/{name}", names(backend))
        raise InvalidValue(
            f"the {backend} backend has no networks of {package}; use {' or '.join(f'backend={other!r}' for other in having)}"
        )
    if not is_installed(package):
        raise MissingPackage(f"{package}/{name} needs {package}: {install_command(package)}")
    return load(path)(name)


def _check_own(model: ModelSpec) -> None:
    """Refuse what a network of the user cannot have.

    Raises:
        InvalidValue: appended layers.
    """
    if model.appended:
        raise InvalidValue(
            "append_* puts layers in place of the head of a network of the table: put them into your own network, and call "
            "reset_model()"
        )


def _custom_row(model: ModelSpec, backend: str) -> ModelRow:
    """The row of a network that the user put together from layers.

    Raises:
        InvalidValue: it has nothing to train, or is to begin with pretrained weights. UnknownName: no such initialiser.
    """
    if model.pretrained:
        raise InvalidValue(
            "a network of your own has no pretrained weights: use_pretrained=False, or model_path= a file with its weights"
        )
    find("initializer", model.initializer or DEFAULT_INITIALISER, INITIALISERS)
    head = custom_networks.head(model.layers)
    row = ModelRow(
        custom_networks.CUSTOM,
        custom_networks.CUSTOM,
        {name: Cell(custom_networks.CUSTOM) for name in BUILT_IN},
        dict.fromkeys(BUILT_IN, (head,)),
        min_size=1,
        fixed_size=tuple(BUILT_IN) if custom_networks.is_of_one_size(model.layers) else (),
    )
    check_cell(row, backend)
    return row


def names(backend: str) -> list[str]:
    """Sorted names of the models of a backend, without those of optional packages that are not installed."""
    cells = {row.name: row.cell(backend) for row in _rows_by_name().values()}
    return sorted(n for n, cell in cells.items() if cell and not (cell.package and not is_installed(cell.package)))
