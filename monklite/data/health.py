"""What is wrong with a dataset: files that cannot be read are left out, listed and told."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import DatasetError
from ..files import write_text
from .discover import Samples

MOST_UNREADABLE = 0.2  # a larger share means that something else is wrong, such as a broken download


def readable(samples: Samples, problems: Mapping[int, str]) -> np.ndarray:
    """Rows of the images that can be used.

    Raises:
        DatasetError: too many are unreadable, or all of one class.
    """
    keep = np.ones(len(samples), dtype=bool)
    keep[list(problems)] = False
    first = next(iter(problems.values()), "")
    counts = np.bincount(samples.labels[keep], minlength=len(samples.classes))
    present = np.bincount(samples.labels, minlength=len(samples.classes))
    for name, count, before in zip(samples.classes, counts, present, strict=True):
        if before and not count:
            raise DatasetError(f"none of the {before} images of class {name!r} can be read; the first: {first}")
    if len(problems) > MOST_UNREADABLE * len(samples):
        raise DatasetError(
            f"{len(problems)} of {len(samples)} images cannot be read, more than {MOST_UNREADABLE:.0%}; the first: {first}. "
            "Repair or remove them"
        )
    return np.flatnonzero(keep)


def write(path: Path, reports: Mapping[str, Mapping[str, str]]) -> None:
    """List the odd files as CSV. `reports`: subset -> path -> what is wrong."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("subset", "path", "problem", "done"))
    for subset, problems in reports.items():
        rows.writerows((subset, file, problem, "left out") for file, problem in problems.items())
    write_text(path, text.getvalue())
