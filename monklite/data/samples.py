"""The table of images: one row per image, one column per property.

Discovering, reading, and splitting each fill in columns; until then a column holds a default that means "not known".
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import DatasetError, suggestion
from ..spec import SUBSETS
from ..tasks import MULTIPLE, SINGLE, Task, task_of

DIGEST_BYTES = 16  # enough that two different files practically never have the same digest
DIGEST = np.dtype(f"S{DIGEST_BYTES}")
UNREAD = b""  # the digest of a file that has not been read, or cannot be
NO_SUBSET = -1
COLUMN_NAMES = (
    "paths", "labels", "sources", "file_sizes", "stamps", "settled", "digests", "oddities", "problems", "subsets",
    "groups",
)  # fmt: skip


@dataclass(frozen=True)
class GroupColumn:
    """A column of a table that may hold the groups of the images. `conflict`: why it cannot be used, empty if it can."""

    name: str
    cells: np.ndarray
    conflict: str = ""


@dataclass(frozen=True)
class Samples:
    """Images and their properties; every column is an array of N rows.

    `classes`: names of the labels. `roots`: the folders that paths are relative to, one per source.
    `strays`: the other entries in them. `remarks`: what the user should know about how they were found.

    From discovering: `paths` (text with `/`), `labels` (int64, or bool (N, classes) if an image may have several), `sources`
    (int8, index of the root). From the file system: `file_sizes` (int64, bytes), `stamps` (S16, of path, size and times),
    `settled` (bool, whether the times can be trusted). From reading: `digests` (S16, of the bytes), `oddities` (uint16, of
    `decode.Oddity`), `problems` (text, the reason why it cannot be read; empty: it can). From splitting: `subsets` (int8, index
    in `SUBSETS`, or `NO_SUBSET`). From grouping: `groups` (text, such as the patient; empty: the image is a group of its own);
    `group_column`: the column of the table that they are from, empty if they are from none. From reading a table, until groups
    are assigned: `group_columns`, those that may hold them, the best first. `label_columns`: those that are a class each, in the
    order of the table; empty: the labels are from one column, or from folders.
    """

    classes: tuple[str, ...]
    roots: tuple[Path, ...]
    strays: tuple[str, ...]
    paths: np.ndarray
    labels: np.ndarray
    sources: np.ndarray
    file_sizes: np.ndarray
    stamps: np.ndarray
    settled: np.ndarray
    digests: np.ndarray
    oddities: np.ndarray
    problems: np.ndarray
    subsets: np.ndarray
    groups: np.ndarray
    remarks: tuple[str, ...] = ()
    group_column: str = ""
    group_columns: tuple[GroupColumn, ...] = ()
    label_columns: tuple[str, ...] = ()

    @classmethod
    def from_files(
        cls, root: Path, classes: Sequence[str], paths: Sequence[str], labels: np.ndarray, strays: Sequence[str] = ()
    ) -> Samples:
        """The table of files in one folder."""
        return cls(
            tuple(classes),
            (root,),
            tuple(strays),
            as_column(paths),
            labels,
            sources=_filled(0, np.int8, len(paths)),
            file_sizes=_filled(0, np.int64, len(paths)),
            stamps=_filled(UNREAD, DIGEST, len(paths)),
            settled=_filled(False, np.bool_, len(paths)),
            digests=_filled(UNREAD, DIGEST, len(paths)),
            oddities=_filled(0, np.uint16, len(paths)),
            problems=_filled("", np.object_, len(paths)),
            subsets=_filled(NO_SUBSET, np.int8, len(paths)),
            groups=_filled("", np.object_, len(paths)),
        )

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def task(self) -> Task:
        """The task that the labels are for."""
        return task_of(SINGLE if self.labels.ndim == 1 else MULTIPLE, self.classes)

    def counts(self) -> tuple[int, ...]:
        """Number of images of each class."""
        return self.task.counts(self.labels)

    def file_path(self, row: int) -> str:
        """The full path of an image's file."""
        return path_in(str(self.roots[self.sources[row]]), self.paths[row])

    def take(self, rows: np.ndarray) -> Samples:
        """Some of the images, in the given order."""
        columns = tuple(replace(column, cells=column.cells[rows]) for column in self.group_columns)
        return replace(self, group_columns=columns, **{name: getattr(self, name)[rows] for name in COLUMN_NAMES})

    def rows_of(self, subset: str) -> np.ndarray:
        """The rows of the readable images of a subset."""
        return np.flatnonzero((self.subsets == SUBSETS.index(subset)) & (self.problems == ""))

    def readable(self) -> np.ndarray:
        """The rows of the readable images."""
        return np.flatnonzero(self.problems == "")

    def relabel(self, classes: tuple[str, ...], where: str) -> Samples:
        """The same images with labels for `classes`: classes are matched by name, never by position.

        Names that are the same except for composed and decomposed characters match.

        Raises:
            DatasetError: a class that `classes` does not have.
        """
        if classes == self.classes:
            return self
        by_composed = {_composed(name): name for name in classes}
        exact = set(classes)
        names = [name if name in exact else by_composed.get(_composed(name), name) for name in self.classes]
        extra = sorted(set(names) - exact)
        if extra:
            noun = "class" if len(extra) == 1 else "classes"
            raise DatasetError(
                f"{where} has {noun} {quoted(extra)}, which the training images do not have. "
                f"Classes known: {quoted(classes)}.{suggestion(extra[0], classes)} Rename or remove the folder, or "
                "train with it."
            )
        position = {name: i for i, name in enumerate(classes)}
        indices = np.array([position[name] for name in names], dtype=np.int64)
        return replace(self, classes=classes, labels=self.task.relabel(self.labels, indices, len(classes)))


def path_in(root: str, path: str) -> str:
    """The path of a file in a folder; an absolute path, which a table may have, stays as it is."""
    # half the time of os.path.join
    return path if os.path.isabs(path) else f"{root}/{path}"  # noqa: PTH117


def concatenate(tables: Sequence[Samples]) -> Samples:
    """Concatenate tables with the same classes; each keeps its own roots."""
    if len(tables) == 1:
        return tables[0]
    columns = {name: np.concatenate([getattr(t, name) for t in tables]) for name in COLUMN_NAMES}
    columns["sources"] = np.repeat(np.arange(len(tables), dtype=np.int8), [len(t) for t in tables])
    strays = tuple(stray for t in tables for stray in t.strays)
    remarks = tuple(dict.fromkeys(remark for t in tables for remark in t.remarks))
    roots = tuple(root for t in tables for root in t.roots)
    return replace(tables[0], roots=roots, strays=strays, remarks=remarks, **columns)


def as_column(texts: Sequence[str]) -> np.ndarray:
    """A column of Python strings of any length."""
    column = np.empty(len(texts), np.object_)
    column[:] = texts
    return column


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _filled(value: object, kind: object, n: int) -> np.ndarray:
    """A read-only column of one value, which takes no memory."""
    return np.broadcast_to(np.array(value, kind), n)  # type: ignore[call-overload]


def quoted(names: Sequence[str]) -> str:
    """The first ten names of a list, for a message."""
    shown = ", ".join(repr(n) for n in names[:10])
    return shown + (f" and {len(names) - 10} more" if len(names) > 10 else "")
