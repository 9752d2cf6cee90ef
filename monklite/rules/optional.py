"""Rules for a value that may be left open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .rule import Rule

AUTO: Final = "auto"


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
