"""Patterns of file names that name a group by themselves, such as `person1_virus_6.jpeg`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

import numpy as np

from .samples import Samples, as_column

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


def by_series(path: str) -> str:
    """The series of an image, with its folder, because series are numbered anew in each folder."""
    match = _SERIES.fullmatch(path.rpartition(".")[0])
    return match[1] if match else ""


def _by_number(path: str) -> str:
    match = _NUMBER.fullmatch(path.rpartition("/")[2].rpartition(".")[0])
    return match[1] if match else ""


PLAIN_PATTERNS: tuple[Callable[[str], str], ...] = (_by_word, by_series, _by_number)


def below_common_folders(tables: Sequence[Samples], names: Sequence[str]) -> list[str]:
    """The names without the folders that are those of all images: they tell nothing about one of them.

    If the images of each of two tables have a common folder, such as `train` and `val`, these go as well. A folder that is
    common to one table only stays: `site1` in the other table must remain the same folder.
    """
    names = _without(names, _common_folder(names))
    ends = np.cumsum([0, *map(len, tables)])
    parts = [names[start:end] for start, end in zip(ends[:-1], ends[1:], strict=True)]
    own = [_common_folder(part) for part in parts]
    if not all(own):
        return names
    return [name for part, folder in zip(parts, own, strict=True) for name in _without(part, folder)]


def _common_folder(names: Sequence[str]) -> str:
    return os.path.commonprefix(list(names)).rpartition("/")[0]


def _without(names: Sequence[str], folder: str) -> list[str]:
    return [name[len(folder) :].lstrip("/") for name in names]


def by_plain_patterns(names: Sequence[str], rows_of_classes: Sequence[np.ndarray]) -> np.ndarray:
    """The group of each image by the first of the patterns that fit this data set, `""` where none matches."""
    groups = as_column([""] * len(names))
    for pattern in PLAIN_PATTERNS:
        if not any(_share(pattern, names, _sampled(rows)) >= MIN_SAMPLED_SHARE for rows in rows_of_classes):
            continue
        found = as_column([pattern(name) for name in names])
        matched = found != ""
        if max(matched[rows].mean() for rows in rows_of_classes) >= MIN_SHARE:
            groups = np.where(groups == "", found, groups)
    return groups


def start_anew(names: Sequence[str]) -> bool:
    """Whether most names are those of series, and their numbers start anew in each folder."""
    if _share(by_series, names, _sampled(np.arange(len(names)))) < MIN_SAMPLED_SHARE:
        return False
    series = [found for name in names if (found := by_series(name))]
    distinct = set(series)
    numbers = {name.rpartition("/")[2] for name in distinct}
    return len(numbers) < len(distinct) and len(series) >= MIN_SHARE * len(names)


def _sampled(rows: np.ndarray) -> np.ndarray:
    return rows[np.unique(np.linspace(0, len(rows) - 1, SAMPLED_IMAGES).astype(int))]


def _share(pattern: Callable[[str], str], names: Sequence[str], rows: np.ndarray) -> float:
    return sum(pattern(names[row]) != "" for row in rows) / len(rows)
