"""Two runs at their operating points: sensitivity and specificity on the same test images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..figures import SENSITIVITY, SPECIFICITY
from ..runs.predictions import Predictions
from ..statistics import paired
from ..statistics.units import Units
from ..tasks import SEPARATOR


class ShareDifference(NamedTuple):
    """The sensitivity or the specificity for a label of both runs of a pair, 0 to 1.

    `n_images`: of which it is a share; `only_best`, `only_other`: those that only one gets right. `difference`: `best` - `other`
    with its 95 % interval, by groups of images where these are known.
    """

    figure: str
    n_images: int
    best: float
    other: float
    only_best: int
    only_other: int
    difference: tuple[float, float, float]


def differences(
    labels: Sequence[str], best: Predictions, other: Predictions, several: bool, units: Units
) -> Iterator[ShareDifference]:
    """Of each label sensitivity and specificity, unless there are no images to compute one from.

    Args:
        labels: that have a threshold. several: whether an image may have several labels. units: of the images.
    """
    for label in labels:
        truth, *answers = (_has(texts, label, several) for texts in (best.labels, best.predicted, other.predicted))
        for figure, rows in ((SENSITIVITY, truth), (SPECIFICITY, ~truth)):
            if rows.any():
                right = [rows & (own == truth) for own in answers]
                yield _difference(f"{figure} of {label}", rows, right[0], right[1], units)


def _difference(figure: str, rows: np.ndarray, best: np.ndarray, other: np.ndarray, units: Units) -> ShareDifference:
    only, total = (best & ~other, other & ~best), int(rows.sum())
    worth = paired.worth(*(units.sums(images) for images in (*only, rows)))
    only_best, only_other = (int(images.sum()) for images in only)
    found = paired.difference(worth * only_best, worth * only_other, worth * total)
    return ShareDifference(figure, total, best.sum() / total, other.sum() / total, only_best, only_other, found)


def _has(texts: Sequence[str], label: str, several: bool) -> np.ndarray:
    return np.array([label in text.split(SEPARATOR) if several else label == text for text in texts], bool)
