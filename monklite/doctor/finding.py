"""One thing that was found, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["ok", "note", "error"]


@dataclass(frozen=True)
class Finding:
    """A thing that was looked at.

    `level`: `error`: something that monklite needs does not work; `note`: something is missing or slow that not everybody needs.
    `remedy`: what to do, `""`: nothing.
    """

    part: str
    title: str
    value: str
    level: Level = "ok"
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        """The fields."""
        return asdict(self)
