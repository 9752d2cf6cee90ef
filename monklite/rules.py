"""Rules: objects that check one value and describe what they allow.

The same rule serves the spec's fields (pydantic), the parameters of catalog rows and the façade's arguments, so that a
value is refused with the same message everywhere. `rule(name, value)` returns the value in its plain Python type
(a NumPy integer becomes `int`, a `Path` becomes `str`) or raises `InvalidType` or `InvalidValue`.
"""

from __future__ import annotations

import math
import numbers
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from .errors import InvalidType, InvalidValue, shown, suggestion

AUTO: Final = "auto"
# what 64 bits hold: frameworks and tables hold no more
LARGEST = 2**63 - 1
# of a whole path with the zero that ends it, and of each of its parts, bytes, on common file systems
MAX_PATH_LENGTH, MAX_PART_BYTES = 4096, 255


class Rule:
    """One rule. Subclasses define `check` (return the plain value or raise), `__str__` (what is allowed) and `annotation`.

    `annotation`: the Python type of the values that it accepts, as source text.
    """

    @property
    def annotation(self) -> str:
        raise TypeError(f"{type(self).__name__} must define annotation")

    def check(self, value: Any) -> Any:
        # not a pass: a subclass without `check` would accept everything
        raise TypeError(f"{type(self).__name__} must define check")

    def __call__(self, name: str, value: Any) -> Any:
        try:
            return self.check(value)
        except TypeError:
            raise InvalidType(f"{name} must be {self}, not {shown(value)} ({type(value).__name__})") from None
        except (ValueError, OverflowError) as error:
            raise InvalidValue(f"{name} must be {self}, not {shown(value)}{_reason(error)}") from None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let a rule be used in `Annotated[int, rule]` on a pydantic field."""

        def validate(value: Any, info: core_schema.ValidationInfo) -> Any:
            try:
                return self(info.field_name or "value", value)
            # pydantic collects ValueErrors only; spec.py unwraps it again
            except InvalidType as error:
                raise ValueError(error) from error

        return core_schema.with_info_plain_validator_function(validate)


def _reason(error: Exception) -> str:
    text = str(error)
    return f".{text}" if text.startswith(" ") else f": {text}" if text else ""


def _plain(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


@dataclass(frozen=True)
class Number(Rule):
    """A real number within bounds: `least`/`most` are inclusive, `above`/`below` exclusive.

    `limit`: the largest size, so far out that only a slip reaches it; messages name it only where it is broken.
    """

    @property
    def annotation(self) -> str:
        return "float"

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    limit: float | None = None

    def check(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError
        try:
            value = float(value)
        except OverflowError:
            raise
        # a number of a class of others may fail in any way
        except Exception:
            raise TypeError from None
        if not math.isfinite(value) or not self._inside(value):
            raise ValueError
        return self._limited(value)

    def _limited(self, value: Any) -> Any:
        if self.limit is not None and abs(value) > self.limit:
            raise ValueError(f"the largest number here is {_plain(self.limit)}")
        return value

    def _inside(self, value: float) -> bool:
        return not (
            (self.least is not None and value < self.least)
            or (self.most is not None and value > self.most)
            or (self.above is not None and value <= self.above)
            or (self.below is not None and value >= self.below)
        )

    def _bounds(self) -> str:
        words = ("at least", self.least), ("above", self.above), ("at most", self.most), ("below", self.below)
        return " and ".join(f"{word} {_plain(bound)}" for word, bound in words if bound is not None)

    def __str__(self) -> str:
        return f"a number {self._bounds()}".rstrip()


@dataclass(frozen=True)
class Whole(Number):
    """A whole number within bounds."""

    @property
    def annotation(self) -> str:
        return "int"

    def check(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise TypeError
        value = int(value)
        if not self._inside(value):
            raise ValueError
        return self._limited(value)

    def __str__(self) -> str:
        return f"a whole number {self._bounds()}".rstrip()


@dataclass(frozen=True)
class Whole64(Whole):
    """A whole number within bounds that 64 bits hold."""

    def check(self, value: Any) -> int:
        value = super().check(value)
        if abs(value) > LARGEST:
            raise ValueError("it does not fit into 64 bits")
        return value


@dataclass(frozen=True)
class Flag(Rule):
    """True or False."""

    @property
    def annotation(self) -> str:
        return "bool"

    def check(self, value: Any) -> bool:
        if type(value).__name__ not in ("bool", "bool_"):
            raise TypeError
        return bool(value)

    def __str__(self) -> str:
        return "True or False"


@dataclass(frozen=True)
class Text(Rule):
    """A string of at least `least` and at most `most` characters; None: of any length."""

    least: int = 1
    most: int | None = None

    @property
    def annotation(self) -> str:
        return "str"

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        if len(value) < self.least or (self.most is not None and len(value) > self.most):
            raise ValueError
        return str(value)

    def __str__(self) -> str:
        if self.most is None:
            return "a string"
        least = f"at least {self.least} and " if self.least else ""
        return f"a text of {least}at most {self.most} characters"


@dataclass(frozen=True)
class OneOf(Rule):
    """One of a few strings."""

    choices: tuple[str, ...]

    @property
    def annotation(self) -> str:
        return f"Literal[{', '.join(map(repr, self.choices))}]"

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        if value not in self.choices:
            raise ValueError(suggestion(value, self.choices))
        return str(value)

    def __str__(self) -> str:
        return "one of " + ", ".join(map(repr, self.choices))


@dataclass(frozen=True)
class PathText(Rule):
    """A path as string or `pathlib.Path`; kept as string."""

    @property
    def annotation(self) -> str:
        return "str | PathLike[str]"

    def check(self, value: Any) -> str:
        if not isinstance(value, (str, os.PathLike)):
            raise TypeError
        text = os.fspath(value)
        if not isinstance(text, str):
            raise TypeError
        if not text or "\0" in text:
            raise ValueError
        try:
            n_bytes = len(text.encode())
        # it could not be stored
        except UnicodeEncodeError:
            raise ValueError("its name is not valid UTF-8, rename it") from None
        if n_bytes >= MAX_PATH_LENGTH or any(len(part.encode()) > MAX_PART_BYTES for part in Path(text).parts):
            raise ValueError("too long for a file system")
        return os.path.expanduser(str(text))  # noqa: PTH111 (a Path would drop the "./" and "/" that the user wrote)

    def __str__(self) -> str:
        return "a path"


@dataclass(frozen=True)
class FileStem(Rule):
    """The beginning of a file name: no path separators, and none of the prefixes that are reserved in its folder."""

    reserved: tuple[str, ...] = ()

    @property
    def annotation(self) -> str:
        return "str"

    def check(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,79}", value):
            raise ValueError
        if value.startswith(self.reserved):
            raise ValueError(f"{' and '.join(self.reserved)} are names of other files there")
        return value

    def __str__(self) -> str:
        return "the beginning of a file name: letters, digits, _ - and . only, at most 80"


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


@dataclass(frozen=True)
class OrNone(Rule):
    """None (Monk's `False` means the same), or what another rule allows."""

    rule: Rule

    @property
    def annotation(self) -> str:
        return f"{self.rule.annotation} | Literal[False] | None"

    def check(self, value: Any) -> Any:
        return None if value is None or value is False else self.rule.check(value)

    def __str__(self) -> str:
        return f"{self.rule} or None"


@dataclass(frozen=True)
class OrAuto(Rule):
    """`"auto"` (None means the same), or what another rule allows."""

    rule: Rule

    @property
    def annotation(self) -> str:
        return f"{self.rule.annotation} | Literal[{AUTO!r}] | None"

    def check(self, value: Any) -> Any:
        return AUTO if value is None or (isinstance(value, str) and value == AUTO) else self.rule.check(value)

    def __str__(self) -> str:
        return f"{self.rule} or {AUTO!r}"
