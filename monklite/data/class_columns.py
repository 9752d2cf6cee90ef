"""Tables with one column per class: a cell is 1 where the image has the label, and 0 where it has not."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from ..errors import DatasetError, shown
from ..spec import Source, Spec, Table
from .samples import quoted
from .table_file import TableFile

# as frames of integers, of floats and of True and False are written
_MEANINGS = {"1": 1, "true": 1, "0": 0, "false": 0}
_FRACTION = re.compile(r"[.,]0+$")
WRONG = -1


def indicators(cells: pd.Series) -> np.ndarray:
    """The meaning of cells: 1, 0, or `WRONG` if it is neither; int8 (N,)."""
    codes, texts = pd.factorize(cells)
    meanings = [_MEANINGS.get(_FRACTION.sub("", str(text)).lower(), WRONG) for text in texts]
    return np.array(meanings, np.int8)[codes]


def labels(table: TableFile, columns: Mapping[str, int]) -> tuple[list[str], np.ndarray]:
    """The names of the classes, sorted, and whether each image has each label, bool (N, labels).

    Args:
        columns: the position of the column of each class.

    Raises:
        DatasetError: a cell is neither 1 nor 0; an empty one does not say that the label is absent.
    """
    names, has = sorted(columns), []
    for name in names:
        i = columns[name]
        values = indicators(table.column(i))
        wrong = np.flatnonzero(values == WRONG)
        if len(wrong):
            more = f", and {len(wrong) - 1} more such cells" if len(wrong) > 1 else ""
            raise DatasetError(
                f"{table.name}: column {table.header[i]!r} holds {shown(table.column(i).iloc[wrong[0]])} in row "
                f"{wrong[0] + 1} below the header{more}: a column per class has 1 for an image with the label and 0 for any other"
            )
        has.append(values == 1)
    return names, np.column_stack(has)


def check_complete(names: Sequence[str], classes: Collection[str], where: str) -> None:
    """Refuse a table without a column for each class of the training images: nothing would say who has the label.

    Raises:
        DatasetError: such a table.
    """
    missing = [name for name in classes if name not in names]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        raise DatasetError(
            f"the table of {where} has one column per class and lacks the {noun} {quoted(missing)} of the training images. "
            f"Columns of classes: {quoted(names)}"
        )


def inherited(source: Source, columns: tuple[str, ...]) -> Source:
    """A table that is read by the columns of the training table, unless it says itself where its labels are."""
    if not columns or not isinstance(source, Table) or source.label_columns or source.label_column:
        return source
    if source.label_delimiter is not None:
        return source
    return source.model_copy(update={"label_columns": columns})


def kept(spec: Spec, columns: tuple[str, ...]) -> Spec:
    """The settings with these columns of the training table; the same object where nothing changes."""
    sources = tuple(inherited(source, columns) for source in spec.data.sources)
    return spec if sources == spec.data.sources else spec.replace({"data.sources": sources})
