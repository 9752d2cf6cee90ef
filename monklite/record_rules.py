"""Rules of the values in records: counts, shares, measured numbers and texts, as `rules` has those of settings.

They also hold for what other people's files say, so that every value has a bound. Not a number is allowed where monklite itself
writes it, and is then stored as text, which JSON has no number for.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .errors import cut
from .rules import Number, Rule, Text, Whole64

# characters; a label may be a cell of a table, which is as long as csv allows
MAX_TEXT, MAX_LABEL, MAX_PATH, MAX_ERROR, MAX_MOMENT = 1_000, 131_072, 4_096, 10_000, 40
# of what is recorded freely, such as the versions of packages
MAX_DEPTH, MAX_ITEMS = 12, 200_000
# as JSON has them
NOT_FINITE = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
LARGEST_MEASURE = 1e15


@dataclass(frozen=True)
class AnyNumber(Rule):
    """A number that may also be infinite or NaN, such as a loss."""

    @property
    def annotation(self) -> str:
        return "float"

    def check(self, value: Any) -> float:
        # nearly all of them, of which the figures of many classes have millions
        if type(value) is float:
            return value
        if isinstance(value, str) and value in NOT_FINITE:
            return NOT_FINITE[value]
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError
        return float(value)

    def __str__(self) -> str:
        return "a number, Infinity or NaN"


@dataclass(frozen=True)
class ShareOrNaN(AnyNumber):
    """A share, 0 to 1; NaN: there was nothing to take a share of."""

    def check(self, value: Any) -> float:
        number = super().check(value)
        if not (math.isnan(number) or 0 <= number <= 1):
            raise ValueError
        return number

    def __str__(self) -> str:
        return "a number at least 0 and at most 1, or NaN"


@dataclass(frozen=True)
class ErrorText(Text):
    """The text of an error, cut in its middle where it is very long: how a training ended is recorded in any case."""

    least: int = 0

    def check(self, value: Any) -> str:
        return cut(super().check(value), MAX_ERROR)


@dataclass(frozen=True)
class Moment(Text):
    """A date and time as ISO 8601, such as `2026-11-20T08:15:00+00:00`; kept as text, as it was written."""

    most: int | None = MAX_MOMENT

    def check(self, value: Any) -> str:
        text = super().check(value)
        # Python 3.10 does not read the Z
        datetime.fromisoformat(text.removesuffix("Z"))
        return text

    def __str__(self) -> str:
        return "a date and time such as '2026-11-20T08:15:00+00:00'"


@dataclass(frozen=True)
class Notes(Rule):
    """Nested plain values under names, of limited length and depth. `most`: characters of a text."""

    most: int = MAX_ERROR

    @property
    def annotation(self) -> str:
        return "dict[str, Any]"

    def check(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise TypeError
        self._check_plain(value, 0)
        return value

    def __str__(self) -> str:
        return "names and plain values"

    def _check_plain(self, value: Any, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        if isinstance(value, (dict, list, tuple)):
            if len(value) > MAX_ITEMS:
                raise ValueError(f"more than {MAX_ITEMS} items")
            items = [item for pair in value.items() for item in pair] if isinstance(value, dict) else value
            for item in items:
                self._check_plain(item, depth + 1)
        elif isinstance(value, str):
            Text(0, self.most).check(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            Whole64().check(value)


NAME = Text(most=MAX_TEXT)
LABEL = Text(most=MAX_LABEL)
TEXT = Text(0, MAX_TEXT)
MOMENT = Moment()
# chosen by the user, to find runs again
TAG, NOTE = Text(1, 100), Text(1, MAX_ERROR)
COUNT = Whole64(least=0)
NUMBER_FROM_1 = Whole64(least=1)
SHARE = Number(least=0, most=1)
SHARE_OR_NAN = ShareOrNaN()
LOSS = AnyNumber()
# seconds, MiB, images per second
MEASURE = Number(least=0, most=LARGEST_MEASURE)
