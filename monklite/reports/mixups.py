"""The largest mix-ups of an evaluation, for those with too many classes to show their confusion matrix in a page."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..figures import Figures

# a matrix has the square of it as cells
MAX_CLASSES = 60
MAX_SHOWN = 30


class MixUp(NamedTuple):
    """The images of a class that were predicted as another one."""

    true: str
    predicted: str
    n_images: int


def largest(figures: Figures) -> list[MixUp] | None:
    """The largest mix-ups, the largest first; None if a page shows the confusion matrix."""
    names = list(figures.classes)
    if len(names) <= MAX_CLASSES or not figures.confusion:
        return None
    counts = np.array(figures.confusion)
    np.fill_diagonal(counts, 0)
    places = np.argsort(-counts, axis=None, kind="stable")[:MAX_SHOWN]
    rows, columns = np.unravel_index(places, counts.shape)
    return [MixUp(names[i], names[j], int(counts[i, j])) for i, j in zip(rows, columns, strict=True) if counts[i, j]]
