"""`predictions.csv` of an evaluation: the prediction of a run for every image, with its scores."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..csv_files import as_read, write_csv
from ..errors import StorageError
from ..regular_files import read_regular
from ..tasks import Task
from ..transient import retried

PREDICTION_COLUMNS = ("path", "class", "predicted")
CORRECT_COLUMN = "correct"
IS_CORRECT = {"1": True, "0": False}


def write(path: Path, task: Task, images: Iterable[str], labels: np.ndarray, logits: np.ndarray) -> str:
    """Write one row per image: true and predicted class, whether it is correct (1 or 0), and the scores of all classes.

    Several labels of one image are separated by `|`.

    Returns:
        The SHA-256 of the file, by which `read_correct` knows it again.
    """
    predicted, correct, scores = task.predicted(logits), task.correct(logits, labels), task.scores(logits)
    rows = (
        (image, task.text(label), task.text(prediction), int(is_correct), *(f"{score:.9g}" for score in row))
        for image, label, prediction, is_correct, row in zip(images, labels, predicted, correct, scores, strict=True)
    )
    return write_csv(path, (*PREDICTION_COLUMNS, CORRECT_COLUMN, *(f"p({name})" for name in task.classes)), rows)


def read_correct(path: Path, sha256: str = "") -> np.ndarray | None:
    """Read whether each prediction was correct: bool (n,), sorted by path; None if the table is missing or damaged.

    Args:
        sha256: of the file, unless it is unknown; another file is not read.

    Raises:
        StorageError: the disk does not answer.
    """
    try:
        content = retried(lambda: read_regular(path), path)
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            return None
        return _correct(content.decode("utf-8", "surrogateescape"))
    except StorageError:
        raise
    except (OSError, ValueError, LookupError, csv.Error):
        return None


def _correct(text: str) -> np.ndarray:
    """Whether each prediction of a table was correct, sorted by path.

    Not with pandas, whose time grows with the square of the number of columns: a header of one megabyte takes hours.

    Raises:
        ValueError, LookupError, csv.Error: it is damaged.
    """
    rows = csv.reader(io.StringIO(text, newline=""))
    header = next(rows, [])
    path, *classes = (header.index(name) for name in PREDICTION_COLUMNS)
    # older tables do not have the column; one text cannot stand for several combinations of labels
    column = header.index(CORRECT_COLUMN) if CORRECT_COLUMN in header else None
    found: dict[str, bool] = {}
    n_rows = 0
    for row in filter(None, rows):
        n_rows += 1
        found[as_read(row[path])] = (
            IS_CORRECT[row[column]] if column is not None else row[classes[0]] == row[classes[1]]
        )
    if len(found) < n_rows:
        raise ValueError("an image is in it twice")
    return np.array([found[name] for name in sorted(found)], bool)
