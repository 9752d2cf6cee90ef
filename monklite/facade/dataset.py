"""Choose the images and reset their transforms."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard, Union

from ..data import label_lists, table_frames
from ..errors import InvalidType, InvalidValue, shown
from ..opening_modes import is_given
from ..rules import Flag, OneOf, PathText, Text, Whole
from ..setting_ranges import MAX_COUNT
from ..spec import DELIMITERS, LABEL_DELIMITERS, Folders, Source, Table, Transforms
from . import messages
from .checks import api
from .exploration import ExplorationMethods

if TYPE_CHECKING:
    import pandas as pd

Paths = str | os.PathLike[str] | list[Any] | tuple[Any, ...] | bool | None
Tables = Union[Paths, "pd.DataFrame"]
LabelColumn = str | Sequence[Any] | None


class DatasetMethods(ExplorationMethods):
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
        label_column: LabelColumn = None,
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
                one, even if a cell looks like several. Cells of a DataFrame that are lists of labels need none.
            path_column, label_column: names of the table's columns; found by default. If the table has one column per class, of 1
                where an image has the label and of 0 where not, `label_column` is the list of these columns.
            group: what keeps images of one patient (or other group) on one side of the split: the name of a column of the table,
                or a pattern (regular expression) over file names, such as `r"(person\d+)_"`: images for which its parentheses (of
                alternatives, the first that match) give the same text are a group. By default (None) a column, sub-folders or
                a pattern are used where it is plain, and printed by `Dataset()`; "" or False: each image on its own.

        Raises:
            InvalidType, InvalidValue: an argument is wrong. Missing folders and tables are reported by `Dataset()`.
        """
        if self._opened.evaluating:
            columns = TableColumns.checked(delimiter, label_delimiter, path_column, label_column)
            source = test_source(dataset_path, path_to_csv, columns, self._root)
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
        return messages.dataset_details(self._console, self._experiment.requested)

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
        label_column: LabelColumn = None,
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

    def _sources(
        self,
        dataset_path: Paths,
        path_to_csv: Tables,
        delimiter: str,
        label_delimiter: str | None,
        path_column: str | None,
        label_column: LabelColumn,
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
    label_columns: tuple[str, ...] = ()

    @classmethod
    def checked(cls, delimiter: str, labels: str | None, path_column: object, label_column: object) -> TableColumns:
        """The arguments of a call.

        Raises:
            InvalidType, InvalidValue: one of them is wrong.
        """
        separator = OneOf(DELIMITERS)("delimiter", delimiter)
        label_delimiter = OneOf(LABEL_DELIMITERS)("label_delimiter", labels) if is_given(labels) else None
        path = _column("path_column", path_column)
        if not _is_several(label_column):
            return cls(separator, label_delimiter, path, _column("label_column", label_column))
        columns = tuple(_one_column("label_column", name) for name in label_column)
        if not columns:
            raise InvalidValue("label_column is a list without names: leave it out, or list the columns of the classes")
        if label_delimiter is not None:
            raise InvalidValue(
                "label_delimiter goes with one column of labels, not with a list of columns that are a class each"
            )
        return cls(separator, None, path, None, columns)

    def source(self, folder: str, table: str | pd.DataFrame | None, workspace: Path) -> Source:
        """The spec's source for a folder and its table."""
        if table is None:
            self._check_unused()
            return Folders(path=folder)
        if isinstance(table, str):
            if self.label_delimiter == self.delimiter:
                raise InvalidValue(f"label_delimiter must differ from delimiter, which is {self.delimiter!r} too")
            return self._table(folder, table, self.delimiter)
        columns = self._of_lists(table)
        return columns._table(folder, table_frames.write(table, workspace, columns.label_delimiter), ",")

    def _of_lists(self, frame: pd.DataFrame) -> TableColumns:
        """The same with a delimiter for the labels of a frame whose cells are lists of them."""
        if self.label_delimiter is not None or self.label_columns:
            return self
        found = label_lists.find(frame, self.label_column)
        return replace(self, label_column=found.column, label_delimiter=found.delimiter) if found else self

    def _table(self, folder: str, path: str, delimiter: str) -> Table:
        return Table(
            path=folder,
            csv=path,
            delimiter=delimiter,
            label_delimiter=self.label_delimiter,
            path_column=self.path_column,
            label_column=self.label_column,
            label_columns=self.label_columns,
            reading=2,
        )

    def _check_unused(self) -> None:
        if self.label_delimiter:
            raise InvalidValue("label_delimiter goes with a table: images in class folders have one label each")
        given = {"path_column": self.path_column, "label_column": self.label_column or self.label_columns}
        for name, value in given.items():
            if value:
                raise InvalidValue(f"{name} goes with a table: give path_to_csv= too")


def _is_several(value: object) -> TypeGuard[Iterable[object]]:
    """Whether columns are given and not the name of one; also by arrays and pandas' `frame.columns[1:]`."""
    return isinstance(value, (list, tuple)) or getattr(value, "ndim", None) == 1


def _column(name: str, value: object) -> str | None:
    """The name of a column, None if it was not given."""
    return _one_column(name, value) if is_given(value) else None


def _one_column(name: str, value: object) -> str:
    """The name of a column; a DataFrame may have numbers as names."""
    if isinstance(value, Integral) and not isinstance(value, bool):
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


def test_source(dataset_path: Paths, path_to_csv: Tables, columns: TableColumns, workspace: Path) -> Source:
    """The source of a test set: one folder, with its table if one is given."""
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
