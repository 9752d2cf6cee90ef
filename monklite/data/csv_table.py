"""Find the images that a CSV table names, with their classes."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np

from ..errors import DatasetError, NotFound
from .discover import Samples, _check_classes, _existing_folder


def from_csv(root: str | os.PathLike[str], table: str | os.PathLike[str], delimiter: str = ",") -> Samples:
    """Read a CSV file with a header: column 1 the image's path under `root`, column 2 its class.

    Raises:
        NotFound: the folder, the file, or an image that the file names is not there.
        DatasetError: not such a table, fewer than two classes, a file without a class, or one that is named twice.
    """
    import pandas as pd

    base = _existing_folder(root)
    if not Path(table).is_file():
        raise NotFound(f"{table} is not there: path_to_csv must name a CSV file")
    try:
        frame = pd.read_csv(
            table, sep=delimiter, dtype=str, keep_default_na=False, index_col=False, usecols=lambda c: True
        )
    except ValueError as error:  # undecodable text, no header, an open quote
        raise DatasetError(f"{table} cannot be read as a table separated by {delimiter!r} in UTF-8: {error}") from None
    if frame.shape[1] < 2:
        raise DatasetError(
            f"{table} has one column; it needs two, image and class, separated by {delimiter!r} (see delimiter=)"
        )
    frame = frame.fillna("")  # where a line ends early
    paths: list[str] = frame.iloc[:, 0].str.strip().str.replace("\\", "/", regex=False).tolist()
    names = frame.iloc[:, 1].str.strip()
    unnamed = np.flatnonzero(names == "")
    if len(unnamed):
        raise DatasetError(f"{table} gives no class for {len(unnamed)} files, the first: {paths[unnamed[0]]}")
    _check_listed(base, table, paths)
    labels, classes = pd.factorize(names, sort=True)
    order = sorted(range(len(paths)), key=paths.__getitem__)
    samples = Samples(
        base, tuple(map(str, classes)), tuple(map(paths.__getitem__, order)), labels[order].astype(np.int64)
    )
    _check_classes(samples)
    return samples


def _check_listed(base: Path, table: str | os.PathLike[str], paths: list[str]) -> None:
    missing = [p for p in paths if not os.path.isfile(os.path.join(base, p))]  # noqa: PTH113, PTH118 (a third of the time)
    if missing:
        raise NotFound(f"{table} names {len(missing)} files that are not in {base}, the first: {missing[0]}")
    if len(set(paths)) < len(paths):
        twice = [p for p, n in Counter(paths).items() if n > 1]
        raise DatasetError(f"{table} names {len(twice)} files more than once, the first: {twice[0]}")
