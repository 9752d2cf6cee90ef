"""Times in words."""

from __future__ import annotations

import re

from .errors import InvalidType, InvalidValue, shown

_UNITS = {"h": 3600.0, "min": 60.0, "s": 1.0}
_TEXT = re.compile(
    r"(?:(\d{1,6}(?:\.\d{1,6})?)\s*h)?\s*(?:(\d{1,6}(?:\.\d{1,6})?)\s*min)?\s*(?:(\d{1,6}(?:\.\d{1,6})?)\s*s)?"
)


def duration(seconds: float) -> str:
    """Format a time in seconds: `0.8 s`, `42 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def in_seconds(name: str, text: object) -> float:
    """The seconds of a time with its unit: `90s`, `30min`, `1h 30min`. `name`: of the argument, for errors.

    Raises:
        InvalidType: it is no text. InvalidValue: no time, or one of 0 s.
    """
    remedy = f"{name} must be a time with its unit, such as '30min', '90s' or '1h 30min'"
    if not isinstance(text, str):
        raise InvalidType(f"{remedy}, not {shown(text)}")
    found = _TEXT.fullmatch(text.strip())
    numbers = found.groups() if found else ()
    seconds = sum(float(number or 0) * unit for number, unit in zip(numbers, _UNITS.values(), strict=False))
    if not seconds:
        raise InvalidValue(f"{remedy}, not {shown(text)}")
    return seconds
