"""Find the columns of a table that hold the paths and the labels: by their names, else by their cells."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import group_rule
from ..errors import DatasetError, InvalidValue, shown, suggestion
from ..rules import AUTO
from ..spec import Table
from . import column_names
from .label_column import LABEL_NAMES, check_subsets, find_label_columns
from .listing import EXTENSIONS
from .samples import quoted
from .table_file import TableFile
from .table_paths import FolderFiles

# in the order of preference; compared in lower case, without what is not a letter or a digit
PATH_NAMES = (
    "image", "images", "imagepath", "imagefile", "imagefilename", "imagename", "imageid", "imageindex", "img", "imgpath",
    "imgfile", "imgname", "imgid", "file", "files", "filepath", "filename", "fname", "path", "paths", "picture", "photo",
    "name", "id", "idcode",
)  # fmt: skip
GROUP_NAMES = (
    "patient", "patientid", "patients", "subject", "subjectid", "person", "personid", "participant", "participantid", "caseid",
    "group", "groups", "groupid",
)  # fmt: skip
# a column called so may hold the arms of a study or parts of the data; these are few
VAGUE_GROUP_NAMES, MIN_VAGUE_GROUPS = ("group", "groups", "groupid"), 5
INDEX_NAMES = ("", "index", "unnamed0", "rownames", "row")
# lines above the header, such as a title
MAX_TITLE_LINES = 5
# rows whose cells are looked up in the folder to find the column of paths, evenly spread
SAMPLED_ROWS = 50


@dataclass(frozen=True)
class Columns:
    """The positions of the columns in a table. `skipped`: the names of the index columns that were passed over.

    `labels`: that of the column of labels; or those of the columns that are a class each. `classes`: the names of these, empty if
    labels are in one column.
    """

    path: int
    labels: tuple[int, ...]
    classes: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def by_class(self) -> dict[str, int]:
        """The position of the column of each class."""
        return dict(zip(self.classes, self.labels, strict=True))


def find(table: TableFile, files: FolderFiles, source: Table, group: str = "") -> Columns:
    """The columns of paths and labels.

    Args:
        source: may have their names. group: as in the spec; a column that holds groups by its name, or because the user said so,
            is not guessed to be that of the labels.

    Raises:
        DatasetError: the table has no header, or the columns cannot be told apart.
        InvalidValue: there is no column of the given name.
    """
    labels = _given_labels(table, source)
    path = _named(table, "path_column", source.path_column)
    if path is None:
        _check_header(table, files)
        _check_header_below(table)
        path = _path_column(table, files, labels)
    if path in labels:
        raise InvalidValue(
            f"label_column={table.header[path]!r} is the column of the paths in {table.name}: name another one. "
            f"Columns: {quoted(table.header)}"
        )
    others = [i for i in range(len(table.header)) if i != path and _is_used(table, i)]
    if not labels:
        others = _without_groups(table, others, group)
    skipped = [i for i in others if _is_index(table, i)]
    _check_one_of_name(table, path)
    if not labels:
        one_label = source.label_delimiter == ""
        labels = find_label_columns(table, path, [i for i in others if i not in skipped], one_label)
    for label in labels:
        _check_one_of_name(table, label)
    check_subsets(table, labels)
    found = tuple(table.header[i] for i in labels) if len(labels) > 1 else ()
    names = tuple(table.header[i] for i in skipped if i not in labels)
    return Columns(path, labels, source.label_columns or found, names)


def _given_labels(table: TableFile, source: Table) -> tuple[int, ...]:
    """The positions of the columns of labels that the user gave; none: they are to be found."""
    label = _named(table, "label_column", source.label_column)
    if label is not None:
        return (label,)
    positions = {name: _position(table, "label_column", name) for name in source.label_columns}
    missing = [name for name, position in positions.items() if position is None]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        raise InvalidValue(
            f"label_column: {table.name} lacks the {noun} {quoted(missing)}.{suggestion(missing[0], table.header)} "
            f"Columns: {quoted(table.header)}"
        )
    found = tuple(position for position in positions.values() if position is not None)
    if len({*found}) < len(source.label_columns):
        raise InvalidValue(f"label_column names a column of {table.name} twice: {quoted(source.label_columns)}")
    return found


def _named(table: TableFile, argument: str, name: str | None) -> int | None:
    """The position of the column of a name that the user gave; its case matters only where it must."""
    if name is None:
        return None
    position = _position(table, argument, name)
    if position is not None:
        return position
    raise InvalidValue(
        f"{argument}={shown(name)}: {table.name} has no such column.{suggestion(name, table.header)} "
        f"Columns: {quoted(table.header)}"
    )


def _position(table: TableFile, argument: str, name: str) -> int | None:
    """The position of the column of a name; None if there is none."""
    for same in (lambda text: text == name.strip(), lambda text: column_names.plain(text) == column_names.plain(name)):
        positions = [i for i, text in enumerate(table.header) if same(text)]
        if len(positions) == 1:
            return positions[0]
        if positions:
            raise InvalidValue(
                f"{argument}={shown(name)}: {table.name} has {len(positions)} columns of that name; rename one"
            )
    return None


def _without_groups(table: TableFile, others: Sequence[int], group: str) -> list[int]:
    given = _given_group(table, group)
    groups = [i for i in others if i == given or column_names.rank(table.header[i], GROUP_NAMES) is not None]
    left = [i for i in others if i not in groups]
    # by their names
    labels = [i for i in others if column_names.rank(table.header[i], LABEL_NAMES) is not None]
    if labels and labels == [given]:
        raise _is_taken(table, group, "classes")
    if groups and all(_is_index(table, i) for i in left):
        raise DatasetError(
            f"{table.name} has no column of classes beside {quoted([table.header[i] for i in groups])}, which by name or by "
            f"group= holds patients or other groups: add one, or name it with label_column=. Columns: {quoted(table.header)}"
        )
    return left


def _is_taken(table: TableFile, group: str, kind: str) -> InvalidValue:
    return InvalidValue(
        f"group={shown(group)} is the column of the {kind} in {table.name}: name the one of the patients, or of what else "
        f"the images are grouped by; label_column= says which one is that of the classes. Columns: {quoted(table.header)}"
    )


def _given_group(table: TableFile, group: str) -> int | None:
    """The position of the column that the user named as that of the groups; None if there is none."""
    if group in ("", AUTO):
        return None
    # a pattern is compared as it is written: without what is not a letter, `(\d+)` is the name `d`
    position = _position(table, "group", group) if "(" not in group and column_names.plain(group) else None
    return (
        next((i for i, name in enumerate(table.header) if name == group.strip()), None)
        if position is None
        else position
    )


def find_groups(table: TableFile, used: Columns, group: str, needed: bool = True) -> list[int]:
    """The positions of the columns that may hold the groups of images, such as patients, the one with the best name first.

    Args:
        used: the columns of paths and labels, which are never taken. group: as in the spec.
        needed: False for a test set, which is not split and may lack them.

    Raises:
        InvalidValue: `group` names one of the used columns, or is neither a column nor a pattern.
    """
    if group == "":
        return []
    taken = (used.path, *used.labels)
    if group == AUTO:
        ranks = {i: column_names.rank(name, GROUP_NAMES) for i, name in enumerate(table.header) if i not in taken}
        named = {i: rank for i, rank in ranks.items() if rank is not None}
        return sorted(named, key=named.__getitem__)
    position = _given_group(table, group)
    if not needed and (position is None or position in taken):
        return []
    if position is None and group_rule.pattern(group) is None:
        raise InvalidValue(
            f"group={shown(group)}: {table.name} has no such column, and a pattern over the paths needs parentheses, such as "
            f"{group_rule.EXAMPLE}.{suggestion(group, table.header)} Columns: {quoted(table.header)}"
        )
    if position in taken:
        raise _is_taken(table, group, "paths" if position == used.path else "classes")
    return [] if position is None else [position]


def is_vague(name: str) -> bool:
    """Whether the name of a column of groups says so little that it must have several values."""
    return column_names.plain(name) in VAGUE_GROUP_NAMES


def same_name(first: str, second: str) -> bool:
    """Whether two names of columns are the same, as `patient_id` and `Patient ID` are."""
    return column_names.plain(first) == column_names.plain(second)


def _check_one_of_name(table: TableFile, index: int) -> None:
    """Refuse a column that another one of the same name contradicts."""
    same = [i for i, name in enumerate(table.header) if name == table.header[index] and i != index]
    name = table.header[index]
    if name and any(not table.column(i).equals(table.column(index)) for i in same):
        raise DatasetError(
            f"{table.name} has {len(same) + 1} columns called {name!r} with different cells: rename or remove the others"
        )


def _check_header(table: TableFile, files: FolderFiles) -> None:
    for cell in table.header:
        if os.path.splitext(cell)[1].lower() in EXTENSIONS or (cell and files.exact(cell)):  # noqa: PTH122
            raise _no_header(table, cell)


def _check_header_below(table: TableFile) -> None:
    """Refuse a table with a title above its header."""
    if any(column_names.rank(name, (*PATH_NAMES, *LABEL_NAMES)) is not None for name in table.header):
        return
    for row in range(min(MAX_TITLE_LINES, len(table.cells))):
        cells = [cell.strip() for cell in table.cells.iloc[row] if cell.strip()]
        kinds = [
            kind
            for kind in (PATH_NAMES, LABEL_NAMES)
            if any(column_names.rank(cell, kind) is not None for cell in cells)
        ]
        if len(kinds) == 2:
            raise DatasetError(
                f"{table.name}: its header seems to be line {row + 2}, {shown(', '.join(cells))}: remove the lines above it "
                f"(pandas: read_csv(..., skiprows={row + 1}))"
            )


def _no_header(table: TableFile, cell: str) -> DatasetError:
    return DatasetError(
        f"{table.name} has no header: its first line names the file {shown(cell)}. Write a line with the names of the columns "
        "above it, such as image,label (pandas: read_csv(..., names=['image', 'label']))"
    )


def _path_column(table: TableFile, files: FolderFiles, labels: Sequence[int]) -> int:
    """The column whose cells name files of the folder; of several, the one with the best name."""
    positions = [i for i in range(len(table.header)) if i not in labels]
    rows = np.unique(np.linspace(0, len(table.cells) - 1, SAMPLED_ROWS).astype(int)) if len(table.cells) else []
    samples = {i: [cell for cell in table.cells.iloc[rows, i].str.strip() if cell] for i in positions}
    shares = {i: _share([files.exact(cell) is not None for cell in samples[i]]) for i in positions}
    if max(shares.values(), default=0.0) == 0.0:
        shares = {i: _share([bool(files.similar(cell)) for cell in samples[i]]) for i in positions}
        first = _best(table, shares)
        # a header that is a file's name without ending is a row like the others; `image` above `image.png` is not
        if (
            first is not None
            and column_names.rank(table.header[first], PATH_NAMES) is None
            and files.similar(table.header[first] or " ")
        ):
            raise _no_header(table, table.header[first])
    found = _best(table, shares)
    if found is not None:
        return found
    # no file is there: the column that claims to name them, so that the message is about them
    by_name = {i: rank for i in positions if (rank := column_names.rank(table.header[i], PATH_NAMES)) is not None}
    return min(by_name, key=by_name.__getitem__) if by_name else positions[0]


def _best(table: TableFile, shares: dict[int, float]) -> int | None:
    """The column with files; None if there is none."""
    most = max(shares.values(), default=0.0)
    if most == 0.0:
        return None
    candidates = [i for i, share in shares.items() if share >= most / 2]
    ranks = {i: rank for i in candidates if (rank := column_names.rank(table.header[i], PATH_NAMES)) is not None}
    if ranks:
        return min(ranks, key=ranks.__getitem__)
    candidates = [i for i in candidates if not _is_index(table, i)] or candidates
    if len(candidates) > 1:
        raise DatasetError(
            f"{table.name} names files of the folder in several columns: {quoted([table.header[i] for i in candidates])}. "
            "Say which one to use with path_column="
        )
    return candidates[0]


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0


def _is_used(table: TableFile, index: int) -> bool:
    """Whether a column has a name or a cell that is not empty."""
    return bool(table.header[index]) or bool((table.column(index) != "").any())


def _is_index(table: TableFile, index: int) -> bool:
    """Whether a column only numbers the rows; its name says so, or it has none."""
    return column_names.plain(table.header[index]) in INDEX_NAMES and bool(
        table.column(index).str.fullmatch(r"\d+(\.0)?").all() and table.column(index).is_unique
    )
