"""Choices of rows of the catalog's tables, with the values of their parameters."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from .errors import InvalidValue
from .setting_ranges import MAX_LAYERS, MAX_NESTED_LAYERS
from .settings_tree import Frozen, build


class Choice(Frozen):
    """One row of a catalog table with its parameters filled in, such as `sgd(learning_rate=0.01, ...)`."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)

    @field_validator("params")
    @classmethod
    def _lists_become_tuples(cls, params: dict[str, Any]) -> dict[str, Any]:
        # so that a value read back from JSON is equal
        return {key: _tuples(value) for key, value in params.items()}

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.params.items())})"


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value


class Transforms(Frozen):
    """The transforms of each subset, in the order of application."""

    train: tuple[Choice, ...] = ()
    val: tuple[Choice, ...] = ()
    test: tuple[Choice, ...] = ()


def nested(layers: list[Any] | tuple[Any, ...], count: list[int], depth: int) -> tuple[Any, ...]:
    """Nested lists of layers as nested tuples of choices. `count`: of layers so far."""
    count[0] += len(layers)
    if depth > MAX_NESTED_LAYERS or count[0] > MAX_LAYERS or (depth and not layers):
        raise InvalidValue(
            f"layers must be lists that are not empty, at most {MAX_NESTED_LAYERS} deep, of at most {MAX_LAYERS} layers"
        )
    return tuple(
        nested(layer, count, depth + 1) if isinstance(layer, (list, tuple)) else build(Choice, layer)
        for layer in layers
    )
