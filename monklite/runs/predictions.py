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


def write(path: Path, task: Task, images: Iterable[str], labels: np.ndarray, logits: np.ndarray) -> None:
    """Write one row per image: true and predicted class, and the scores of all classes.

    Several labels of one image are separated by `|`.
    """
    predicted, scores = task.predicted(logits), task.scores(logits)
    rows = (
        (image, task.text(label), task.text(prediction), *(f"{score:.6f}" for score in row))
        for image, label, prediction, row in zip(images, labels, predicted, scores, strict=True)
    )
    write_csv(path, (*PREDICTION_COLUMNS, *(f"p({name})" for name in task.classes)), rows)


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
            usecols=list(PREDICTION_COLUMNS),
        )
    except StorageError:
        raise
    # pandas raises subclasses of ValueError for a table that it cannot parse
    except (OSError, ValueError):
        return None
    table = table.sort_values("path")
    return (table["class"] == table["predicted"]).to_numpy()
