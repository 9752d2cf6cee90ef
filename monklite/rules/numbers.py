"""Rules for one number."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

from .rule import Rule

# what 64 bits hold: frameworks and tables hold no more
LARGEST = 2**63 - 1


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


def _plain(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"
