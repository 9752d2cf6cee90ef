"""What a row is: a name, a dotted path per backend, and parameters with default, rule and each backend's keyword."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidValue, UnknownArgument, closest
from ..rules import Rule
from ..spec import Choice

BACKENDS = ("pytorch", "mxnet")
REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "<required>"})()
SAME = "="  # the backend's keyword is the parameter's own name


@dataclass(frozen=True)
class Parameter:
    """One parameter of a row. `pytorch`/`mxnet`: that backend's keyword, `SAME`, or None where it has no such thing."""

    name: str
    default: Any
    rule: Rule
    doc: str
    pytorch: str | None = SAME
    mxnet: str | None = SAME
    own: bool = False  # monklite applies it itself, on every backend, so no keyword is passed on

    def keyword(self, backend: str) -> str | None:
        cell = getattr(self, backend)
        return self.name if cell == SAME else cell


@dataclass(frozen=True)
class Row:
    """One word of the vocabulary. `pytorch`/`mxnet`: dotted path of what it builds, None where there is none."""

    name: str
    doc: str
    pytorch: str | None
    mxnet: str | None
    parameters: tuple[Parameter, ...] = ()
    fixed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # backend -> keywords that are always passed
    cells: Mapping[str, Any] = field(default_factory=dict)  # what only this kind of row has

    def backends(self) -> list[str]:
        return [b for b in BACKENDS if getattr(self, b)]

    def choose(self, backend: str, values: Mapping[str, Any]) -> Choice:
        """Check `values` against the rules and fill in the defaults.

        Raises:
            UnknownArgument: a parameter that the row does not have, or a required one missing.
            InvalidType, InvalidValue: a value that breaks its rule.
            InvalidValue: this backend has no such word, or no such parameter.
        """
        self._check_backend(backend)
        known = {p.name: p for p in self.parameters}
        for name in values:
            if name not in known:
                guess = closest(name, known)
                hint = f" Did you mean {guess!r}?" if guess else ""
                raise UnknownArgument(
                    f"{self.name} has no argument {name!r}.{hint} Known: {', '.join(known) or '(none)'}"
                )
        return Choice(name=self.name, params={p.name: self._value(p, backend, values) for p in self.parameters})

    def _check_backend(self, backend: str) -> None:
        if not getattr(self, backend):
            others = " or ".join(f"backend={b!r}" for b in self.backends())
            raise InvalidValue(f"the {backend} backend has no {self.name!r}; use {others}")

    def _value(self, parameter: Parameter, backend: str, values: Mapping[str, Any]) -> Any:
        if parameter.name not in values:
            if parameter.default is REQUIRED:
                raise UnknownArgument(f"{self.name} needs {parameter.name} ({parameter.rule})")
            return parameter.default
        value = parameter.rule(f"{self.name}: {parameter.name}", values[parameter.name])
        if not parameter.own and parameter.keyword(backend) is None and value != parameter.default:
            others = "".join(f", or use backend={b!r}" for b in self.backends() if parameter.keyword(b) is not None)
            raise InvalidValue(
                f"{self.name}: the {backend} backend has no {parameter.name}; leave it at {parameter.default!r}{others}"
            )
        return value

    def keywords(self, backend: str, choice: Choice) -> dict[str, Any]:
        """The keyword arguments that `backend` wants for `choice`."""
        passed = {
            p.keyword(backend): choice.params[p.name]
            for p in self.parameters
            if not p.own and p.keyword(backend) is not None
        }
        return {**{str(k): v for k, v in passed.items()}, **self.fixed.get(backend, {})}


def table(rows: Iterable[Row]) -> dict[str, Row]:
    """Rows by name; a name given twice is a mistake in the table."""
    by_name: dict[str, Row] = {}
    for row in rows:
        if row.name in by_name:
            raise ValueError(f"two rows are called {row.name!r}")
        by_name[row.name] = row
    return by_name


def load(path: str) -> Any:
    """The object at a dotted path such as `"torch.optim.SGD"`, imported now."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)
