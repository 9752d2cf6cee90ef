"""Descriptions of the backends, available without importing a framework.

Each backend describes itself in a `DESCRIPTION` in its own folder, which is loaded by dotted path. Another package adds a
backend (a plugin) with an entry point of the group `monklite.backends`, whose name is the backend's and whose object is a
`Description`; no file of monklite names it.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ..errors import MissingPackage, UnknownName, find

BUILT_IN = {"pytorch": "monklite.backends.pytorch.DESCRIPTION", "mxnet": "monklite.backends.mxnet.DESCRIPTION"}
ENTRY_POINT_GROUP = "monklite.backends"
# matches the epoch's number alone
EPOCH_NUMBER = r"\d+"


@dataclass(frozen=True)
class Cell:
    """One backend's implementation of a row.

    `path`: dotted path of the class, or for a model the builder's name in the backend's zoo. `keywords`: parameter name -> the
    keyword of the class, None if it does not have that parameter; only where this row differs from the parameter's own
    keywords. `fixed`: keywords that are always passed. `package`: the optional package that provides it, `""`: none.
    """

    path: str
    keywords: Mapping[str, str | None] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    package: str = ""


@dataclass(frozen=True)
class Description:
    """A backend's description of itself.

    `title`: its name in messages. `packages`: modules that must be installed. `install`: how to install them.
    `backend`: dotted path of its `backends.base.Backend`, imported on first use. `precisions`: those it supports.
    `compiles`: whether it can compile a network on request. `fine_tunes`: whether it trains groups of layers at rates of their
    own, and the head alone at first. `distributes`: whether several processes can train one network.
    `numbered_endings`: regular expression for what follows the prefix in the names of an epoch's weight files.
    `unusable`: returns why it cannot work here although its packages are installed, `""`: it can. Plugins, which have no
    column in monklite's tables, also give `cells`: table -> row -> implementation; and `models`: dotted path of a sequence of
    `ModelRow`, their own networks. `collections`: package -> dotted path of the function that gives the `ModelRow` of one of its
    networks, which are too many for a table; users write `package/name`.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    install: str
    backend: str
    precisions: tuple[str, ...] = ("auto", "float32")
    numbered_endings: str = EPOCH_NUMBER
    compiles: bool = False
    fine_tunes: bool = False
    distributes: bool = False
    unusable: Callable[[], str] = lambda: ""
    cells: Mapping[str, Mapping[str, Cell | str]] = field(default_factory=dict)
    models: str = ""
    collections: Mapping[str, str] = field(default_factory=dict)


def load(path: str) -> Any:
    """Import the object at a dotted path such as `"torch.optim.SGD"`."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def names() -> tuple[str, ...]:
    """The names of all backends, whether or not their frameworks are installed; monklite's own first."""
    return (*BUILT_IN, *_entry_points())


def describe(name: str) -> Description:
    """The description of a backend.

    Raises:
        UnknownName: there is no such backend; the message suggests a similar name.
        MissingPackage: it is of another package, which cannot be imported.
    """
    if isinstance(name, str) and name in BUILT_IN:
        return load(BUILT_IN[name])
    find("backend", name, dict.fromkeys(names()))
    return plugins().get(name) or _load_plugin(_entry_points()[name])


def numbered_endings(name: str) -> str:
    """See `Description`; the plain number for a backend that is not installed here."""
    try:
        return describe(name).numbered_endings
    except (UnknownName, MissingPackage):
        return EPOCH_NUMBER


@functools.cache
def plugins() -> dict[str, Description]:
    """The backends of other packages by name; those that cannot be loaded are left out, with a warning."""
    descriptions = {}
    for name, entry in _entry_points().items():
        try:
            descriptions[name] = _load_plugin(entry)
        except MissingPackage as error:
            logging.getLogger("monklite").warning("%s", error)
    return descriptions


def _load_plugin(entry: EntryPoint) -> Description:
    try:
        description = entry.load()
    # a package of others may fail in any way
    except Exception as error:
        raise MissingPackage(f"backend {entry.name!r} cannot be loaded from {entry.value} ({error})") from error
    if not isinstance(description, Description) or description.name != entry.name:
        raise MissingPackage(f"backend {entry.name!r} cannot be used: {entry.value} is not a Description of that name")
    return description


def plugin_cells(backend: str, table: str) -> Mapping[str, Cell | str]:
    """A plugin's implementations of the rows of a table, by row name; empty for monklite's own backends."""
    return plugins()[backend].cells.get(table, {}) if backend in plugins() else {}


@functools.cache
def _entry_points() -> dict[str, EntryPoint]:
    """The entry points of other packages, by name."""
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP) if entry.name not in BUILT_IN}
