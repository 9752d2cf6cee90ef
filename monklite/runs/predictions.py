"""`predictions.csv` of an evaluation: the prediction of a run for every image, with its scores."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..csv_files import as_read, write_csv
from ..errors import StorageError
from ..regular_files import read_regular
from ..statistics.units import Units
from ..tasks import Task
from ..transient import retried

PREDICTION_COLUMNS = ("path", "class", "predicted")
CORRECT_COLUMN = "correct"
SCORE_COLUMN = "p({})"
# only where images have groups, such as patients
GROUP_COLUMN = "group"
IS_CORRECT = {"1": True, "0": False}


def write(
    path: Path,
    task: Task,
    images: Iterable[str],
    labels: np.ndarray,
    logits: np.ndarray,
    groups: Sequence[str] | np.ndarray | None = None,
) -> str:
    """Write one row per image: true and predicted class, whether it is correct (1 or 0), and the scores of all classes.

    Several labels of one image are separated by `|`.

    Args:
        groups: of the images, such as their patients, which get a column of their own; None: no two images share one.

    Returns:
        The SHA-256 of the file, by which `read` knows it again.
    """
    predicted, correct, scores = task.predicted(logits), task.correct(logits, labels), task.scores(logits)
    own: list[tuple[str, ...]] = [()] * len(labels) if groups is None else [(group,) for group in groups]
    rows = (
        (image, task.text(label), task.text(prediction), int(is_correct), *group, *(f"{score:.9g}" for score in row))
        for image, label, prediction, is_correct, group, row in zip(
            images, labels, predicted, correct, own, scores, strict=True
        )
    )
    columns = (*PREDICTION_COLUMNS, CORRECT_COLUMN, *([] if groups is None else [GROUP_COLUMN]))
    return write_csv(path, (*columns, *map(SCORE_COLUMN.format, task.classes)), rows)


@dataclass(frozen=True, eq=False)
class Predictions:
    """A table of predictions, sorted by path.

    `paths`: relative to the folder of the images. `labels`, `predicted`: true and predicted labels as texts. `correct`: bool
    (n,). `confidence`: the score of the predicted class, float (n,), NaN where it is not one class. `scores`: of some labels, by
    name, float (n,), NaN where a score cannot be read. `groups`: of the images, such as their patients, `""`: the image is a
    group of its own; None: each image stands for itself.
    """

    paths: tuple[str, ...]
    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    correct: np.ndarray
    confidence: np.ndarray
    scores: Mapping[str, np.ndarray]
    groups: tuple[str, ...] | None = None

    @property
    def units(self) -> Units:
        """The independent units: the images or their groups."""
        return Units.of(self.groups, len(self.paths))


def read(path: Path, sha256: str = "", scored: Sequence[str] = ()) -> Predictions | None:
    """Read a table of predictions; None if it is missing or damaged.

    Args:
        sha256: of the file, unless it is unknown; another file is not read. scored: the labels whose scores are read.

    Raises:
        StorageError: the disk does not answer.
    """
    try:
        content = retried(lambda: read_regular(path), path)
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            return None
        return _parse(content.decode("utf-8", "surrogateescape"), scored)
    except StorageError:
        raise
    except (OSError, ValueError, LookupError, csv.Error):
        return None


def _parse(text: str, scored: Sequence[str]) -> Predictions:
    """The rows of a table.

    Not with pandas, whose time grows with the square of the number of columns: a header of one megabyte takes hours.

    Raises:
        ValueError, LookupError, csv.Error: it is damaged.
    """
    rows = csv.reader(io.StringIO(text, newline=""))
    header = next(rows, [])
    path, label, answer = (header.index(name) for name in PREDICTION_COLUMNS)
    # older tables do not have the column; one text cannot stand for several combinations of labels
    correct = header.index(CORRECT_COLUMN) if CORRECT_COLUMN in header else None
    # the first of a name, as for the columns above
    columns = {name: i for i, name in reversed(list(enumerate(header)))}
    own = [columns.get(SCORE_COLUMN.format(name)) for name in scored]
    group = columns.get(GROUP_COLUMN)
    found: dict[str, tuple[str, str, bool, float, list[float], str]] = {}
    n_rows = 0
    for row in filter(None, rows):
        n_rows += 1
        is_correct = IS_CORRECT[row[correct]] if correct is not None else row[label] == row[answer]
        predicted = as_read(row[answer])
        confidence = _score(row, columns.get(SCORE_COLUMN.format(predicted)))
        scores = [_score(row, i) for i in own]
        belongs_to = "" if group is None else as_read(row[group])
        found[as_read(row[path])] = as_read(row[label]), predicted, is_correct, confidence, scores, belongs_to
    if len(found) < n_rows:
        raise ValueError("an image is in it twice")
    names = tuple(sorted(found))
    labels, predictions, right, confidences, table, groups = (
        zip(*(found[n] for n in names), strict=True) if names else ((),) * 6
    )
    scores_of = np.array(table, float).reshape(len(names), len(own)).T
    return Predictions(
        names,
        labels,
        predictions,
        np.array(right, bool),
        np.array(confidences, float),
        dict(zip(scored, scores_of, strict=True)),
        None if group is None else groups,
    )


def _score(row: Sequence[str], column: int | None) -> float:
    """A score from 0 to 1; NaN if there is none."""
    try:
        value = float(row[column]) if column is not None else math.nan
    except (ValueError, LookupError):
        return math.nan
    return value if 0 <= value <= 1 else math.nan
