"""A table of a share of a dataset's images, for trying things out on few of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..files import make_folder, write_text
from ..spec import SPLIT, Spec, Table
from ..tasks import SEPARATOR
from . import prepare, table_frames
from .samples import Samples
from .table_columns import PATH_NAMES


def choose(samples: Samples, share: float, seed: int, least: int) -> Samples:
    """A random share of the images: of each class, or combination of labels, the same share.

    Args:
        share: above 0, up to 1. seed: the same one gives the same images. least: as many images of each class at least, if it has
            them.
    """
    chosen = np.zeros(len(samples), bool)
    n_images = n_chosen = 0
    for stratum, rows in enumerate(_strata(samples)):
        n_images += len(rows)
        # combinations of labels are many and small, so what rounding takes from one of them is given to the next
        ideal = len(rows) * share if samples.task.exclusive else n_images * share - n_chosen
        taken = np.random.default_rng([seed, stratum]).permutation(rows)[: max(round(ideal), 0)]
        n_chosen += len(taken)
        chosen[taken] = True
    for label, belongs in enumerate(samples.task.membership(samples.labels).T):
        others = np.random.default_rng([seed, label]).permutation(np.flatnonzero(belongs & ~chosen))
        chosen[others[: max(least - np.count_nonzero(belongs & chosen), 0)]] = True
    return samples.take(np.flatnonzero(chosen))


def _strata(samples: Samples) -> list[np.ndarray]:
    """The rows of each class, or combination of labels."""
    strata = samples.task.strata(samples.labels)
    return np.split(np.argsort(strata, kind="stable"), np.cumsum(np.bincount(strata))[:-1])


def write(samples: Samples, folder: Path, stem: str) -> Path:
    """Write images with their labels as CSV, and the columns that may hold groups.

    Labels are in one column per class if those of the images were, else in one column, several of one image separated by `|`.

    A file that has the name and another content is kept: the new one has a number behind its name.

    Raises:
        InvalidValue: names that cannot be stored. StorageError: the file cannot be written.
    """
    import pandas as pd

    columns = {**_labels(samples), **{group.name: group.cells for group in samples.group_columns}}
    image = next(name for name in PATH_NAMES if name not in columns)
    content = table_frames.as_csv(pd.DataFrame({image: samples.paths, **columns}, dtype=object), None, "a table")
    path = next(path for path in _names(folder, stem) if table_frames.content_of(path) in (None, content.encode()))
    make_folder(folder)
    write_text(path, content)
    return path


def _labels(samples: Samples) -> dict[str, Sequence[object]]:
    """The columns of labels."""
    if samples.label_columns:
        numbers = samples.labels.astype(np.int8)
        return {name: numbers[:, samples.classes.index(name)].tolist() for name in samples.label_columns}
    return {"label": [samples.task.text(label) for label in samples.labels]}


class Sampled(NamedTuple):
    """A share of the images of one source. `subset`: what they are for. `total`: the images of the source. `chosen`: those of the
    share. `table`: the share as a source."""

    subset: str
    total: int
    chosen: int
    table: Table


def write_sources(spec: Spec, root: Path, share: float, folder: Path) -> Iterator[Sampled]:
    """Write a table of a share of the images of each source of a spec. `root`: of the workspace.

    Raises:
        NotReady: no dataset is given. NotFound, DatasetError: it cannot be used. InvalidValue, StorageError: as `write`.
    """
    tables = list(prepare.discovered(spec, root))
    for samples, given, subset in zip(tables, spec.data.sources, SPLIT, strict=False):
        # a split needs two images of each class
        chosen = choose(samples, share, spec.data.split_seed, least=3 - len(tables))
        path = write(chosen, folder, f"sampled_dataset_{subset}")
        yield Sampled(subset, len(samples), len(chosen), source(samples, given.path, path))


def source(samples: Samples, path: str, table: Path) -> Table:
    """Such a table as a source of images. Args: `path`: the folder that its paths are relative to."""
    delimiter = None if samples.label_columns else "" if samples.task.exclusive else SEPARATOR
    return Table(path=path, csv=str(table), label_delimiter=delimiter, label_columns=samples.label_columns, reading=2)


def _names(folder: Path, stem: str) -> Iterator[Path]:
    yield folder / f"{stem}.csv"
    yield from (folder / f"{stem}_{number}.csv" for number in count(2))
