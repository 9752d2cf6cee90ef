"""DataFrames whose cells are lists of labels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..spec import LABEL_DELIMITERS
from .column_names import rank
from .label_column import LABEL_NAMES

if TYPE_CHECKING:
    import pandas as pd

LISTS = (list, tuple, set, frozenset, np.ndarray)
# of vectors with a number for each class, whose items are no labels
_FLAGS = {"0", "1", "0.0", "1.0", "True", "False"}


class LabelLists(NamedTuple):
    """A column of lists of labels, and a delimiter that none of the labels contains."""

    column: str
    delimiter: str


def find(frame: pd.DataFrame, column: str | None) -> LabelLists | None:
    """The column of a frame whose cells are lists of labels; None if there is none, or each delimiter is part of a label.

    Args:
        column: the name of the column of labels if the user gave it; by default it is found by its name, or is the only one of
            lists of text: boxes and other numbers are no labels.
    """
    cells = {str(name): frame.iloc[:, i].tolist() for i, name in enumerate(frame.columns)}
    lists = [name for name in _candidates(list(cells), column) if any(isinstance(cell, LISTS) for cell in cells[name])]
    if column is None and not any(rank(name, LABEL_NAMES) is not None for name in lists):
        lists = [name for name in lists if all(isinstance(label, str) for label in _labels(cells[name]))]
    if len(lists) != 1 or _are_vectors(cells[lists[0]]):
        return None
    texts = {str(label) for label in _labels(cells[lists[0]])}
    free = [mark for mark in LABEL_DELIMITERS if mark and not any(mark in text for text in texts)]
    # the one of monklite's own files, if it can be
    free.sort(key=lambda mark: mark != "|")
    return LabelLists(lists[0], free[0]) if free else None


def _candidates(names: Sequence[str], column: str | None) -> list[str]:
    """The columns that may hold the labels: the given one, or that with the best name, or all."""
    if column is not None:
        return [name for name in names if name == column]
    ranks = {name: position for name in names if (position := rank(name, LABEL_NAMES)) is not None}
    return [min(ranks, key=ranks.__getitem__)] if ranks else list(names)


def _labels(cells: Sequence[Any]) -> list[Any]:
    """All labels of the lists, and the cells that are text; others are missing."""
    lists = (cell if isinstance(cell, LISTS) else [cell] if isinstance(cell, str) else [] for cell in cells)
    return list(chain.from_iterable(lists))


def _are_vectors(cells: Sequence[Any]) -> bool:
    """Whether lists are vectors of 0 and 1, one number for each class."""
    lengths = {len(cell) for cell in cells if isinstance(cell, LISTS)}
    return len(lengths) == 1 and max(lengths) > 1 and {str(label) for label in _labels(cells)} <= _FLAGS
