"""The files of the images that a run was trained and validated with, found again by their bytes where they were moved."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data import dataset_csv
from ..data.dataset_csv import RecordedImage
from ..data.decode import read_file
from ..data.digests import digest_of
from ..data.image_folder import images_in_folder
from ..data.samples import path_in
from ..errors import DatasetError, MonkliteError, cut
from ..inference import Predictor
from ..looking import is_file
from ..runs.file_names import SAMPLES
from ..tasks import SEPARATOR, Task


@dataclass(frozen=True)
class RunImages:
    """Images of a subset. `files`: their paths. `labels`: in the form of the task. `groups`: None: they are not grouped."""

    files: tuple[str, ...]
    labels: np.ndarray
    groups: list[str] | None

    def __len__(self) -> int:
        return len(self.files)

    def evenly(self, most: int) -> RunImages:
        """At most so many of them, evenly among all."""
        rows = np.linspace(0, len(self) - 1, min(len(self), most)).astype(np.int64)
        groups = None if self.groups is None else [self.groups[row] for row in rows]
        return RunImages(tuple(self.files[row] for row in rows), self.labels[rows], groups)


def of_subset(predictor: Predictor, subset: str, folder: str | os.PathLike[str] | None = None) -> RunImages:
    """The images of a subset of a run.

    Args:
        folder: that holds them now, under any names; None: they are where they were.

    Raises:
        DatasetError: some are not there any more. DamagedFile: the run's list of them is damaged. NotFound: no such folder.
    """
    record, sources = predictor.record, predictor.spec.data.sources
    images = dataset_csv.read_images(predictor.run.folder / SAMPLES, subset, record)
    root = str(folder or (sources[-1] if subset == "val" else sources[0]).path)
    files = _by_bytes(images, root) if folder else [path_in(root, image.path) for image in images]
    missing = [image for image, file in zip(images, files, strict=True) if not (file and is_file(Path(file)))]
    if missing:
        raise DatasetError(
            f"{len(missing)} of the {len(images)} {subset} images of {predictor.run} are not in {root}, the first: "
            f"{cut(missing[0].path)}. What is exported is compared on them with the trained network: put them back, or name the "
            "folder that holds them now, under any names: images='folder'"
        )
    labels = [_label(image.labels, predictor.usual_task) for image in images]
    groups = [image.group for image in images]
    return RunImages(tuple(files), np.array(labels), groups if any(groups) else None)


def _by_bytes(images: Sequence[RecordedImage], folder: str) -> list[str]:
    """The file with the bytes of each image, "" if there is none; of older records, which have no digests, that of its name."""
    if not all(image.digest for image in images):
        return [path_in(folder, image.path) for image in images]
    found = by_digest(folder)
    return [found.get(image.digest, "") for image in images]


def by_digest(folder: str | os.PathLike[str]) -> dict[bytes, str]:
    """The images of a folder, by the digest of their bytes. Raises as `images_in_folder`."""
    files = [str(Path(folder, name)) for name in images_in_folder(folder)]
    return {digest_of(read_file(file)[0]): file for file in files}


def _label(text: str, task: Task) -> int | np.ndarray:
    names = [text] if task.exclusive else list(filter(None, text.split(SEPARATOR)))
    try:
        places = [task.classes.index(name) for name in names]
    except ValueError:
        raise MonkliteError(
            f"the list of the run's images has a class that the run does not have: {cut(text)}"
        ) from None
    return places[0] if task.exclusive else np.isin(np.arange(len(task.classes)), places)
