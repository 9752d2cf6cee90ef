"""The rules for the arguments of layers that no other rows have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..rules import ListOf, NumberOrList, Rule, Whole
from ..setting_ranges import MAX_COUNT

# Monk's word for a padding that keeps the size of the image
IN_EQ_OUT = "in_eq_out"


@dataclass(frozen=True)
class Sizes(Rule):
    """A whole number for all `n` directions, or a list with one for each; kept as a tuple then."""

    n: int
    least: int = 1

    @property
    def annotation(self) -> str:
        return "int | Sequence[int]"

    def check(self, value: Any) -> Any:
        each = Whole(least=self.least, limit=MAX_COUNT)
        return NumberOrList(each, ListOf(each, length=self.n)).check(value)

    def __str__(self) -> str:
        several = f", or a list of {self.n} such numbers" if self.n > 1 else ""
        return f"{Whole(least=self.least)}{several}"


@dataclass(frozen=True)
class Padding(Sizes):
    """`Sizes` of the zeros that are added on both sides, or `"in_eq_out"`."""

    least: int = 0

    @property
    def annotation(self) -> str:
        return f"{super().annotation} | Literal[{IN_EQ_OUT!r}]"

    def check(self, value: Any) -> Any:
        return IN_EQ_OUT if isinstance(value, str) and value == IN_EQ_OUT else super().check(value)

    def __str__(self) -> str:
        return f"{super().__str__()}, or {IN_EQ_OUT!r}"


@dataclass(frozen=True)
class Only(Rule):
    """One of the few values that an argument of Monk can have here. `reason`: why there are no others."""

    values: tuple[Any, ...]
    kind: str
    reason: str

    @property
    def annotation(self) -> str:
        return self.kind

    def check(self, value: Any) -> Any:
        for allowed in self.values:
            # of the same type: True is no 1, and an object of another may not be comparable
            if type(value) is type(allowed) and value == allowed:
                return allowed
        raise ValueError

    def __str__(self) -> str:
        return f"{' or '.join(map(repr, self.values))} ({self.reason})"
