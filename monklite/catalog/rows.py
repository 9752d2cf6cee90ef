"""Rows of the catalog: a name, parameters with defaults and rules, and each backend's implementation."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from ..errors import InvalidValue, MissingPackage, UnknownArgument, shown, suggestion
from ..rules import Rule
from ..spec import Choice
from .backends import Cell, names, plugin_cells

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "<required>"})()
INSTALL_COMMANDS = {
    "gluoncv": 'pip install "monklite[gluoncv]"',
    "timm": 'pip install "monklite[timm]"',
    "pillow_heif": 'pip install "monklite[heif]"',
    "onnx": 'pip install "monklite[export]"',
    "onnxscript": 'pip install "monklite[export]"',
    "onnxruntime": 'pip install "monklite[export]"',
    "openvino": 'pip install "monklite[openvino]"',
    "optuna": 'pip install "monklite[tune]"',
    **{name: f'pip install "monklite[{name}]"' for name in ("mlflow", "tensorboard", "wandb", "dvclive", "ray")},
    "netron": 'pip install "monklite[netron]"',
    **dict.fromkeys(("fastapi", "uvicorn", "python_multipart"), 'pip install "monklite[serve]"'),
}  # optional package -> how to install it


@dataclass(frozen=True)
class Parameter:
    """One parameter of a row.

    `keywords`: backend -> its keyword, None if the backend does not have the parameter; backends that are not listed use
    `name`. `own`: monklite applies it itself on every backend, so no keyword is passed on.
    """

    name: str
    default: Any
    rule: Rule
    doc: str
    keywords: Mapping[str, str | None] = field(default_factory=dict)
    own: bool = False


@dataclass(frozen=True)
class Row:
    """One entry of a table."""

    name: str
    doc: str
    parameters: tuple[Parameter, ...] = ()

    def backends(self) -> list[str]:
        """The backends that support this row."""
        return list(names())

    def supports(self, backend: str, parameter: Parameter) -> bool:
        """Whether a backend supports a parameter of this row."""
        return True

    def choose(self, backend: str, values: Mapping[str, Any]) -> Choice:
        """Check `values` against the rules and fill in the defaults.

        Raises:
            UnknownArgument: a parameter that the row does not have, or a required one is missing.
            InvalidType, InvalidValue: a value that breaks its rule.
            InvalidValue: the backend does not support the row or the parameter.
            MissingPackage: it is in an optional package that is not installed.
        """
        self.check_backend(backend)
        self._check_names(values)
        return Choice(name=self.name, params={p.name: self._value(p, backend, values) for p in self.parameters})

    def values(self, choice: Choice) -> dict[str, Any]:
        """The value of every parameter; a choice stored before a parameter was added has its default.

        Raises:
            UnknownArgument: a required one is missing.
        """
        for parameter in self.parameters:
            self._check_given(parameter, choice.params)
        return {p.name: choice.params.get(p.name, p.default) for p in self.parameters}

    def stored(self, choice: Choice) -> Choice:
        """A stored choice of this row with its values in their plain types, whatever backend it is for.

        What it lacks was added to the row later and has its default, so that it equals the same choice made today.

        Raises:
            UnknownArgument: a parameter that the row does not have. A required one that is missing is noticed by `values`.
            InvalidType, InvalidValue: a value that breaks its rule.
        """
        self._check_names(choice.params)
        params = {
            p.name: p.rule(f"{self.name}: {p.name}", choice.params[p.name]) if p.name in choice.params else p.default
            for p in self.parameters
            if p.name in choice.params or p.default is not REQUIRED
        }
        return Choice(name=self.name, params=params)

    def _check_names(self, values: Mapping[str, Any]) -> None:
        known = {p.name: p for p in self.parameters}
        for name in values:
            if name not in known:
                raise UnknownArgument(
                    f"{self.name} has no argument {shown(name)}.{suggestion(name, known)} Known: {', '.join(known) or '(none)'}"
                )

    def _check_given(self, parameter: Parameter, values: Mapping[str, Any]) -> None:
        if parameter.default is REQUIRED and parameter.name not in values:
            raise UnknownArgument(f"{self.name} needs {parameter.name} ({parameter.rule})")

    def check_backend(self, backend: str) -> None:
        """Raise an error if a backend does not support this row."""

    def is_available(self, backend: str) -> bool:
        """Whether a backend supports this row, and the package that it needs is installed."""
        try:
            self.check_backend(backend)
        except (InvalidValue, MissingPackage):
            return False
        return True

    def _value(self, parameter: Parameter, backend: str, values: Mapping[str, Any]) -> Any:
        self._check_given(parameter, values)
        if parameter.name not in values:
            return parameter.default
        value = parameter.rule(f"{self.name}: {parameter.name}", values[parameter.name])
        if value != parameter.default and not self.supports(backend, parameter):
            others = "".join(f", or use backend={b!r}" for b in self.backends() if self.supports(b, parameter))
            raise InvalidValue(
                f"{self.name}: the {backend} backend has no {parameter.name}; leave it at {parameter.default!r}{others}"
            )
        return value


@dataclass(frozen=True)
class BuiltRow(Row):
    """A row with one implementation per backend.

    `cells`: backend -> its implementation. `table`: the name of the table in `Description.cells`.
    """

    cells: Mapping[str, Cell | str] = field(default_factory=dict)

    table: ClassVar[str]

    def cell(self, backend: str) -> Cell | None:
        """A backend's implementation, None if it has none."""
        cell = self.cells.get(backend) or plugin_cells(backend, self.table).get(self.name)
        return Cell(cell) if isinstance(cell, str) else cell

    def backends(self) -> list[str]:
        return [name for name in names() if self.cell(name)]

    def path(self, backend: str) -> str:
        """The dotted path of a backend's class; `choose` has checked that there is one."""
        return self._cell(backend).path

    def keyword(self, backend: str, parameter: Parameter) -> str | None:
        """A backend's keyword for a parameter, None if it does not support the parameter."""
        overrides = self._cell(backend).keywords
        return overrides.get(parameter.name, parameter.keywords.get(backend, parameter.name))

    def supports(self, backend: str, parameter: Parameter) -> bool:
        return parameter.own or self.keyword(backend, parameter) is not None

    def keywords(self, backend: str, choice: Choice) -> dict[str, Any]:
        """The keyword arguments of a backend's class for a choice."""
        values = self.values(choice)
        passed = {self.keyword(backend, p): values[p.name] for p in self.parameters if not p.own}
        return {**{k: v for k, v in passed.items() if k is not None}, **self._cell(backend).fixed}

    def check_backend(self, backend: str) -> None:
        check_cell(self, backend)

    def _cell(self, backend: str) -> Cell:
        cell = self.cell(backend)
        if cell is None:
            raise not_supported(self, backend)
        return cell


class HasCells(Protocol):
    """A row of any table that has one implementation per backend."""

    @property
    def name(self) -> str: ...

    def cell(self, backend: str) -> Cell | None: ...

    def backends(self) -> list[str]: ...


def check_cell(row: HasCells, backend: str) -> None:
    """Refuse a row that a backend does not support, or whose package is not installed."""
    cell = row.cell(backend)
    if cell is None:
        raise not_supported(row, backend)
    if cell.package and not is_installed(cell.package):
        others = "".join(f", or use backend={b!r}" for b in row.backends() if b != backend)
        raise MissingPackage(
            f"{row.name} of the {backend} backend needs {cell.package}: {install_command(cell.package)}{others}"
        )


def not_supported(row: HasCells, backend: str) -> InvalidValue:
    """The error for a row that a backend does not support."""
    others = " or ".join(f"backend={b!r}" for b in row.backends())
    return InvalidValue(f"the {backend} backend has no {row.name!r}; use {others}")


def install_command(package: str) -> str:
    """The command that installs an optional package."""
    return INSTALL_COMMANDS.get(package, f"pip install {package}")


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def check_installed(package: str, purpose: str) -> None:
    """Refuse what an optional package is needed for. `purpose`: a sentence, for the message.

    Raises:
        MissingPackage: it is not installed.
    """
    if not is_installed(package):
        raise MissingPackage(f"{purpose}, which needs {package}: {install_command(package)}")


class Named(Protocol):
    @property
    def name(self) -> str: ...


R = TypeVar("R", bound=Named)


def table(rows: Iterable[R]) -> dict[str, R]:
    """Index rows by name; a duplicate name is a mistake in the table."""
    by_name: dict[str, R] = {}
    for row in rows:
        if row.name in by_name:
            raise ValueError(f"two rows are called {row.name!r}")
        by_name[row.name] = row
    return by_name
