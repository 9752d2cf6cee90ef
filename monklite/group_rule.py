"""The rule of the setting `group`: what keeps images of one patient on one side of the split."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .rules import AUTO, Rule

EXAMPLE = r"'(person\d+)_'"


@dataclass(frozen=True)
class GroupText(Rule):
    """A column of the table or a regular expression; `""` or False: each image on its own; `"auto"` or None: to be found."""

    @property
    def annotation(self) -> str:
        return "str | Literal[False] | None"

    def check(self, value: Any) -> str:
        if value is None or value is False:
            return "" if value is False else AUTO
        if not isinstance(value, str):
            raise TypeError
        if value and not value.strip():
            raise ValueError
        # without one it can only be the name of a column
        if "(" in value:
            _compiled(value)
        return str(value)

    def __str__(self) -> str:
        return f"a column of the table, a regular expression with parentheses such as {EXAMPLE}, '' or 'auto'"


def pattern(group: str) -> re.Pattern[str] | None:
    """The regular expression in a value of the setting; None if it is none, or has no parentheses that match a group."""
    try:
        compiled = _compiled(group)
    except ValueError:
        return None
    return compiled if compiled.groups else None


def _compiled(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"it is no regular expression ({error})") from None
