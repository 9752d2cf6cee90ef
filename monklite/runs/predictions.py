"""`test_predictions.csv`: the prediction of a run for every test image."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..csv_files import as_read, write_csv
from ..errors import StorageError
from ..tasks import Task
from ..transient import retried

PREDICTION_COLUMNS = ("path", "class", "predicted")
CORRECT_COLUMN = "correct"


def write(path: Path, task: Task, images: Iterable[str], labels: np.ndarray, logits: np.ndarray) -> str:
    """Write one row per image: true and predicted class, whether it is correct (1 or 0), and the scores of all classes.

    Several labels of one image are separated by `|`.

    Returns:
        The SHA-256 of the file, by which `read_correct` knows it again.
    """
    predicted, correct, scores = task.predicted(logits), task.correct(logits, labels), task.scores(logits)
    rows = (
        (image, task.text(label), task.text(prediction), int(is_correct), *(f"{score:.6f}" for score in row))
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
    import pandas as pd

    try:
        content = retried(path.read_bytes, path)
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            return None
        table = pd.read_csv(
            io.BytesIO(content),
            encoding_errors="surrogateescape",
            dtype=str,
            keep_default_na=False,
            usecols=lambda name: name in (*PREDICTION_COLUMNS, CORRECT_COLUMN),
        )
        table = table.sort_values("path", key=lambda paths: paths.map(as_read))
        # older tables do not have the column; one text cannot stand for several combinations of labels
        if CORRECT_COLUMN in table:
            return (table[CORRECT_COLUMN] == "1").to_numpy()
        return (table["class"] == table["predicted"]).to_numpy()
    except StorageError:
        raise
    # pandas raises subclasses of ValueError for a table that it cannot parse
    except (OSError, ValueError, KeyError):
        return None
