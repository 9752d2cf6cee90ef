"""Compare the names of columns as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence


def plain(name: str) -> str:
    """A name in lower case, without what is not a letter or a digit."""
    return re.sub(r"[\W_]", "", name.lower())


def rank(name: str, names: Sequence[str]) -> int | None:
    """The position of a column's name in a list of plain names; None if it is not in it."""
    return names.index(plain(name)) if plain(name) in names else None
