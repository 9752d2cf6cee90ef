"""The order of classes: numbers as numbers, everything else as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


def in_order(classes: Sequence[str], recorded: Sequence[str] = ()) -> tuple[str, ...]:
    """The classes in the order that outputs of a network have: numbers by value, then other names as text.

    Args:
        recorded: the classes of an earlier run. If they are the same, their order is kept, because its weights have it.
    """
    if set(recorded) == set(classes):
        return tuple(recorded)
    return tuple(sorted(classes, key=_position))


def _position(name: str) -> tuple[bool, Decimal, str]:
    is_number = _NUMBER.fullmatch(name) is not None
    return not is_number, Decimal(name) if is_number else Decimal(0), name
