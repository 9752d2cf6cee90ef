"""Labels from the cells of a table, and the checks that they are what was meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from ..errors import DatasetError, shown
from .samples import quoted

# a whole number as pandas writes it once a column has had a gap; with a comma where the decimal mark is one
_WHOLE = re.compile(r"(-?\d+)[.,]0")
# what may stand between the labels of a cell; a class's name often contains spaces
SEPARATORS = ("|", ";", ",", "\t", "/", "+")
# these are parts of names so rarely that the labels need not occur alone
STRONG_SEPARATORS = ("|", ";")
MAX_PAIRS_SHOWN = 5
_PLAIN_CHARACTERS = str.maketrans("\u2018\u2019\u201c\u201d\u2010\u2011\u2012\u2013\u2014", "''\"\"-----")
# a class for each place, as one-hot vectors
_INDICATORS = re.compile(r"[01]\.?0?(?:[,\s]+[01]\.?0?)+")


def single_labels(cells: pd.Series, paths: Sequence[str], table: str) -> tuple[list[str], np.ndarray]:
    """Class names, sorted, and the index of each image's class, int64 (N,).

    Raises:
        DatasetError: a cell is empty.
    """
    unnamed = np.flatnonzero(cells == "")
    if len(unnamed):
        raise DatasetError(f"{table} gives no class for {len(unnamed)} files, the first: {paths[unnamed[0]]}")
    labels, classes = pd.factorize(cells, sort=True)
    return list(map(str, classes)), labels.astype(np.int64)


def label_lists(cells: pd.Series, delimiter: str) -> tuple[list[str], np.ndarray]:
    """Label names, and whether each image has each label, bool (N, labels); an empty cell means no labels."""
    lists = [[name for part in cell.split(delimiter) if (name := part.strip())] for cell in cells]
    classes = sorted({name for names in lists for name in names})
    indices = {name: i for i, name in enumerate(classes)}
    labels = np.zeros((len(lists), len(classes)), dtype=bool)
    for row, names in enumerate(lists):
        labels[row, [indices[name] for name in names]] = True
    return classes, labels


def whole_numbers(cells: pd.Series, known: Collection[str] = ()) -> pd.Series:
    """Labels `1.0`, `2.0` as `1`, `2` if all are so written, unless these are the names of the classes (`known`)."""
    names = cells.unique().tolist()
    if not names or not all(map(_WHOLE.fullmatch, names)) or set(names) <= set(known):
        return cells
    return cells.map({name: _WHOLE.fullmatch(name)[1] for name in names})  # type: ignore[index]


def check_names(classes: Sequence[str], table: str) -> None:
    """Refuse names of classes that differ only in what people do not see or mean.

    Raises:
        DatasetError: pairs of such names.
    """
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(_key(name), []).append(name)
    pairs = [pair for group in groups.values() for pair in combinations(group, 2) if not _are_letters(*pair)]
    if not pairs:
        return
    shown = ", ".join(f"{ascii_if_unseen(a)} and {ascii_if_unseen(b)}" for a, b in pairs[:MAX_PAIRS_SHOWN])
    more = f" and {len(pairs) - MAX_PAIRS_SHOWN} more pairs" if len(pairs) > MAX_PAIRS_SHOWN else ""
    raise DatasetError(
        f"{table} has classes whose names are nearly the same: {shown}{more}. Write each class in one way, in one folder, if "
        "they are one, or give them names that differ in more than case, spaces, invisible characters or '.0'"
    )


def _key(name: str) -> str:
    """Equal for names that differ in case, spaces, apostrophes, dashes, invisible characters, the form of Unicode, or `.0`."""
    seen = "".join(
        c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace()
    )
    text = unicodedata.normalize("NFKC", " ".join(seen.split()).casefold()).translate(_PLAIN_CHARACTERS)
    return re.sub(r"^(-?\d+)[.,]0+$", r"\1", text)


def _are_letters(first: str, second: str) -> bool:
    """Whether two names are a small and a capital letter: classes of written characters."""
    return len(first) == len(second) == 1


def ascii_if_unseen(name: str) -> str:
    """A name in quotes, with escapes for characters that are not ASCII, which may look alike."""
    return repr(name) if name.isascii() else f"{name!r} ({ascii(name)})"


def check_one_label(classes: Sequence[str], table: str) -> None:
    """Refuse cells that look like several labels where one was expected.

    Raises:
        DatasetError: cells such as `A|B` where `A` and `B` are labels too, or such as `['A', 'B']`.
    """
    known = set(classes)
    check_no_lists(classes, table)
    for separator in SEPARATORS:
        parts = {name: [part.strip() for part in name.split(separator)] for name in classes if separator in name}
        for name, labels in parts.items():
            elsewhere = known | {
                label
                for other, its in parts.items()
                if other != name and separator in STRONG_SEPARATORS
                for label in its
            }
            if len(set(filter(None, labels))) > 1 and all(label in elsewhere for label in labels):
                raise DatasetError(
                    f"{table} has cells that look like several labels: {shown(name)}, where {quoted(labels)} are labels too. "
                    f"Give label_delimiter={separator!r} if an image may have several labels, or label_delimiter='' if "
                    f"{shown(name)} is a class of its own"
                )


def check_no_lists(names: Sequence[str], table: str) -> None:
    """Refuse cells that are lists as Python writes them.

    Raises:
        DatasetError: there are such cells.
    """
    lists = [name for name in names if _is_list(name)]
    if lists:
        raise DatasetError(
            f"{table} has cells that are lists, such as {shown(lists[0])}: write the labels of an image with a separator that no "
            "name contains, such as A|B, and give label_delimiter='|' (pandas: frame[column].str.join('|'))"
        )


def _is_list(cell: str) -> bool:
    inside = cell[1:-1].strip()
    quoted_items = "'" in inside or '"' in inside
    return cell[:1] + cell[-1:] in ("[]", "()", "{}") and (quoted_items or bool(_INDICATORS.fullmatch(inside)))
