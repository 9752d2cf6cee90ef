"""Choose the images and reset their transforms."""

from __future__ import annotations

import os
from typing import Any

from ..errors import InvalidType, InvalidValue
from ..opening import is_given
from ..rules import OneOf, PathText
from ..spec import DELIMITERS, LABEL_DELIMITERS, Folders, Source, Table, Transforms
from . import messages
from .base import Base
from .checks import api

Paths = str | os.PathLike[str] | list[Any] | tuple[Any, ...] | bool | None


class DatasetMethods(Base):
    """`Dataset_Params`, `Dataset`, `reset_transforms`, `update_dataset`."""

    @api
    def Dataset_Params(
        self,
        dataset_path: Paths = False,
        path_to_csv: Paths = False,
        delimiter: str = ",",
        split: float = 0.9,
        input_size: int = 224,
        batch_size: int | str = 16,
        shuffle_data: bool = True,
        num_processors: int | None = None,
        label_delimiter: str | None = None,
    ) -> None:
        """Choose the images; in evaluation mode, the test images.

        Args:
            dataset_path: a folder with one folder of images per class, or `[train, val]`, two such folders.
            path_to_csv: a table (or two) with a header; column 1 is the file under `dataset_path`, column 2 its class.
            delimiter: separator of the table's columns.
            split: share of the images used for training, 0 to 1; the rest is for validation. Not used with two folders.
            input_size: side of the network's square input images, px.
            batch_size: images per step; "auto" measures which is the smallest size with nearly the highest speed.
            shuffle_data: whether to use the training images in another order each epoch.
            num_processors: threads that decode images; all processors by default.
            label_delimiter: separator of the labels in a table's cell, such as "|", if an image may have several.

        Raises:
            InvalidType, InvalidValue: an argument is wrong. Missing folders and tables are reported by `Dataset()`.
        """
        if self._opened.evaluating:
            source = _test_source(dataset_path, path_to_csv, delimiter, label_delimiter)
            self._evaluation.use(source)
            return messages.test_details(self._console, source)
        self._change(
            {
                "data.sources": sources(dataset_path, path_to_csv, delimiter, label_delimiter),
                "data.split": split,
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
        path_to_csv: Paths = False,
        delimiter: str = ",",
        label_delimiter: str | None = None,
    ) -> None:
        """Use other images; effective after `Reload()`. Arguments as in `Dataset_Params`."""
        images = sources(dataset_path, path_to_csv, delimiter, label_delimiter)
        self._change({"data.sources": images, "data.split": split})
        self._console.say(f"Update: Dataset - {dataset_path}\n")

    @api
    def reset_transforms(self, test: bool = False) -> None:
        """Remove the transforms of training and validation images, or with `test` those of test images."""
        before = self._experiment.asked.data.transforms
        empty = {"test": ()} if test else {"train": (), "val": ()}
        self._change(
            {"data.transforms": Transforms(**{"train": before.train, "val": before.val, "test": before.test, **empty})}
        )


def sources(
    dataset_path: Paths, path_to_csv: Paths, delimiter: str, label_delimiter: str | None = None
) -> tuple[Source, ...]:
    """The spec's sources for one path or a list of two."""
    if not is_given(dataset_path) or dataset_path is True:
        raise InvalidType(f"dataset_path must be a folder or a list [train, val], not {dataset_path!r}")
    folders, tables = _pair("dataset_path", dataset_path), _pair("path_to_csv", path_to_csv)
    if tables and len(folders) != len(tables):
        raise InvalidValue("with [train, val] folders give [train, val] tables too, and with one folder one table")
    if not tables:
        return tuple(_source(folder, None, delimiter, label_delimiter) for folder in folders)
    return tuple(_source(f, t, delimiter, label_delimiter) for f, t in zip(folders, tables, strict=True))


def _test_source(dataset_path: Paths, path_to_csv: Paths, delimiter: str, label_delimiter: str | None) -> Source:
    if isinstance(dataset_path, (list, tuple)):
        raise InvalidType("a test set is one folder: Dataset_Params(dataset_path='test folder')")
    table = PathText()("path_to_csv", path_to_csv) if is_given(path_to_csv) else None
    return _source(PathText()("dataset_path", dataset_path), table, delimiter, label_delimiter)


def _source(folder: str, table: str | None, delimiter: str, label_delimiter: str | None) -> Source:
    separator = OneOf(DELIMITERS)("delimiter", delimiter)
    labels = OneOf(LABEL_DELIMITERS)("label_delimiter", label_delimiter) if is_given(label_delimiter) else ""
    if table is None:
        if labels:
            raise InvalidValue("label_delimiter goes with a table: images in class folders have one label each")
        return Folders(path=folder)
    if labels == separator:
        raise InvalidValue(f"label_delimiter must differ from delimiter, which is {separator!r} too")
    return Table(path=folder, csv=table, delimiter=separator, label_delimiter=labels)


def _pair(name: str, value: Paths) -> list[str]:
    """The paths in an argument: none, one, or two."""
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise InvalidValue(f"{name} as a list must be [train, val], not {len(value)} entries")
        return [PathText()(name, path) for path in value]
    return [PathText()(name, value)] if is_given(value) else []
