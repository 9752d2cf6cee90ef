"""Choose the images and reset their transforms."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from ..data import table_frames
from ..errors import InvalidType, InvalidValue, shown
from ..opening import is_given
from ..rules import Flag, OneOf, PathText, Text, Whole
from ..setting_ranges import MAX_COUNT
from ..spec import DELIMITERS, LABEL_DELIMITERS, Folders, Source, Table, Transforms
from . import messages
from .base import Base
from .checks import api

if TYPE_CHECKING:
    import pandas as pd

Paths = str | os.PathLike[str] | list[Any] | tuple[Any, ...] | bool | None
Tables = Union[Paths, "pd.DataFrame"]


class DatasetMethods(Base):
    """`Dataset_Params`, `Dataset`, `reset_transforms`, `update_dataset`."""

    @api
    def Dataset_Params(
        self,
        dataset_path: Paths = False,
        path_to_csv: Tables = False,
        delimiter: str = ",",
        split: float = 0.9,
        input_size: int = 224,
        batch_size: int | str = 16,
        shuffle_data: bool = True,
        num_processors: int | None = None,
        label_delimiter: str | None = None,
        path_column: str | None = None,
        label_column: str | None = None,
        group: str | bool | None = None,
    ) -> None:
        r"""Choose the images; in evaluation mode, the test images.

        Args:
            dataset_path: a folder with one folder of images per class, or `[train, val]`, two such folders.
            path_to_csv: a table with a header (or two), with a column of files under `dataset_path` and a column of classes:
                a file (CSV, TSV, Excel, Parquet) or a pandas DataFrame. `Dataset()` prints which columns were found.
            delimiter: separator of the columns in a text file; another one is found if this one does not fit.
            split: share of the images used for training, 0 to 1; the rest is for validation. Not used with two folders.
            input_size: side of the network's square input images, px.
            batch_size: images per step; "auto" measures which is the smallest size with nearly the highest speed.
            shuffle_data: whether to use the training images in another order each epoch.
            num_processors: threads that decode images; all processors by default.
            label_delimiter: separator of the labels in a table's cell, such as "|", if an image may have several; "": it has
                one, even if a cell looks like several.
            path_column, label_column: names of the table's columns; found by default.
            group: what keeps images of one patient (or other group) on one side of the split: the name of a column of the table,
                or a pattern (regular expression) over file names, such as `r"(person\d+)_"`: images for which its parentheses (of
                alternatives, the first that match) give the same text are a group. By default (None) a column, sub-folders or
                a pattern are used where it is plain, and printed by `Dataset()`; "" or False: each image on its own.

        Raises:
            InvalidType, InvalidValue: an argument is wrong. Missing folders and tables are reported by `Dataset()`.
        """
        if self._opened.evaluating:
            columns = TableColumns.checked(delimiter, label_delimiter, path_column, label_column)
            source = _test_source(dataset_path, path_to_csv, columns, self._root)
            self._evaluation.use(source)
            return messages.test_details(self._console, source)
        self._change(
            {
                "data.sources": self._sources(
                    dataset_path, path_to_csv, delimiter, label_delimiter, path_column, label_column
                ),
                "data.split": split,
                "data.group": group,
                "data.input_size": input_size,
                "data.batch_size": batch_size,
                "data.shuffle": shuffle_data,
                "data.workers": num_processors,
            }
        )
        return messages.dataset_details(self._console, self._experiment.asked)

    @api
    def Dataset(self) -> None:
        """Find the images, decode them (once for all experiments), split them, and print how many there are.

        Raises:
            NotFound: a folder or table does not exist. DatasetError: they are not a dataset; the message says why.
        """
        tick = self._console.ticker("    reading images")
        if self._opened.evaluating:
            return messages.test_numbers(
                self._console, self._evaluation.prepare(tick), self._evaluation.predictor.task.classes
            )
        data = self._experiment.prepare(tick)
        messages.transforms(self._console, self._experiment.asked, "train", "val")
        return messages.dataset_numbers(self._console, data.record, data.samples.strays, self._experiment.run)

    @api
    def update_dataset(
        self,
        dataset_path: Paths = False,
        split: float = 0.9,
        path_to_csv: Tables = False,
        delimiter: str = ",",
        label_delimiter: str | None = None,
        path_column: str | None = None,
        label_column: str | None = None,
        group: str | bool | None = None,
    ) -> None:
        """Use other images; effective after `Reload()`. Arguments as in `Dataset_Params`."""
        images = self._sources(dataset_path, path_to_csv, delimiter, label_delimiter, path_column, label_column)
        self._change({"data.sources": images, "data.split": split, "data.group": group})
        self._console.say(f"Update: Dataset - {dataset_path}\n")

    @api
    def reset_transforms(self, test: bool = False) -> None:
        """Remove the transforms of training and validation images, or with `test` those of test images."""
        before = self._experiment.requested.data.transforms
        empty = {"test": ()} if Flag()("test", test) else {"train": (), "val": ()}
        self._change(
            {"data.transforms": Transforms(**{"train": before.train, "val": before.val, "test": before.test, **empty})}
        )

    @property
    def _root(self) -> Path:
        """The folder of the workspace."""
        return self._opened.workspace.root

    def _sources(
        self,
        dataset_path: Paths,
        path_to_csv: Tables,
        delimiter: str,
        label_delimiter: str | None,
        path_column: str | None,
        label_column: str | None,
    ) -> tuple[Source, ...]:
        """The spec's sources for the arguments of `Dataset_Params`; a DataFrame is written into the workspace."""
        columns = TableColumns.checked(delimiter, label_delimiter, path_column, label_column)
        return sources(dataset_path, path_to_csv, columns, self._root)


@dataclass(frozen=True)
class TableColumns:
    """How the tables of a call are to be read; the fields are those of `Table`."""

    delimiter: str
    label_delimiter: str | None
    path_column: str | None
    label_column: str | None

    @classmethod
    def checked(cls, delimiter: str, labels: str | None, path_column: object, label_column: object) -> TableColumns:
        """The arguments of a call.

        Raises:
            InvalidType, InvalidValue: one of them is wrong.
        """
        separator = OneOf(DELIMITERS)("delimiter", delimiter)
        label_delimiter = OneOf(LABEL_DELIMITERS)("label_delimiter", labels) if is_given(labels) else None
        return cls(
            separator, label_delimiter, _column("path_column", path_column), _column("label_column", label_column)
        )

    def source(self, folder: str, table: str | pd.DataFrame | None, workspace: Path) -> Source:
        """The spec's source for a folder and its table."""
        if table is None:
            self._check_unused()
            return Folders(path=folder)
        if isinstance(table, str):
            if self.label_delimiter == self.delimiter:
                raise InvalidValue(f"label_delimiter must differ from delimiter, which is {self.delimiter!r} too")
            return self._table(folder, table, self.delimiter)
        return self._table(folder, table_frames.write(table, workspace, self.label_delimiter), ",")

    def _table(self, folder: str, path: str, delimiter: str) -> Table:
        return Table(
            path=folder,
            csv=path,
            delimiter=delimiter,
            label_delimiter=self.label_delimiter,
            path_column=self.path_column,
            label_column=self.label_column,
            reading=2,
        )

    def _check_unused(self) -> None:
        if self.label_delimiter:
            raise InvalidValue("label_delimiter goes with a table: images in class folders have one label each")
        for name in ("path_column", "label_column"):
            if getattr(self, name) is not None:
                raise InvalidValue(f"{name} goes with a table: give path_to_csv= too")


def _column(name: str, value: object) -> str | None:
    """The name of a column; a DataFrame may have numbers as names."""
    if not is_given(value):
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(Whole(limit=MAX_COUNT)(name, value))
    return str(Text()(name, value))


def sources(dataset_path: Paths, path_to_csv: Tables, columns: TableColumns, workspace: Path) -> tuple[Source, ...]:
    """The spec's sources for one path or a list of two."""
    _check_folder(dataset_path)
    if not is_given(dataset_path) or dataset_path is True:
        raise InvalidType(f"dataset_path must be a folder or a list [train, val], not {shown(dataset_path)}")
    folders, tables = _folders(dataset_path), _tables(path_to_csv)
    if tables and len(folders) != len(tables):
        raise InvalidValue("with [train, val] folders give [train, val] tables too, and with one folder one table")
    if not tables:
        return tuple(columns.source(folder, None, workspace) for folder in folders)
    return tuple(columns.source(f, t, workspace) for f, t in zip(folders, tables, strict=True))


def _test_source(dataset_path: Paths, path_to_csv: Tables, columns: TableColumns, workspace: Path) -> Source:
    _check_folder(dataset_path)
    if isinstance(dataset_path, (list, tuple)):
        raise InvalidType("a test set is one folder: Dataset_Params(dataset_path='test folder')")
    if isinstance(path_to_csv, (list, tuple)):
        raise InvalidType("a test set is one table: Dataset_Params(dataset_path='test folder', path_to_csv='test.csv')")
    table = _tables(path_to_csv)
    return columns.source(PathText()("dataset_path", dataset_path), table[0] if table else None, workspace)


def _check_folder(dataset_path: object) -> None:
    if table_frames.is_frame(dataset_path):
        raise InvalidType("dataset_path must be the folder of the images; a DataFrame goes into path_to_csv=")


def _folders(value: Paths) -> list[str]:
    return [PathText()("dataset_path", path) for path in _pair("dataset_path", value)]


def _tables(value: Tables) -> list[str | pd.DataFrame]:
    """The tables in an argument: none, one, or two."""
    return [t if table_frames.is_frame(t) else PathText()("path_to_csv", t) for t in _pair("path_to_csv", value)]


def _pair(name: str, value: Any) -> list[Any]:
    """The values in an argument: none, one, or two."""
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise InvalidValue(f"{name} as a list must be [train, val], not {len(value)} entries")
        return list(value)
    return [value] if is_given(value) else []
