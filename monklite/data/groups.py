"""The group of each image, such as its patient: from a column of the table, or from the names of the files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .. import group_rule
from ..errors import InvalidValue, shown
from ..printable import printable
from ..rules import AUTO
from ..spec import SPLIT, DataSpec, Folders, ResolvedData, Source
from .samples import Samples, as_column, concatenate

# a pattern that is found by itself matches this share of the images of a class at least
MIN_SHARE = 0.9
# images of each class that are looked at first, evenly spread; a pattern that matches few of them is not tried further
SAMPLED_IMAGES, MIN_SAMPLED_SHARE = 100, 0.5

_WORD = re.compile(
    r"(?<![^\W_])(?:person|patient|subject|participant|subj|sub|pat|pid|case)[-_ ]?[0-9]+", re.IGNORECASE
)
# as in Kermany's X-rays, IM-0115-0001 and NORMAL2-IM-0285-0001-0002, and other exports of DICOM viewers
_SERIES = re.compile(r"(.*?(?<![^\W_])IM-[0-9]+)(?:-[0-9]+)+", re.IGNORECASE)
# as in ChestX-ray14, 00000013_005; a date is no patient
_NUMBER = re.compile(r"(?!(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])_)(\d{8})_\d{3}", re.ASCII)


def _by_word(path: str) -> str:
    match = _WORD.search(path)
    return match.group().lower() if match else ""


def _by_series(path: str) -> str:
    # numbers of series are counted anew in each folder, so the folder is part of the group
    match = _SERIES.fullmatch(path.rpartition(".")[0])
    return match[1] if match else ""


def _by_number(path: str) -> str:
    match = _NUMBER.fullmatch(path.rpartition("/")[2].rpartition(".")[0])
    return match[1] if match else ""


PLAIN_PATTERNS: tuple[Callable[[str], str], ...] = (_by_word, _by_series, _by_number)


@dataclass(frozen=True)
class Grouping:
    """How images are grouped. `by`: in words. `found`: by itself, not as the user said. `ungrouped`: images without a group."""

    by: str
    found: bool
    ungrouped: str


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

    Args:
        tables: one per source; those read from a table have the groups of their column already. group: as in the spec.

    Raises:
        InvalidValue: a given pattern matches no image, or a given column is empty or is in one of two tables only.
    """
    samples = concatenate(tables)
    if group == "":
        return samples, None
    columns = [table.group_column for table in tables]
    if group == AUTO:
        return _found(samples, tables, sources) if len(samples) else (samples, None)
    if all(columns):
        if not (samples.groups != "").any():
            raise InvalidValue(
                f"group={shown(group)}: no image has a value in this column; give another column, or group=''"
            )
        return samples, Grouping(f"column {columns[0]!r}", False, "without a value in it")
    if any(columns):
        raise InvalidValue(
            f"group={shown(group)}: only one of the two tables has such a column; add it to the other one"
        )
    return _matched(samples, _names(tables, sources), group), Grouping("file name", False, "that it does not match")


def _names(tables: Sequence[Samples], sources: Sequence[Source]) -> list[str]:
    """The paths that patterns are matched with: without class folders, whose names are those of classes."""
    names: list[str] = []
    for table, source in zip(tables, sources, strict=True):
        if isinstance(source, Folders):
            names += [path.partition("/")[2] for path in table.paths]
        else:
            names += table.paths.tolist()
    return names


def _matched(samples: Samples, names: Sequence[str], group: str) -> Samples:
    pattern = group_rule.pattern(group)
    if pattern is None:
        raise InvalidValue(f"group={shown(group)} is no pattern with parentheses, such as {group_rule.EXAMPLE}")
    matches = (pattern.search(name) for name in names)
    groups = as_column([match[1] or "" if match else "" for match in matches])
    if not (groups != "").any():
        raise InvalidValue(
            f"group={shown(group)} matches none of the {len(names)} file names, such as {printable(names[0])!r}: put parentheses "
            f"around what the names of a group share, such as {group_rule.EXAMPLE}, or give group='' to split image by image"
        )
    return replace(samples, groups=groups, group_column="")


def _found(samples: Samples, tables: Sequence[Samples], sources: Sequence[Source]) -> tuple[Samples, Grouping | None]:
    """Images grouped by a column or by patterns of file names, where that is plain."""
    if all(table.group_column for table in tables) and _is_plain(samples):
        return samples, Grouping(f"column {tables[0].group_column!r}", True, "without a value in it")
    names = _below_common_folders(tables, _names(tables, sources))
    grouped = replace(samples, groups=_by_plain_patterns(samples, names), group_column="")
    if _is_plain(grouped):
        return grouped, Grouping("file name", True, "with other names")
    return replace(samples, groups=as_column([""] * len(samples)), group_column=""), None


def _is_plain(samples: Samples) -> bool:
    """Whether some images share a group, and groups are not just the classes: most classes have images of several."""
    if not is_grouped(samples):
        return False
    _, group = np.unique(_keys(samples.groups), return_inverse=True)
    if not samples.task.exclusive:
        return bool(group.max() > 0)
    n_groups = np.bincount(np.unique(samples.labels * len(group) + group) // len(group))
    return bool((n_groups > 1).sum() >= (n_groups == 1).sum())


def is_grouped(samples: Samples) -> bool:
    """Whether at least two images share a group."""
    named = samples.groups[samples.groups != ""]
    return len(set(named.tolist())) < len(named)


def _keys(groups: np.ndarray) -> np.ndarray:
    """The groups as text, with a name of its own for each image that has none."""
    keys = groups.copy()
    # no name of a group has a NUL
    keys[groups == ""] = [f"\0{row}" for row in np.flatnonzero(groups == "")]
    return keys


def _below_common_folders(tables: Sequence[Samples], names: Sequence[str]) -> list[str]:
    """The names without the folders that are those of all images of a source: they tell nothing about one of them."""
    below: list[str] = []
    for table in tables:
        mine = names[len(below) : len(below) + len(table)]
        start = os.path.commonprefix(mine).rpartition("/")[0]
        below += [name[len(start) :].lstrip("/") for name in mine]
    return below


def _by_plain_patterns(samples: Samples, names: Sequence[str]) -> np.ndarray:
    """The group of each image by the first of the patterns that fit this data set, `""` where none matches."""
    groups = as_column([""] * len(names))
    if samples.task.exclusive:
        order = np.argsort(samples.labels, kind="stable")
        rows_of_classes = np.split(order, np.flatnonzero(np.diff(samples.labels[order])) + 1)
    else:
        rows_of_classes = [np.flatnonzero(has) for has in samples.labels.T]
    rows_of_classes = [rows for rows in rows_of_classes if len(rows)]
    for pattern in PLAIN_PATTERNS:
        if not any(_share(pattern, names, _sampled(rows)) >= MIN_SAMPLED_SHARE for rows in rows_of_classes):
            continue
        found = as_column([pattern(name) for name in names])
        matched = found != ""
        if max(matched[rows].mean() for rows in rows_of_classes) >= MIN_SHARE:
            groups = np.where(groups == "", found, groups)
    return groups


def _sampled(rows: np.ndarray) -> np.ndarray:
    return rows[np.unique(np.linspace(0, len(rows) - 1, SAMPLED_IMAGES).astype(int))]


def _share(pattern: Callable[[str], str], names: Sequence[str], rows: np.ndarray) -> float:
    return sum(pattern(names[row]) != "" for row in rows) / len(rows)


def count(samples: Samples) -> int:
    """The number of groups; an image without a group is one."""
    named = samples.groups[samples.groups != ""]
    return len(set(named.tolist())) + len(samples) - len(named)


def describe(samples: Samples, grouping: Grouping) -> str:
    """The remark about the groups of images that are in training and validation."""
    used = samples.take(np.flatnonzero(np.isin(samples.subsets, range(len(SPLIT))) & (samples.problems == "")))
    n_ungrouped = int(np.count_nonzero(used.groups == ""))
    told = f"{len(used)} images of {count(used)} groups by {grouping.by}{_example(used)}"
    if n_ungrouped:
        noun = "image" if n_ungrouped == 1 else "images"
        told += f", {n_ungrouped} {noun} {grouping.ungrouped} counted as a group each"
    in_train, in_val = (used.groups[used.rows_of(subset)] for subset in SPLIT)
    shared = set(in_train.tolist()) & set(in_val.tolist()) - {""}
    if shared:
        n_images = int(np.isin(in_val, sorted(shared)).sum())
        groups = "a group that is" if len(shared) == 1 else f"{len(shared)} groups that are"
        return (
            f"{told}: {n_images} of the {len(in_val)} validation images are of {groups} in training too, such as "
            f"{printable(min(shared))!r}, so validation looks better than it is"
        )
    if len(samples.roots) > 1:
        return f"{told}: no group is in training and in validation"
    hint = " (group='' splits image by image)" if grouping.found else ""
    return f"{told}: images of a group stay on one side of the split{hint}"


def _example(samples: Samples) -> str:
    """The first group of several images, and the file of one of them; empty if there is no such group."""
    named = samples.groups[samples.groups != ""]
    names, first, counts = np.unique(named, return_index=True, return_counts=True)
    if not len(names) or counts.max() < 2:
        return ""
    row = np.flatnonzero(samples.groups != "")[first[counts > 1].min()]
    path = samples.paths[row]
    # a pattern may match a folder
    name = path.rpartition("/")[2]
    place = name if samples.groups[row].lower() in name.lower() or samples.group_column else path
    return f" (such as {printable(samples.groups[row])!r} from {printable(place)})"
