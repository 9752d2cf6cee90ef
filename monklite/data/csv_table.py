"""Find the images listed in a table, with their labels."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DatasetError, shown
from ..spec import Table
from ..tasks import SEPARATOR
from ..transient import retried
from . import class_columns, group_names, table_columns, table_file, table_labels, table_paths
from .discover import check_classes, existing_folder
from .samples import GroupColumn, Samples, quoted
from .table_columns import Columns
from .table_file import TableFile
from .table_paths import FolderFiles

if TYPE_CHECKING:
    import numpy as np

FIRST_TWO = Columns(path=0, labels=(1,))
# of so many images or more, some must be of the same class
MIN_UNREPEATED = 10


def from_csv(
    source: Table,
    training: bool = True,
    known: Collection[str] = (),
    group: str = "",
    missing: list[str] | None = None,
) -> Samples:
    """Read a table with a header: a column of files under the source's folder, and a column of labels or one per class.

    Which columns these are is said in the remarks of the result, with all that was not read as it is written.

    Args:
        training: False lets a test set have a single class.
        known: the names of the classes that the labels are for, if they are settled.
        group: as in the spec; the result has the column that it names, or those that may hold groups if it is `auto`.
        missing: rows whose file is not there are left out, and what they name is added to this list; None: they are refused.

    Raises:
        NotFound: the folder, the file, or an image listed in it does not exist.
        DatasetError: not such a table, fewer than two classes, an image without a class or with two, or labels that are
            nearly the same or look like several. InvalidValue: a column that the user named is not there.
        MissingPackage: the file needs a package that is not installed.
    """
    base, as_written = existing_folder(source.path), source.reading == 1
    files = FolderFiles(base, as_written)
    table = table_file.read(
        source.csv, source.delimiter, lambda cell: files.exact(cell) is not None, source.label_delimiter, as_written
    )
    table_file.check_two_columns(table)
    columns = FIRST_TWO if as_written else table_columns.find(table, files, source, group)
    if missing is not None:
        table = _without_missing(table, columns.path, files, missing)
    path_name = table.header[columns.path]
    paths, remark = table_paths.match(files, source.csv, path_name, table.column(columns.path).tolist())
    listed = paths
    if not as_written:
        _check_joined_rows(table, files)
    classes, labels = _labels(source, table, columns, paths, known)
    rows, repeated = _once(base, table, columns, paths, labels)
    paths = [paths[row] for row in rows]
    samples = Samples.from_files(base, classes, paths, labels[rows])
    samples = replace(samples, label_columns=columns.classes)
    if training:
        check_classes(samples)
        if not as_written and not columns.classes and len(classes) == len(samples) >= MIN_UNREPEATED:
            raise DatasetError(
                f"{source.csv}: every image has a class of its own, such as {shown(classes[0])} and {shown(classes[1])}: "
                f"column {table.header[columns.labels[0]]!r} holds no classes. Name the right one with label_column="
            )
    remarks = tuple(text for text in (_told(table, columns, samples), remark, repeated) if text)
    samples = replace(samples, remarks=remarks)
    positions = table_columns.find_groups(table, columns, group, needed=training)
    copies = _copies(base, listed) if len(rows) < len(listed) else []
    return replace(samples, group_columns=tuple(_group_column(table, i, rows, copies, listed) for i in positions))


def _without_missing(table: TableFile, path: int, files: FolderFiles, missing: list[str]) -> TableFile:
    """The rows that name a file, or nothing, which is refused later; what the others name is added to `missing`."""
    cells = table.column(path).tolist()
    is_there = [not cell or files.exact(cell) is not None or bool(files.similar(cell)) for cell in cells]
    # refused later, in words about the folder
    if not any(is_there):
        return table
    missing += [cell for cell, there in zip(cells, is_there, strict=True) if not there]
    return replace(table, cells=table.cells[is_there].reset_index(drop=True))


def _group_column(
    table: TableFile, position: int, rows: Sequence[int], copies: Sequence[Sequence[int]], paths: Sequence[str]
) -> GroupColumn:
    """A column of groups; `rows`: those of the images; `copies`: the rows of each file that the table names several times."""
    cells, name = group_names.of_cells(table.column(position).tolist()), table.header[position]
    conflicts = []
    for same in copies:
        known = [cells[row] for row in same if cells[row]]
        if not group_names.is_one(known):
            other = next(group for group in known if not group_names.is_one((known[0], group)))
            conflicts.append(f"{paths[same[0]]} ({shown(known[0])} and {shown(other)})")
        # a row that says it is as good as another one
        cells[list(same)] = known[0] if known else ""
    conflict = (
        ""
        if not conflicts
        else f"{table.name} names {len(conflicts)} files more than once, with different values of {name!r}, the first: "
        f"{conflicts[0]}. Keep one row of each, or name another column with group=; group='' splits image by image"
    )
    return GroupColumn(name, cells[list(rows)], conflict)


def _told(table: TableFile, columns: Columns, samples: Samples) -> str:
    """Which columns were taken, for the user."""
    skipped = "".join(f", without the index column {name!r}" for name in columns.skipped)
    labels = f"labels from column {table.header[columns.labels[0]]!r}"
    if columns.classes:
        labels = f"one column per class, so that an image may have several labels: {quoted(columns.classes)}"
    name, path = table_paths.table_name(table.name), table.header[columns.path]
    told = f"{name}: files from column {path!r}, {labels}, {table.layout}{skipped}"
    if columns.classes and (samples.labels.sum(axis=1) == 1).all():
        told += (
            ". Each image has exactly one of them: to train one class per image, give a column with its name (pandas: "
            "frame[names].idxmax(axis=1))"
        )
    return told


def _check_joined_rows(table: TableFile, files: FolderFiles) -> None:
    """Refuse a cell that holds whole rows: a quote that is not closed joins all rows up to the next quote."""
    for i, name in enumerate(table.header):
        cells = table.column(i)
        for cell in cells[cells.str.contains("\n", regex=False)]:
            if any(files.exact(part.strip()) is not None for part in re.split(r"[\n,;\t|]", cell)[1:] if part.strip()):
                raise DatasetError(
                    f"{table.name}: a cell of column {name!r} holds whole rows, {shown(cell)}: a quote is missing or left over "
                    "there, which joins rows. Close it"
                )


def _labels(
    source: Table, table: TableFile, columns: Columns, paths: Sequence[str], known: Collection[str]
) -> tuple[list[str], np.ndarray]:
    """Class names, and the labels of the images as `Samples` holds them."""
    as_written, cells = source.reading == 1, table.column(columns.labels[0])
    if columns.classes:
        classes, labels = class_columns.labels(table, columns.by_class)
    elif source.label_delimiter:
        if not as_written:
            table_labels.check_no_lists(cells.unique().tolist(), source.csv)
        classes, labels = table_labels.label_lists(cells, source.label_delimiter)
    else:
        if not as_written:
            if source.label_delimiter is None:
                table_labels.check_one_label(sorted({*cells.unique()} - {*known}), source.csv)
            cells = table_labels.whole_numbers(cells, known)
        classes, labels = table_labels.single_labels(cells, paths, source.csv)
    # names that training had are settled
    if not as_written and not set(classes) <= set(known):
        table_labels.check_names(classes, source.csv)
    return classes, labels


def _once(
    base: Path, table: TableFile, columns: Columns, paths: Sequence[str], labels: np.ndarray
) -> tuple[list[int], str]:
    """The rows to use, in the order of their paths, each file once; and a remark about those that occur several times."""
    rows = sorted(range(len(paths)), key=paths.__getitem__)
    keys = list(paths)
    if len(set(paths)) == len({table_paths.same_file_key(path) for path in paths}) == len(paths):
        return rows, ""
    keys = _file_keys(base, paths)
    first: dict[str, int] = {}
    conflicts: dict[str, tuple[int, int]] = {}
    for row in rows:
        earlier = first.setdefault(keys[row], row)
        if (labels[row] != labels[earlier]).any():
            conflicts.setdefault(paths[earlier], (earlier, row))
    if conflicts:
        path, two = next(iter(conflicts.items()))
        first_text, other_text = (shown(_label_text(table, columns, row)) for row in two)
        remedy = (
            "" if columns.classes else "; several labels of an image go into one cell, separated by label_delimiter="
        )
        raise DatasetError(
            f"{table.name} names {len(conflicts)} files more than once, with different labels, the first: {path} "
            f"({first_text} and {other_text}). Keep one row of each{remedy}"
        )
    kept = set(first.values())
    name = table_paths.table_name(table.name)
    remark = f"{len(paths) - len(kept)} rows of {name} name a file again, with the same label: used once"
    return [row for row in rows if row in kept], remark if len(kept) < len(paths) else ""


def _label_text(table: TableFile, columns: Columns, row: int) -> str:
    """The labels in a row, as text."""
    if not columns.classes:
        return str(table.column(columns.labels[0]).iloc[row])
    names, labels = class_columns.labels(table, columns.by_class)
    return SEPARATOR.join(name for name, has in zip(names, labels[row], strict=True) if has)


def _copies(base: Path, paths: Sequence[str]) -> list[list[int]]:
    """The rows of each file that is named several times."""
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(_file_keys(base, paths)):
        rows.setdefault(key, []).append(row)
    return [same for same in rows.values() if len(same) > 1]


def _file_keys(base: Path, paths: Sequence[str]) -> list[str]:
    """For each path, the first path that is the same file where only case or the form of Unicode differs."""
    firsts: dict[str, list[str]] = {}
    keys = []
    for path in paths:
        others = firsts.setdefault(table_paths.same_file_key(path), [])
        same = path if path in others else next((other for other in others if _is_same_file(base, path, other)), None)
        if same is None:
            others.append(path)
        keys.append(same or path)
    return keys


def _is_same_file(base: Path, path: str, other: str) -> bool:
    return retried(lambda: (base / path).samefile(base / other), base / path)
