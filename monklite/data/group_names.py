"""Names of groups as people write them: names that differ only in what nobody sees, or means, are one group.

Joining two patients makes a split a little coarser; dividing one makes validation look better than it is. So what is nearly
the same is joined, and told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from .samples import as_column

# cells that say that it is not known, in lower case
UNKNOWN = frozenset(("", "na", "n/a", "#n/a", "<na>", "nan", "none", "null", "unknown", "?", "-"))
# they are not seen, although Unicode calls them marks or letters
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u3164\ufe00-\ufe0f\uffa0]")
# a whole number as pandas writes it once a column has had a gap; with a comma where the decimal mark is one
_WHOLE = re.compile(r"(-?\d+)[.,]0+")
_BETWEEN = "[-_\\s\u2010-\u2015\u2212]+"
_BEFORE_NUMBER = re.compile(rf"(?<=[^\W\d_]){_BETWEEN}(?=\d)")
_BETWEEN_WORDS = re.compile(rf"(?<=[^\W_]){_BETWEEN}(?=[^\W_])")
# not behind a decimal mark: 1.05 is not 1.5
_LEADING_ZEROS = re.compile(r"(?<![\d.,])0+(?=\d)")


def visible(text: str) -> str:
    """A text in one form of Unicode, without invisible characters, with each kind of space as ` `."""
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.normalize("NFC", _UNSEEN.sub("", text))
    seen = (" " if c.isspace() else c for c in composed if c.isspace() or unicodedata.category(c) not in ("Cf", "Cc"))
    # what was between a letter and its accent is gone
    return unicodedata.normalize("NFC", "".join(seen))


def written(name: str) -> str:
    """A name without surrounding and repeated spaces and what is not seen; `7.0` and `7,0` are `7`."""
    text = " ".join(visible(name).split())
    number = _WHOLE.fullmatch(text)
    return number[1] if number else text


def of_cells(cells: Sequence[str]) -> np.ndarray:
    """The groups in the cells of a column, `""` where a cell says none."""
    names = {cell: written(cell) for cell in set(cells)}
    names = {cell: "" if name.lower() in UNKNOWN else name for cell, name in names.items()}
    return as_column([names[cell] for cell in cells])


def joined(groups: np.ndarray) -> tuple[np.ndarray, tuple[tuple[str, ...], ...]]:
    """The groups with one spelling for each, and the spellings of those that have several.

    Names are one group if they differ only in case, leading zeros, or what separates words and numbers: `P3`, `p-03`.
    """
    spellings = {group: written(group) for group in set(groups.tolist())}
    alike: dict[str, set[str]] = {}
    keys = {name: _key(name) for name in set(spellings.values())}
    for name, key in keys.items():
        alike.setdefault(key, set()).add(name)
    # the first in the order of the alphabet, so that it depends on no order of the images
    first = {key: min(names) for key, names in alike.items()}
    chosen = {group: first[keys[name]] for group, name in spellings.items()}
    several = sorted(tuple(sorted(names)) for names in alike.values() if len(names) > 1)
    return as_column([chosen[group] for group in groups.tolist()]), tuple(several)


def is_one(names: Iterable[str]) -> bool:
    """Whether all names are of one group."""
    return len({_key(written(name)) for name in names}) <= 1


def _key(name: str) -> str:
    """Equal for names of one group."""
    if name.isascii() and name.isdigit():
        return name.lstrip("0") or "0"
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    text = _BETWEEN_WORDS.sub(" ", _BEFORE_NUMBER.sub("", text))
    return _LEADING_ZEROS.sub("", text.rstrip("-_ ")) or name
