"""The group of each image, such as its patient: from a column of the table, or from the names of the files."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import group_rule
from ..errors import DatasetError, InvalidValue, shown
from ..printable import printable
from ..rules import AUTO
from ..spec import DataSpec, Folders, ResolvedData, Source
from . import group_folders, group_names, group_patterns
from .group_names import visible
from .group_told import BOTH_SIDES, Grouping, count, example, is_grouped, why_not_used
from .samples import GroupColumn, Samples, as_column, concatenate
from .table_columns import MIN_VAGUE_GROUPS, is_vague, same_name


def check_setting(data: DataSpec | ResolvedData) -> None:
    """Check, before any file is read, that `group` fits the kind of the sources.

    Raises:
        InvalidValue: images in class folders, and a value that is no pattern.
    """
    is_of_folders = bool(data.sources) and all(isinstance(source, Folders) for source in data.sources)
    if data.group not in ("", AUTO) and is_of_folders and group_rule.pattern(data.group) is None:
        raise InvalidValue(
            f"group={shown(data.group)} has no parentheses: for images in class folders it must be a pattern over their file "
            f"names with parentheses around the group, such as {group_rule.EXAMPLE}; the name of a column goes with a table "
            "(path_to_csv=)"
        )


def assign(tables: Sequence[Samples], sources: Sequence[Source], group: str) -> tuple[Samples, Grouping | None]:
    """The tables as one, with the group of each image; None if images are not grouped.

    What the user should know about groups that are not used is added to the remarks.

    Args:
        tables: one per source; those read from a table have the columns that may hold groups. group: as in the spec.

    Raises:
        InvalidValue: a given pattern matches no image, or a given column is empty or is in one of two tables only.
        DatasetError: the column names two groups for one file.
    """
    samples = replace(concatenate(tables), group_columns=())
    if group == "" or not len(samples):
        return samples, None
    if group == AUTO:
        return _found(samples, tables, sources)
    columns = [table.group_columns[0] for table in tables if table.group_columns]
    if not columns:
        return _matched(samples, _names(tables, sources), group)
    if len(columns) < len(tables):
        raise InvalidValue(
            f"group={shown(group)}: only one of the two tables has such a column; add it to the other one"
        )
    samples, grouping = _by_column(samples, columns, found=False)
    if not (samples.groups != "").any():
        raise InvalidValue(
            f"group={shown(group)}: no image has a value in this column; give another column, or group=''"
        )
    _check_conflicts(columns)
    return samples, grouping


def assign_for_testing(samples: Samples, source: Source, group: str) -> tuple[Samples, bool]:
    """A test set with the group of each image, and whether any two share one; arguments as of `assign`.

    Groups widen the intervals of the figures and nothing else, so their lack is a remark and no error.
    """
    ungrouped = replace(samples, group_columns=())
    try:
        grouped, grouping = assign([samples], [source], group)
    except (InvalidValue, DatasetError) as error:
        remark = f"each test image stands for itself in the intervals, not its patient or other group: {error}"
        return replace(ungrouped, remarks=(*samples.remarks, remark)), False
    # where no two images share a group, they can be those of training images all the same
    if grouping is None:
        return replace(ungrouped, groups=_alone(samples, source, group)), False
    if not is_grouped(grouped):
        return grouped, False
    remark = (
        f"{len(grouped)} test images of {count(grouped)} groups by {grouping.by}{example(grouped)}: the intervals take into "
        "account that images of a group are alike"
    )
    return replace(grouped, remarks=(*samples.remarks, remark)), True


def _alone(samples: Samples, source: Source, group: str) -> np.ndarray:
    """The groups that would be found if several images shared them; `""` where there are none."""
    if group != AUTO or not len(samples):
        return samples.groups
    columns = samples.group_columns
    found = _by_column(samples, columns[:1], found=True) if columns else _by_names(samples, [samples], [source])
    return found[0].groups


def _by_column(samples: Samples, columns: Sequence[GroupColumn], found: bool) -> tuple[Samples, Grouping]:
    """The images, grouped by a column that all tables have."""
    groups, spellings = group_names.joined(np.concatenate([column.cells for column in columns]))
    name = columns[0].name
    grouping = Grouping(f"column {name!r}", found, "without a value in it", spellings)
    return replace(samples, groups=groups, group_column=name), grouping


def _check_conflicts(columns: Sequence[GroupColumn]) -> None:
    for column in columns:
        if column.conflict:
            raise DatasetError(column.conflict)


def _names(tables: Sequence[Samples], sources: Sequence[Source]) -> list[str]:
    """The paths that patterns are matched with: without class folders, whose names are those of classes."""
    names: list[str] = []
    for table, source in zip(tables, sources, strict=True):
        if isinstance(source, Folders):
            names += [path.partition("/")[2] for path in table.paths]
        else:
            names += table.paths.tolist()
    return names


def _matched(samples: Samples, names: Sequence[str], group: str) -> tuple[Samples, Grouping]:
    # names and pattern in the same form of Unicode; a pattern for characters that are not seen is matched as it is written
    patterns = [group_rule.pattern(unicodedata.normalize("NFC", group)), group_rule.pattern(group)]
    seen, as_written = patterns
    if seen is None or as_written is None:
        raise InvalidValue(f"group={shown(group)} is no pattern with parentheses, such as {group_rule.EXAMPLE}")
    matches = (seen.search(visible(name)) or as_written.search(name) for name in names)
    # of `(person\d+)|(subj\d+)` those parentheses count that matched
    found = as_column([next(filter(None, match.groups()), "") if match else "" for match in matches])
    if not (found != "").any():
        raise InvalidValue(
            f"group={shown(group)} matches none of the {len(names)} file names, such as {printable(names[0])!r}: put parentheses "
            f"around what the names of a group share, such as {group_rule.EXAMPLE}, or give group='' to split image by image"
        )
    groups, spellings = group_names.joined(found)
    return replace(samples, groups=groups), Grouping("file name", False, "that it does not match", spellings)


def _found(samples: Samples, tables: Sequence[Samples], sources: Sequence[Source]) -> tuple[Samples, Grouping | None]:
    """Images grouped by a column, by sub-folders or by patterns of file names, where that is plain."""
    unused: list[str] = []
    for columns in _columns_of_all(tables):
        grouped, grouping = _by_column(samples, columns, found=True)
        if is_vague(columns[0].name) and len(set(grouped.groups.tolist()) - {""}) < MIN_VAGUE_GROUPS:
            continue
        reason = why_not_used(grouped)
        if not reason:
            _check_conflicts(columns)
            return grouped, grouping
        if is_grouped(grouped) or not (grouped.groups != "").any():
            unused.append(f"column {columns[0].name!r} is not used as groups, because {reason}; {BOTH_SIDES}")
    if not all(table.group_columns for table in tables):
        named = [column.name for table in tables for column in table.group_columns if not is_vague(column.name)]
        unused += [
            f"column {name!r} is not used as groups, because training and validation do not both have one; {BOTH_SIDES}"
            for name in named[:1]
        ]
    grouped, by_name, hints = _by_names(samples, tables, sources)
    reason = why_not_used(grouped)
    if reason and is_grouped(grouped):
        unused.append(f"the groups by {by_name.by}{example(grouped)} are not used, because {reason}; {BOTH_SIDES}")
    if reason:
        grouped = samples
    return replace(grouped, remarks=(*samples.remarks, *unused, *hints)), None if reason else by_name


def _columns_of_all(tables: Sequence[Samples]) -> list[list[GroupColumn]]:
    """The columns that may hold groups and that all tables have, the best first."""
    if not all(table.group_columns for table in tables):
        return []
    first, *others = (table.group_columns for table in tables)
    shared = [
        [column, *(next(c for c in other if same_name(c.name, column.name)) for other in others)]
        for column in first
        if all(any(same_name(c.name, column.name) for c in other) for other in others)
    ]
    # `patient` in one table and `subject` in the other
    return shared or [[table.group_columns[0] for table in tables]]


def _by_names(
    samples: Samples, tables: Sequence[Samples], sources: Sequence[Source]
) -> tuple[Samples, Grouping, list[str]]:
    """Images grouped by their sub-folders or their file names, and hints about folders that may be those of patients."""
    full = _names(tables, sources)
    names = group_patterns.below_common_folders(tables, [visible(name) for name in full])
    rows_of_classes = _rows_of_classes(samples)
    found = group_patterns.by_plain_patterns(names, rows_of_classes)
    restarts = group_patterns.start_anew(names)
    folders = group_folders.find(names, rows_of_classes, restarts)
    by, hints = "file name", []
    if folders and folders.fit and group_folders.each_in_one(found, folders.groups):
        by, found = "folder", folders.groups
    elif folders:
        above = {name.count("/") - short.count("/") for name, short in zip(full, names, strict=True)}
        if restarts or not (found != "").any() or folders.fit:
            hints.append(folders.hint(above.pop() if len(above) == 1 else None))
    elif restarts:
        hints.append(
            "numbers such as IM-0001 start anew in each folder, and each is a group of its own: if a folder holds several series "
            r"of one patient, they may be on both sides, in training and in validation; group=r'([^/]+)/[^/]+$' groups by folder"
        )
    groups, spellings = group_names.joined(found)
    return replace(samples, groups=groups), Grouping(by, True, "with other names", spellings), hints


def _rows_of_classes(samples: Samples) -> list[np.ndarray]:
    if samples.task.exclusive:
        order = np.argsort(samples.labels, kind="stable")
        rows = np.split(order, np.flatnonzero(np.diff(samples.labels[order])) + 1)
    else:
        rows = [np.flatnonzero(has) for has in samples.labels.T]
    return [mine for mine in rows if len(mine)]
