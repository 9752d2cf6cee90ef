"""Folders of patients below the class folders: found where they are many and small; see `docs/decisions/0023-patients.md`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..printable import printable
from .samples import as_column
from .subfolders import names_images, names_masks, names_subset

# of all classes together, and of each of them
MIN_FOLDERS, MIN_OF_CLASS = 8, 3
# names of this share have a digit, as `Ja83`; kinds within a class, such as breeds, have none
MIN_WITH_DIGIT = 0.9
# of which it is looked up how most of them are called, evenly spread
SAMPLED_NAMES = 200
# folders below each other that are looked at
MAX_DEPTH = 3
# what folders are called that hold parts of a data set, and no patients: `site1`, `fold 3`, `40X`
_PART = re.compile(
    r"(?:(?:site|cent(?:er|re)|hospital|clinic|fold|part|batch|set|split|cam(?:era)?|scanner|device|year|month|week|day|view|"
    r"angle|zoom|scale)s?[-_ ]?(?:\d{1,3}|[a-z])?|\d+x)",
    re.IGNORECASE,
)
# a year or a day, but `2019` may also be the number of a patient
_DATE = re.compile(r"(?:19|20)\d\d(?:[-_.]?\d\d){0,2}", re.ASCII)


@dataclass(frozen=True)
class SubFolders:
    """Sub-folders that hold all images, several for each class.

    `groups`: the name of each image's folder. `number`: of the folders. `depth`: how many folders are above them. `fit`: whether
    they are taken as groups by themselves.
    """

    groups: np.ndarray
    number: int
    depth: int
    fit: bool

    def hint(self, above: int | None) -> str:
        """How to take them as groups; `above`: the folders above them all that `groups` was found without, None: it differs."""
        n_skipped = 0 if above is None else above + self.depth
        skipped = f"(?:[^/]*/){{{n_skipped}}}" if n_skipped else ""
        example = "a pattern that matches it" if above is None else f"r'^{skipped}([^/]+)/'"
        return (
            f"the images lie in {self.number} sub-folders, such as {printable(min(self.groups))!r}, which are not used as "
            "groups: images of one may be on both sides, in training and in validation. If each holds one patient, give "
            f"group={example}"
        )


def find(names: Sequence[str], rows_of_classes: Sequence[np.ndarray], are_series: bool) -> SubFolders | None:
    """The uppermost sub-folders that may be those of patients; None if there are none.

    Args:
        names: the paths of the images below their class folders. rows_of_classes: the rows of each class.
        are_series: whether numbers in the names start anew in each folder, as in a folder of DICOM files of one patient; then
            the folders need no digits in their names.
    """
    if not all("/" in name for name in names):
        return None
    parts = [name.split("/") for name in names]
    places = as_column([""] * len(names))
    for depth in range(min(MAX_DEPTH, min(map(len, parts)) - 1)):
        groups = as_column([part[depth] for part in parts])
        places = places + "/" + groups
        number = len(set(places.tolist()))
        folders = [set(places[rows].tolist()) for rows in rows_of_classes]
        if number == len(names):
            return None
        if min(map(len, folders), default=0) < MIN_OF_CLASS or _most(groups, _is_part):
            continue
        small = all(len(rows) <= number * len(mine) for rows, mine in zip(rows_of_classes, folders, strict=True))
        # `visit1` below several folders of patients is not one group
        distinct = all(len({place.rpartition("/")[2] for place in mine}) == len(mine) for mine in folders)
        named = are_series or _most(groups, _has_digit, MIN_WITH_DIGIT)
        fit = number >= MIN_FOLDERS and small and distinct and named and not _most(groups, _is_date)
        return SubFolders(groups, number, depth, fit)
    return None


def _most(groups: np.ndarray, is_so: Callable[[str], bool], share: float = 0.5) -> bool:
    names = sorted(set(groups.tolist()))
    names = names[:: max(1, len(names) // SAMPLED_NAMES)]
    return sum(map(is_so, names)) >= share * len(names)


def _is_part(name: str) -> bool:
    return bool(_PART.fullmatch(name) or names_subset(name)) or names_images(name) or names_masks(name)


def _is_date(name: str) -> bool:
    return bool(_DATE.fullmatch(name))


def _has_digit(name: str) -> bool:
    return any(c.isdigit() for c in name)


def each_in_one(groups: np.ndarray, folders: np.ndarray) -> bool:
    """Whether no group has images in several folders."""
    pairs = {(group, folder) for group, folder in zip(groups.tolist(), folders.tolist(), strict=True) if group}
    return len({group for group, _ in pairs}) == len(pairs)
