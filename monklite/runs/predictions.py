"""`test_predictions.csv`: the prediction of a run for every test image."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..csv_files import write_csv
from ..errors import StorageError
from ..tasks import Task
from ..transient import retried

PREDICTION_COLUMNS = ("path", "class", "predicted")
CORRECT_COLUMN = "correct"


def write(path: Path, task: Task, images: Iterable[str], labels: np.ndarray, logits: np.ndarray) -> None:
    """Write one row per image: true and predicted class, whether it is correct (1 or 0), and the scores of all classes.

    Several labels of one image are separated by `|`.
    """
    predicted, correct, scores = task.predicted(logits), task.correct(logits, labels), task.scores(logits)
    rows = (
        (image, task.text(label), task.text(prediction), int(is_correct), *(f"{score:.6f}" for score in row))
        for image, label, prediction, is_correct, row in zip(images, labels, predicted, correct, scores, strict=True)
    )
    write_csv(path, (*PREDICTION_COLUMNS, CORRECT_COLUMN, *(f"p({name})" for name in task.classes)), rows)


def read_correct(path: Path) -> np.ndarray | None:
    """Read whether each prediction was correct: bool (n,), sorted by path; None if the table is missing or damaged.

    Raises:
        StorageError: the disk does not answer.
    """
    import pandas as pd

    try:
        table = pd.read_csv(
            io.BytesIO(retried(path.read_bytes, path)),
            encoding_errors="surrogateescape",
            dtype=str,
            keep_default_na=False,
            usecols=lambda name: name in (*PREDICTION_COLUMNS, CORRECT_COLUMN),
        )
        table = table.sort_values("path")
        # older tables do not have the column; one text cannot stand for several combinations of labels
        if CORRECT_COLUMN in table:
            return (table[CORRECT_COLUMN] == "1").to_numpy()
        return (table["class"] == table["predicted"]).to_numpy()
    except StorageError:
        raise
    # pandas raises subclasses of ValueError for a table that it cannot parse
    except (OSError, ValueError, KeyError):
        return None
