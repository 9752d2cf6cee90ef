"""`test_predictions.csv`: what a run answered to every test image."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..csv_files import write_csv
from ..tasks import Task

FIXED = ("path", "class", "predicted")


def write(path: Path, task: Task, images: Iterable[str], labels: np.ndarray, logits: np.ndarray) -> None:
    """Write every answer with the scores of all classes; several labels of one image are separated by `|`."""
    answers, scores = task.predicted(logits), task.scores(logits)
    rows = (
        (image, task.text(label), task.text(answer), *(f"{score:.6f}" for score in line))
        for image, label, answer, line in zip(images, labels, answers, scores, strict=True)
    )
    write_csv(path, (*FIXED, *(f"p({name})" for name in task.classes)), rows)


def right_answers(path: Path) -> np.ndarray | None:
    """Whether each image was answered right, bool (n,), in the order of the names; None where the table is gone or damaged."""
    import pandas as pd

    try:
        table = pd.read_csv(
            path, encoding_errors="surrogateescape", dtype=str, keep_default_na=False, usecols=list(FIXED)
        )
    except (OSError, ValueError):  # pandas' own errors of a table are ValueErrors
        return None
    table = table.sort_values("path")
    return (table["class"] == table["predicted"]).to_numpy()
