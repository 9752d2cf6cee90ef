"""The images behind the figures of an evaluation: those in each cell of its confusion matrix, and thresholds of the scores."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ..data import decode
from ..data.samples import path_in
from ..errors import MonkliteError
from ..figures import Figures
from ..runs.predictions import Predictions
from ..statistics import at_thresholds
from ..statistics.units import Units
from ..tasks import SEPARATOR, task_of
from . import mixups, pages
from .mistakes import Mistake, in_turn, mistakes

# pictures in a page; the side of each in px
MAX_PICTURES, SIDE = 240, 160
# of a folder that is gone, not every file is tried
MAX_MISSING = 5
# classes with a slider
MAX_CLASSES = 12


@dataclass(frozen=True)
class Picture:
    """One image. `source`: its address within the page. `score`: of the predicted class."""

    name: str
    source: str
    score: float


@dataclass(frozen=True)
class Cell:
    """The mistakes of one cell, the surest first. `n_images`: all of them; not all need have a picture, but one at least."""

    true: str
    predicted: str
    n_images: int
    pictures: list[Picture]


@dataclass(frozen=True)
class Threshold:
    """The figures of a class at each threshold of its score, see `at_thresholds.table`. `at`: the index of the first shown."""

    name: str
    rows: list[list[float]]
    at: int


def cells(figures: Figures, read: Predictions, folder: str, warn: Callable[[str], None]) -> list[Cell]:
    """The cells of the confusion matrix that hold mistakes and of which there are pictures, the surest mistakes first.

    Of a matrix that is too large for a page, they are the largest.

    Args:
        read: the predictions, with the scores of all classes. folder: that their paths are relative to.
        warn: called with a message for images that cannot be read.
    """
    if not figures.confusion:
        return []
    shown = mixups.largest(figures)
    opening = None if shown is None else {(m.true, m.predicted) for m in shown}
    task = task_of(figures.label_type, tuple(figures.classes))
    found = [m for m in mistakes(read, task) if opening is None or _cell(m) in opening]
    totals, pictures, missing = Counter(map(_cell, found)), defaultdict(list), list[str]()
    # each cell in turn, so that a large one does not take all of the page
    for mistake in islice(in_turn(found), MAX_PICTURES):
        if len(missing) < MAX_MISSING and (picture := _picture(mistake, folder, missing)):
            pictures[_cell(mistake)].append(picture)
    if missing:
        warn(f"not all pictures of {figures.name!r} can be shown: {missing[0]}")
    return [Cell(*cell, totals[cell], own) for cell, own in sorted(pictures.items())]


def _cell(mistake: Mistake) -> tuple[str, str]:
    """The true class and the predicted one."""
    predicted, true = mistake.classes
    return true, predicted


def _picture(mistake: Mistake, folder: str, missing: list[str]) -> Picture | None:
    try:
        pixels, _ = decode.load(path_in(folder, mistake.path), SIDE)
    except MonkliteError as error:
        missing.append(str(error))
        return None
    return Picture(mistake.path, pages.photograph(pixels), mistake.confidence)


def thresholds(figures: Figures, read: Predictions) -> list[Threshold]:
    """The figures of each class at many thresholds; none of very many classes. `read`: with the scores of all classes."""
    names = list(figures.classes)
    if len(names) > MAX_CLASSES:
        return []
    # of two classes, one says what the other does: the one that has the threshold
    one = next((name for name in names if name in figures.thresholds), names[-1])
    shown = [one] if len(names) == 2 and figures.confusion else names
    truth, answers = (_having(texts, names, bool(figures.confusion)) for texts in (read.labels, read.predicted))
    return [
        _threshold(name, read.scores[name], truth[name], answers[name], figures.thresholds.get(name), read.units)
        for name in shown
        if not np.isnan(read.scores[name]).any()
    ]


def _threshold(
    name: str, scores: np.ndarray, truth: np.ndarray, answers: np.ndarray, own: float | None, units: Units
) -> Threshold:
    """The figures of a class, from the threshold on that its predictions were made with, `own`; None: from 0.5 on."""
    first = 0.5 if own is None else own
    values = np.union1d(at_thresholds.THRESHOLDS, [first])
    start, rows = int(np.searchsorted(values, first)), at_thresholds.table(scores, truth, units, values)
    if own is not None:
        # scores are written with nine digits, which near 0 and 1 are too few to predict from once more
        rows[start] = at_thresholds.row(own, answers, truth, units)
    return Threshold(name, rows, start)


def _having(texts: Sequence[str], names: Sequence[str], exclusive: bool) -> dict[str, np.ndarray]:
    """By label whether each image has it, from the labels of the images as texts. `exclusive`: one of each image."""
    own = [{text} if exclusive else set(text.split(SEPARATOR)) for text in texts]
    return {name: np.array([name in labels for labels in own], bool) for name in names}
