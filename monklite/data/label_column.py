"""Find the column of a table that holds the labels, or those that are a class each: by their names, else by their cells."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from ..errors import DatasetError
from . import class_columns
from .column_names import plain, rank
from .samples import quoted
from .subfolders import names_subset
from .table_file import TableFile

# in the order of preference; compared in lower case, without what is not a letter or a digit
LABEL_NAMES = (
    "label", "labels", "class", "classes", "classname", "classlabel", "labelname", "category", "categories", "categoryname",
    "diagnosis", "diagnoses", "target", "targets", "dx", "finding", "findings", "findinglabels", "groundtruth", "species",
    "breed", "tag", "tags", "y", "classid", "labelid", "categoryid",
)  # fmt: skip
# these may also be the name of one class among several
AMBIGUOUS_NAMES = ("finding", "findings", "species", "breed", "tag", "tags")
# properties of an image or a patient, which are labels only if the user says so or there is nothing else
PROPERTY_NAMES = (
    "split", "subset", "set", "fold", "partition", "phase", "usage", "sex", "gender", "age", "agegroup", "race", "ethnicity",
    "patientage", "patientsex", "patientgender", "view", "viewposition", "projection", "laterality", "side", "modality",
    "site", "hospital", "institution", "scanner", "device", "camera", "manufacturer", "source", "dataset", "date", "studydate",
    "year", "visit", "followup", "width", "height", "filesize", "bodypart", "anatomsite", "localization", "dxtype",
)  # fmt: skip
SUBSET_NAMES = ("split", "subset", "set", "partition", "phase", "usage", "dataset", "fold")
_NUMBER = re.compile(r"-?[01](?:[.,]0+)?")
_WORDS = frozenset(("yes", "no", "y", "n", "true", "false", "t", "f", "x", "pos", "neg", "positive", "negative"))
_PRESENT = frozenset(("1", "yes", "y", "true", "t", "x", "pos", "positive"))


def find_label_columns(table: TableFile, path: int, others: Sequence[int], one_label: bool) -> tuple[int, ...]:
    """The position of the column of labels, or of the columns that are a class each.

    Args:
        path: of the files. others: the columns that may hold labels. one_label: the user said that an image has one.

    Raises:
        DatasetError: it cannot be told.
    """
    if not others:
        raise DatasetError(
            f"{table.name} has a column of files, {table.header[path]!r}, and none with their classes: it needs two columns, "
            f"such as image and label. Columns: {quoted(table.header)}"
        )
    ranks = {i: position for i in others if (position := rank(table.header[i], LABEL_NAMES)) is not None}
    named = min(ranks, key=ranks.__getitem__) if ranks else None
    indicators = [i for i in others if _is_indicator(table.column(i))]
    if not _are_classes(table, named, indicators):
        return (_by_cells(table, path, others) if named is None else named,)
    if not one_label and _are_plain(table, others):
        return tuple(others)
    raise _not_plain(table, indicators, others, one_label)


def _are_plain(table: TableFile, others: Sequence[int]) -> bool:
    """Whether columns can only be classes: all cells are 0 or 1, and none is called as a property of images or patients is."""
    return all(
        bool(table.header[i])
        and rank(table.header[i], PROPERTY_NAMES) is None
        and not (class_columns.indicators(table.column(i)) == class_columns.WRONG).any()
        for i in others
    )


def _not_plain(table: TableFile, indicators: Sequence[int], others: Sequence[int], one_label: bool) -> DatasetError:
    """The error about columns of 0 and 1 that may be classes."""
    names = [table.header[i] for i in indicators]
    beside = [table.header[i] for i in others if i not in indicators]
    reason = (
        "label_delimiter='' says that an image has one label"
        if one_label
        else f"which of them are classes cannot be told, beside {quoted(beside)}"
        if beside
        else "which of them are classes, and what their cells mean, cannot be told for certain"
    )
    return DatasetError(
        f"{table.name} has one column per class: {quoted(names)}; {reason}. If an image may have several labels, give the list "
        "of these columns, whose cells must be 1 or 0: label_column=['...', '...']. If it has one, give its column, or make "
        "one (pandas: frame[names].idxmax(axis=1))"
    )


def _are_classes(table: TableFile, named: int | None, indicators: Sequence[int]) -> bool:
    """Whether each indicator column is a class; `named`: the column that by its name holds the labels."""
    if named is None:
        return len(indicators) > 1
    if named not in indicators or len(indicators) < 3:
        return False
    if plain(table.header[named]) in AMBIGUOUS_NAMES:
        return True
    # exactly one of them for each image is more than chance
    present = sum(table.column(i).str.lower().replace(r"[.,]0+$", "", regex=True).isin(_PRESENT) for i in indicators)
    return bool((present == 1).all())


def _by_cells(table: TableFile, path: int, others: Sequence[int]) -> int:
    if len(others) == 1:
        return others[0]
    telling = [i for i in others if rank(table.header[i], PROPERTY_NAMES) is None]
    # the order that the documentation asks for
    if path == 0 and telling and telling[0] == 1 and _repeats(table.column(1)):
        return 1
    repeating = [i for i in telling if _repeats(table.column(i))]
    if len(repeating) == 1:
        return repeating[0]
    raise DatasetError(
        f"{table.name}: which column holds the classes? Say it with label_column=. "
        f"Columns: {quoted([table.header[i] for i in others])}"
    )


def check_subsets(table: TableFile, labels: Sequence[int]) -> None:
    """Refuse a table whose rows are marked as parts of a dataset, such as train and test, which would be mixed.

    Raises:
        DatasetError: such a table.
    """
    for i, name in enumerate(table.header):
        if i in labels or rank(name, SUBSET_NAMES) is None:
            continue
        values = [str(value) for value in table.column(i).unique() if value]
        parts = {names_subset(value) for value in values}
        if len(parts) > 1 and "" not in parts:
            raise DatasetError(
                f"{table.name}: column {name!r} says which rows are for {quoted(sorted(values))}, and all of them would be "
                f"mixed. Give a table for each part (pandas: frame[frame[{name!r}] == {values[0]!r}]), those of training and "
                "validation as path_to_csv=[train, val]; or remove the column"
            )


def _is_indicator(cells: pd.Series) -> bool:
    """Whether all cells are 0 or 1, or what stands for them; -1 is "uncertain" in some data sets."""
    values = {str(value).lower() for value in cells.unique() if value}
    return bool(values) and (all(map(_NUMBER.fullmatch, values)) or values <= _WORDS)


def _repeats(cells: pd.Series) -> bool:
    """Whether some cells are equal, as classes are and names and measurements rarely."""
    return bool(cells.nunique() <= max(len(cells) // 2, 1)) and not cells.str.fullmatch(r"-?\d+[.,]\d*[1-9]\d*").any()
