"""Which images, and what is done to them."""

from __future__ import annotations

import os
from typing import Any

from ..data.prepare import TestFolder
from ..errors import InvalidType, InvalidValue
from ..rules import OneOf, PathText
from ..spec import DELIMITERS, Transforms
from . import console as show
from .checks import api
from .session import Session, given

Paths = str | os.PathLike[str] | list[Any] | tuple[Any, ...] | bool | None


class DatasetMethods(Session):
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
    ) -> None:
        """Say which images to use; in evaluation mode, which test images.

        Args:
            dataset_path: a folder with one folder of images a class, or `[train, val]`, two such folders.
            path_to_csv: a table (or two) with a header; column 1 the file under `dataset_path`, column 2 its class.
            delimiter: what separates the columns of the table.
            split: share of the images that is trained on, 0 to 1; the rest validates. Not used with two folders.
            input_size: side of the square images that the network sees, px.
            batch_size: images in one step; "auto" takes the smallest with which this network is about as fast as it gets.
            shuffle_data: whether the training images come in another order each epoch.
            num_processors: threads that decode images; all processors by default.

        Raises:
            NotFound, DatasetError, InvalidValue: raised by `Dataset()` for folders, here for values.
        """
        if self._evaluating:
            self._asked_test = self._test_folder(dataset_path, path_to_csv, delimiter)
            rows = {"Test path": self._asked_test.path, "CSV test path": self._asked_test.table}
            return self._console.block("Dataset Details", rows)
        self._change(
            {
                **_where(dataset_path, path_to_csv, delimiter),
                "data.split": split,
                "data.input_size": input_size,
                "data.batch_size": batch_size,
                "data.shuffle": shuffle_data,
                "data.workers": num_processors,
            }
        )
        return show.dataset_details(self._console, self._experiment.spec)

    @staticmethod
    def _test_folder(dataset_path: Paths, path_to_csv: Paths, delimiter: str) -> TestFolder:
        if isinstance(dataset_path, (list, tuple)):
            raise InvalidType("a test set is one folder: Dataset_Params(dataset_path='test folder')")
        table = None if not given(path_to_csv) else PathText()("path_to_csv", path_to_csv)
        return TestFolder(PathText()("dataset_path", dataset_path), table, OneOf(DELIMITERS)("delimiter", delimiter))

    @api
    def Dataset(self) -> None:
        """Find the images, decode them (once for all experiments), split them, and tell how many there are.

        Raises:
            NotFound: a folder is not there. DatasetError: the folders are no dataset; the message says why.
        """
        if self._evaluating:
            return self._test_set()
        tick = self._console.ticker("    reading images")
        data = self._experiment.prepare(tick)
        show.transforms(self._console, self._experiment.spec, "train", "val")
        return show.dataset_numbers(self._console, data.record, data.strays, self._experiment.run)

    def _test_set(self) -> None:
        predictor = self._predictor
        if self._asked_test is None:
            raise InvalidValue("say first which images: Dataset_Params(dataset_path='test folder')")
        data = predictor.prepare(self._asked_test, self._console.ticker("    reading images"))
        rows = {"Num test images": data.batches.n_images, "Num classes": len(predictor.classes)}
        self._console.block("Dataset Numbers", rows)
        for problem in list(data.problems.values())[: show.SHOWN_FILES]:
            self._console.say(f"    left out: {problem}")
        show.odd_files(self._console, {**data.report.counts(), "seen": data.n_seen}, data.strays, None)
        for remark in data.remarks:
            self._console.say(f"    Note: {remark}\n")

    @api
    def update_dataset(
        self, dataset_path: Paths = False, split: float = 0.9, path_to_csv: Paths = False, delimiter: str = ","
    ) -> None:
        """Take other images; effective after `Reload()`. Arguments as in `Dataset_Params`."""
        self._change({**_where(dataset_path, path_to_csv, delimiter), "data.split": split})
        self._console.say(f"Update: Dataset - {dataset_path}\n")

    @api
    def reset_transforms(self, test: bool = False) -> None:
        """Forget the transforms of training and validation images, or (`test`) of test images."""
        before = self._experiment.spec.data.transforms
        empty = {"test": ()} if test else {"train": (), "val": ()}
        self._change(
            {"data.transforms": Transforms(**{"train": before.train, "val": before.val, "test": before.test, **empty})}
        )


def _where(dataset_path: Paths, path_to_csv: Paths, delimiter: str) -> dict[str, Any]:
    """The spec's fields for one path or a list of two."""
    if not given(dataset_path) or dataset_path is True:
        raise InvalidType(f"dataset_path must be a folder or a list [train, val], not {dataset_path!r}")
    folders, tables = _pair("dataset_path", dataset_path), _pair("path_to_csv", path_to_csv)
    if tables[0] and (folders[1] is None) != (tables[1] is None):
        raise InvalidValue("with [train, val] folders give [train, val] tables too, and with one folder one table")
    return {
        "data.train_path": folders[0],
        "data.val_path": folders[1],
        "data.train_csv": tables[0],
        "data.val_csv": tables[1],
        "data.delimiter": delimiter,
    }


def _pair(name: str, value: Paths) -> tuple[Any, Any]:
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise InvalidValue(f"{name} as a list must be [train, val], not {len(value)} entries")
        return PathText()(name, value[0]), PathText()(name, value[1])
    return (PathText()(name, value), None) if given(value) else (None, None)
