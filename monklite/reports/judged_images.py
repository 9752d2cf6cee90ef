"""The images behind the figures of an evaluation: those in each cell of its confusion matrix, and thresholds of the scores."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..data import decode
from ..data.samples import path_in
from ..errors import MonkliteError
from ..figures import Figures
from ..runs import predictions
from ..runs.file_names import EVALUATED
from ..runs.predictions import Predictions
from ..runs.run import Run
from ..statistics import at_thresholds
from ..tasks import SEPARATOR
from . import mixups, pages

# pictures in a page, in all and of one cell; the side of each in px, and its quality as JPEG
MAX_PICTURES, MAX_OF_CELL, SIDE, QUALITY = 240, 24, 160, 80
# of a folder that is gone, not every file is tried
MAX_MISSING = 5
# classes with a slider
MAX_CLASSES = 12


@dataclass(frozen=True)
class Picture:
    """One image. `source`: its address within the page. `score`: of the predicted class; NaN if it is unknown."""

    name: str
    source: str
    score: float


@dataclass(frozen=True)
class Cell:
    """The mistakes of one cell, the surest first. `n_images`: all of them; not all need have a picture, but one at least."""

    true: str
    predicted: str
    n_images: int
    pictures: list[Picture] = field(default_factory=list)


@dataclass(frozen=True)
class Threshold:
    """The figures of a class at each threshold of its score, see `at_thresholds.table`. `at`: the index of the first shown."""

    name: str
    rows: list[list[float]]
    at: int


def cells(run: Run, figures: Figures, warn: Callable[[str], None]) -> list[Cell]:
    """The cells of the confusion matrix that hold mistakes and of which there are pictures, the surest mistakes first.

    Of a matrix that is too large for a page, they are the largest.

    Args:
        warn: called with a message for images that cannot be read.
    """
    read = _predictions(run, figures) if figures.confusion else None
    if read is None:
        return []
    rows = defaultdict(list)
    for row in np.argsort(-np.nan_to_num(read.confidence), kind="stable").tolist():
        if not read.correct[row]:
            rows[read.labels[row], read.predicted[row]].append(row)
    shown = mixups.largest(figures)
    opening = rows.keys() if shown is None else rows.keys() & {(m.true, m.predicted) for m in shown}
    found = [Cell(true, predicted, len(rows[true, predicted])) for true, predicted in sorted(opening)]
    # each cell in turn, so that a large one does not take all of the page
    turns = sorted((turn, i) for i, cell in enumerate(found) for turn in range(min(cell.n_images, MAX_OF_CELL)))
    missing: list[str] = []
    sources = run.state().spec.data.sources
    # those of validation are in the last source
    root = figures.dataset_path or (sources[-1].path if sources else "")
    for turn, i in turns[:MAX_PICTURES]:
        cell = found[i]
        row = rows[cell.true, cell.predicted][turn]
        if len(missing) < MAX_MISSING:
            _add(cell, root, read, row, missing)
    if missing:
        warn(f"not all pictures of {figures.name!r} can be shown: {missing[0]}")
    return [cell for cell in found if cell.pictures]


def _add(cell: Cell, root: str, read: Predictions, row: int, missing: list[str]) -> None:
    try:
        pixels, _ = decode.load(path_in(root, read.paths[row]), SIDE)
    except MonkliteError as error:
        missing.append(str(error))
        return
    cell.pictures.append(Picture(read.paths[row], pages.picture(_jpeg(pixels), "jpeg"), float(read.confidence[row])))


def _jpeg(pixels: np.ndarray) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=QUALITY)
    return content.getvalue()


def thresholds(run: Run, figures: Figures, warn: Callable[[str], None]) -> list[Threshold]:
    """The figures of each class at many thresholds; none of very many classes, or if the predictions cannot be read."""
    names = list(figures.classes)
    if len(names) > MAX_CLASSES:
        return []
    read = _predictions(run, figures, names)
    if read is None:
        warn(f"the predictions of {figures.name!r} are missing or have changed: Evaluate() writes them again")
        return []
    # of two classes, one says what the other does: the one that has the threshold
    one = next((name for name in names if name in figures.thresholds), names[-1])
    shown = [one] if len(names) == 2 and figures.confusion else names
    truth, answers = (_having(texts, names, bool(figures.confusion)) for texts in (read.labels, read.predicted))
    return [
        _threshold(name, read.scores[name], truth[name], answers[name], figures.thresholds.get(name))
        for name in shown
        if not np.isnan(read.scores[name]).any()
    ]


def _threshold(name: str, scores: np.ndarray, truth: np.ndarray, answers: np.ndarray, own: float | None) -> Threshold:
    """The figures of a class, from the threshold on that its predictions were made with, `own`; None: from 0.5 on."""
    first = 0.5 if own is None else own
    values = np.union1d(at_thresholds.THRESHOLDS, [first])
    start, rows = int(np.searchsorted(values, first)), at_thresholds.table(scores, truth, values)
    if own is not None:
        # scores are written with nine digits, which near 0 and 1 are too few to predict from once more
        kinds = (truth & answers, truth & ~answers, ~truth & ~answers, ~truth & answers)
        rows[start] = at_thresholds.row(own, *(int(kind.sum()) for kind in kinds))
    return Threshold(name, rows, start)


def _having(texts: Sequence[str], names: Sequence[str], exclusive: bool) -> dict[str, np.ndarray]:
    """By label whether each image has it, from the labels of the images as texts. `exclusive`: one of each image."""
    own = [{text} if exclusive else set(text.split(SEPARATOR)) for text in texts]
    return {name: np.array([name in labels for labels in own], bool) for name in names}


def _predictions(run: Run, figures: Figures, scored: Sequence[str] = ()) -> Predictions | None:
    return predictions.read(run.evaluations / figures.name / EVALUATED, figures.predictions, scored)
