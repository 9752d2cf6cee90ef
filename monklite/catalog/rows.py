"""What a row is: a name, parameters with default and rule, and what each backend builds for it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from ..errors import InvalidValue, MissingPackage, UnknownArgument, suggestion
from ..rules import Rule
from ..spec import Choice
from .backends import Cell, announced_cells, names

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "<required>"})()
INSTALL = {"gluoncv": 'pip install "monklite[gluoncv]"'}  # optional packages -> what brings them


@dataclass(frozen=True)
class Parameter:
    """One parameter of a row.

    `keywords`: a backend's keyword for it, None where that backend has no such thing; a backend that is not named calls it as
    it is called here. `own`: monklite applies it itself, on every backend, so no keyword is passed on.
    """

    name: str
    default: Any
    rule: Rule
    doc: str
    keywords: Mapping[str, str | None] = field(default_factory=dict)
    own: bool = False


@dataclass(frozen=True)
class Row:
    """One word of the vocabulary."""

    name: str
    doc: str
    parameters: tuple[Parameter, ...] = ()

    def backends(self) -> list[str]:
        """The backends that have this word."""
        return list(names())

    def has(self, backend: str, parameter: Parameter) -> bool:
        """Whether a backend has a parameter of this row."""
        return True

    def choose(self, backend: str, values: Mapping[str, Any]) -> Choice:
        """Check `values` against the rules and fill in the defaults.

        Raises:
            UnknownArgument: a parameter that the row does not have, or a required one missing.
            InvalidType, InvalidValue: a value that breaks its rule.
            InvalidValue: this backend has no such word, or no such parameter.
            MissingPackage: it comes from an optional package, which is not installed.
        """
        self.check_backend(backend)
        known = {p.name: p for p in self.parameters}
        for name in values:
            if name not in known:
                raise UnknownArgument(
                    f"{self.name} has no argument {name!r}.{suggestion(name, known)} Known: {', '.join(known) or '(none)'}"
                )
        return Choice(name=self.name, params={p.name: self._value(p, backend, values) for p in self.parameters})

    def check_backend(self, backend: str) -> None:
        """Refuse a word that a backend does not have."""

    def _value(self, parameter: Parameter, backend: str, values: Mapping[str, Any]) -> Any:
        if parameter.name not in values:
            if parameter.default is REQUIRED:
                raise UnknownArgument(f"{self.name} needs {parameter.name} ({parameter.rule})")
            return parameter.default
        value = parameter.rule(f"{self.name}: {parameter.name}", values[parameter.name])
        if value != parameter.default and not self.has(backend, parameter):
            elsewhere = "".join(f", or use backend={b!r}" for b in self.backends() if self.has(b, parameter))
            raise InvalidValue(
                f"{self.name}: the {backend} backend has no {parameter.name}; leave it at {parameter.default!r}{elsewhere}"
            )
        return value


@dataclass(frozen=True)
class BuiltRow(Row):
    """A word for which each backend builds something of its own. `cells`: backend -> what that is."""

    cells: Mapping[str, Cell | str] = field(default_factory=dict)

    table: ClassVar[str]  # the name that a backend's description has for the table of such rows

    def cell(self, backend: str) -> Cell | None:
        """What a backend builds, None where it has no such word."""
        found = self.cells.get(backend) or announced_cells(backend, self.table).get(self.name)
        return Cell(found) if isinstance(found, str) else found

    def backends(self) -> list[str]:
        return [name for name in names() if self.cell(name)]

    def path(self, backend: str) -> str:
        """The dotted path of what a backend builds, which `choose` has seen to be there."""
        return self._cell(backend).path

    def keyword(self, backend: str, parameter: Parameter) -> str | None:
        """What a backend calls a parameter, None where it has no such thing."""
        own = self._cell(backend).keywords
        return own.get(parameter.name, parameter.keywords.get(backend, parameter.name))

    def has(self, backend: str, parameter: Parameter) -> bool:
        return parameter.own or self.keyword(backend, parameter) is not None

    def keywords(self, backend: str, choice: Choice) -> dict[str, Any]:
        """The keyword arguments that a backend wants for a choice."""
        passed = {self.keyword(backend, p): choice.params[p.name] for p in self.parameters if not p.own}
        return {**{k: v for k, v in passed.items() if k is not None}, **self._cell(backend).fixed}

    def check_backend(self, backend: str) -> None:
        check_cell(self, backend)

    def _cell(self, backend: str) -> Cell:
        cell = self.cell(backend)
        if cell is None:
            raise missing_word(self, backend)
        return cell


class HasCells(Protocol):
    """A row, of whichever table, for which each backend builds something of its own."""

    @property
    def name(self) -> str: ...

    def cell(self, backend: str) -> Cell | None: ...

    def backends(self) -> list[str]: ...


def check_cell(row: HasCells, backend: str) -> None:
    """Refuse a row that a backend does not have, or whose package is not installed."""
    cell = row.cell(backend)
    if cell is None:
        raise missing_word(row, backend)
    if cell.package and not is_installed(cell.package):
        elsewhere = "".join(f", or use backend={b!r}" for b in row.backends() if b != backend)
        raise MissingPackage(
            f"{row.name} of the {backend} backend needs {cell.package}: {INSTALL[cell.package]}{elsewhere}"
        )


def missing_word(row: HasCells, backend: str) -> InvalidValue:
    """The error for a word that a backend does not have."""
    elsewhere = " or ".join(f"backend={b!r}" for b in row.backends())
    return InvalidValue(f"the {backend} backend has no {row.name!r}; use {elsewhere}")


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


class Named(Protocol):
    @property
    def name(self) -> str: ...


R = TypeVar("R", bound=Named)


def table(rows: Iterable[R]) -> dict[str, R]:
    """Rows by name; a name given twice is a mistake in the table."""
    by_name: dict[str, R] = {}
    for row in rows:
        if row.name in by_name:
            raise ValueError(f"two rows are called {row.name!r}")
        by_name[row.name] = row
    return by_name
