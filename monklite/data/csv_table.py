"""Find the images listed in a CSV table, with their labels."""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DatasetError, NotFound
from ..spec import Table
from .discover import check_classes, existing_folder
from .samples import Samples

if TYPE_CHECKING:
    import pandas as pd


def from_csv(source: Table, training: bool = True) -> Samples:
    """Read a CSV file with a header: column 1 the image's path under the source's folder, column 2 its label or labels.

    Args:
        training: False lets a test set have a single class.

    Raises:
        NotFound: the folder, the file, or an image listed in it does not exist.
        DatasetError: not such a table, fewer than two classes, an image without a class, or one that is listed twice.
    """
    base, table = existing_folder(source.path), source.csv
    frame = _frame(table, source.delimiter)
    paths: list[str] = frame.iloc[:, 0].str.strip().str.replace("\\", "/", regex=False).tolist()
    _check_listed(base, table, paths)
    order = sorted(range(len(paths)), key=paths.__getitem__)
    cells = frame.iloc[:, 1].str.strip().iloc[order]
    paths = [paths[i] for i in order]
    if source.label_delimiter:
        classes, labels = _label_lists(cells, source.label_delimiter)
    else:
        classes, labels = _single_labels(cells, paths, table)
    samples = Samples.from_files(base, classes, paths, labels)
    if training:
        check_classes(samples)
    return samples


def _frame(table: str, delimiter: str) -> pd.DataFrame:
    """The table as text, with empty text for missing cells."""
    import pandas as pd

    if not Path(table).is_file():
        raise NotFound(f"{table} is not there: path_to_csv must name a CSV file")
    try:
        frame = pd.read_csv(
            table, sep=delimiter, dtype=str, keep_default_na=False, index_col=False, usecols=lambda c: True
        )
    # undecodable text, no header, an open quote
    except ValueError as error:
        raise DatasetError(f"{table} cannot be read as a table separated by {delimiter!r} in UTF-8: {error}") from None
    if frame.shape[1] < 2:
        raise DatasetError(
            f"{table} has one column; it needs two, image and class, separated by {delimiter!r} (see delimiter=)"
        )
    _check_row_lengths(table, delimiter, frame.shape[1])
    # a line that ends early has missing cells
    return frame.fillna("")


def _check_row_lengths(table: str, delimiter: str, n_columns: int) -> None:
    """Refuse rows with text beyond the last column of the header, which pandas drops; a delimiter at their end is harmless."""
    try:
        with open(table, newline="", encoding="utf-8-sig") as file:  # noqa: PTH123 (a plain string)
            reader = csv.reader(file, delimiter=delimiter)
            for row in reader:
                if len(row) > n_columns and any(cell.strip() for cell in row[n_columns:]):
                    raise DatasetError(
                        f"line {reader.line_num} of {table} has {len(row)} cells, and the header has {n_columns}: put cells "
                        f"that contain {delimiter!r} into quotes, or separate several labels by another character "
                        "(label_delimiter=)"
                    )
    # TypeError: a delimiter of several characters, which only pandas knows
    except (csv.Error, TypeError) as error:
        raise DatasetError(f"{table} cannot be read as a table separated by {delimiter!r}: {error}") from None


def _single_labels(cells: pd.Series, paths: list[str], table: str) -> tuple[list[str], np.ndarray]:
    """Class names, and the index of each image's class, int64 (N,)."""
    import pandas as pd

    unnamed = np.flatnonzero(cells == "")
    if len(unnamed):
        raise DatasetError(f"{table} gives no class for {len(unnamed)} files, the first: {paths[unnamed[0]]}")
    labels, classes = pd.factorize(cells, sort=True)
    return list(map(str, classes)), labels.astype(np.int64)


def _label_lists(cells: pd.Series, delimiter: str) -> tuple[list[str], np.ndarray]:
    """Label names, and whether each image has each label, bool (N, labels); an empty cell means no labels."""
    lists = [[name for part in cell.split(delimiter) if (name := part.strip())] for cell in cells]
    classes = sorted({name for names in lists for name in names})
    indices = {name: i for i, name in enumerate(classes)}
    labels = np.zeros((len(lists), len(classes)), dtype=bool)
    for row, names in enumerate(lists):
        labels[row, [indices[name] for name in names]] = True
    return classes, labels


def _check_listed(base: Path, table: str, paths: list[str]) -> None:
    missing = [p for p in paths if not os.path.isfile(os.path.join(base, p))]  # noqa: PTH113, PTH118 (a third of the time)
    if missing:
        raise NotFound(f"{table} names {len(missing)} files that are not in {base}, the first: {missing[0]}")
    if len(set(paths)) < len(paths):
        duplicates = [p for p, n in Counter(paths).items() if n > 1]
        raise DatasetError(f"{table} names {len(duplicates)} files more than once, the first: {duplicates[0]}")
