"""Rules for several values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import shown
from .numbers import Number
from .rule import Rule


@dataclass(frozen=True)
class ListOf(Rule):
    """A list or tuple whose items follow one rule; kept as a tuple."""

    item: Rule
    length: int | None = None
    increasing: bool = False
    ordered: bool = False

    @property
    def annotation(self) -> str:
        return f"Sequence[{self.item.annotation}]"

    def check(self, value: Any) -> tuple[Any, ...]:
        # a set has no order
        if isinstance(value, (str, bytes, Mapping, set, frozenset)) or not isinstance(value, Iterable):
            raise TypeError
        items = tuple(self.item.check(v) for v in value)
        if self.length is not None and len(items) != self.length:
            raise ValueError
        if self.increasing and any(b <= a for a, b in zip(items, items[1:], strict=False)):
            raise ValueError
        if self.ordered and list(items) != sorted(items):
            raise ValueError
        return items

    def __str__(self) -> str:
        count = f"{self.length} values" if self.length else "values"
        order = (
            ", each larger than the one before" if self.increasing else ", the smallest first" if self.ordered else ""
        )
        return f"a list of {count}, each {self.item}{order}"


@dataclass(frozen=True)
class NumberOrList(Rule):
    """A number, or a list of numbers such as both ends of a range."""

    number: Number
    items: ListOf

    @property
    def annotation(self) -> str:
        return f"{self.number.annotation} | {self.items.annotation}"

    def check(self, value: Any) -> float | tuple[Any, ...]:
        is_list = isinstance(value, Iterable) and not isinstance(value, (str, bytes))
        return self.items.check(value) if is_list else self.number.check(value)

    def __str__(self) -> str:
        return f"{self.number}, or {self.items}"


@dataclass(frozen=True)
class PerClass(Rule):
    """One value per class: a dictionary from class name to value, or the values in the order of the classes, as a tuple.

    `positive`: at least one of them is more than 0.
    """

    item: Rule
    positive: bool = False

    @property
    def annotation(self) -> str:
        return f"Mapping[str, {self.item.annotation}] | Sequence[{self.item.annotation}]"

    def check(self, value: Any) -> dict[str, Any] | tuple[Any, ...]:
        checked = self._checked(_by_name(value))
        values = checked.values() if isinstance(checked, dict) else checked
        if self.positive and values and not any(v > 0 for v in values):
            raise ValueError("at least one must be more than 0")
        return checked

    def _checked(self, value: Any) -> dict[str, Any] | tuple[Any, ...]:
        if not isinstance(value, Mapping):
            return ListOf(self.item).check(value)
        for name in value:
            if not isinstance(name, str):
                raise ValueError(f"class names are text, such as {shown(shown(name))}")
        return {name: self.item.check(v) for name, v in value.items()}

    def __str__(self) -> str:
        return f"a dictionary from each class name to its value, or a list of values, each {self.item}"


def _by_name(value: Any) -> Any:
    """A pandas Series as a dictionary, since its index names the classes; its values where the index only counts them."""
    if isinstance(value, Mapping) or not (hasattr(value, "index") and hasattr(value, "items")):
        return value
    names = list(value.index)
    if names == list(range(len(names))):
        return list(value)
    if len({str(name) for name in names}) < len(names):
        raise ValueError("a class occurs more than once in the index")
    return {str(name): weight for name, weight in zip(names, value, strict=True)}
