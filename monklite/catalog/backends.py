"""The backends as rows: what is known of each without importing its framework.

Each backend says it itself, in a `DESCRIPTION` that stands in its own folder and is found by dotted path. A package that brings
another backend announces it with an entry point of the group `monklite.backends`, whose name is the backend's and whose
object is a `Description`; no file of monklite names it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from ..errors import find

if TYPE_CHECKING:
    from .models import ModelRow

BUILT_IN = {"pytorch": "monklite.backends.pytorch.DESCRIPTION", "mxnet": "monklite.backends.mxnet.DESCRIPTION"}
GROUP = "monklite.backends"
NUMBER = r"\d+"  # of the epoch, and nothing else


@dataclass(frozen=True)
class Cell:
    """What one backend builds for a row.

    `path`: dotted path of the class, or, of a model, the builder's name in the backend's zoo. `keywords`: a parameter's name
    -> the keyword that the class wants, None where it has no such thing; only where this row differs from the parameter's own
    keywords. `fixed`: keywords that are always passed. `package`: an optional package that it comes from, `""`: none.
    """

    path: str
    keywords: Mapping[str, str | None] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    package: str = ""


@dataclass(frozen=True)
class Description:
    """A backend, as it describes itself.

    `title`: what people call it. `packages`: modules that must be installed. `install`: what to do where they are not.
    `backend`: dotted path of its `backends.base.Backend`, imported when it is used. `precisions`: what it can compute in.
    `compiles`: whether it can compile a network on demand. `distributes`: whether several processes can train one network.
    `numbered_endings`: what follows the prefix in the names of an epoch's weight files, as a regular expression.
    `unusable`: why it cannot work here although its packages are installed, `""`: it can. `cells`: table -> row -> what it
    builds, and `models`: networks of its own, for a backend that has no column in monklite's tables.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    install: str
    backend: str
    precisions: tuple[str, ...] = ("auto", "float32")
    numbered_endings: str = NUMBER
    compiles: bool = False
    distributes: bool = False
    unusable: Callable[[], str] = lambda: ""
    cells: Mapping[str, Mapping[str, Cell | str]] = field(default_factory=dict)
    models: tuple[ModelRow, ...] = ()


def load(path: str) -> Any:
    """The object at a dotted path such as `"torch.optim.SGD"`, imported now."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def names() -> tuple[str, ...]:
    """Every backend that is known here, whether or not its framework is installed; monklite's own first."""
    return (*BUILT_IN, *_announced())


@functools.cache
def describe(name: str) -> Description:
    """The description of a backend.

    Raises:
        UnknownName: there is no such backend; says which was probably meant.
    """
    if name in BUILT_IN:
        return load(BUILT_IN[name])
    find("backend", name, dict.fromkeys(names(), name))
    return _announced()[name].load()


def numbered_endings(name: str) -> str:
    """See `Description`; of a backend that is not known here, the plain number."""
    return describe(name).numbered_endings if name in names() else NUMBER


def announced() -> list[Description]:
    """The backends of other packages, which have no column in monklite's tables."""
    return [describe(name) for name in _announced()]


def announced_cells(backend: str, table: str) -> Mapping[str, Cell | str]:
    """Row -> what a backend of another package builds for it; nothing for monklite's own."""
    return describe(backend).cells.get(table, {}) if backend in _announced() else {}


@functools.cache
def _announced() -> dict[str, Any]:
    """The entry points of other packages, by name."""
    return {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in BUILT_IN}
