"""ROC curves, and curves of precision and recall, with few enough points to store."""

from __future__ import annotations

import numpy as np

from ..figures import MAX_POINTS, Curve

# of the curves of all classes together, and of each at least
MAX_POINTS_OF_ALL, MIN_POINTS = 20_000, 20


def curves(scores: np.ndarray, positive: np.ndarray, n_classes: int) -> tuple[Curve, Curve, float]:
    """The ROC curve, and precision over recall, of one class, and its average precision; empty and NaN if a side has no image.

    The average precision is the mean over the recall, as scikit-learn has it.

    Args:
        scores, positive: of each image, (n,). n_classes: whose curves are stored together.
    """
    empty = Curve(x=(), y=(), thresholds=())
    if positive.all() or not positive.any():
        return empty, empty, np.nan
    from sklearn.metrics import precision_recall_curve, roc_curve

    most = max(MIN_POINTS, min(MAX_POINTS, MAX_POINTS_OF_ALL // n_classes))
    precision, recall, thresholds = precision_recall_curve(positive, scores)
    # scikit-learn's first point, without predictions, has no threshold
    falling = recall[::-1], precision[::-1], np.append(thresholds, np.inf)[::-1]
    average = max(0.0, -float(np.diff(recall) @ precision[:-1]))
    return _thinned(most, *roc_curve(positive, scores)), _thinned(most, *falling), average


def _thinned(most: int, x: np.ndarray, y: np.ndarray, thresholds: np.ndarray) -> Curve:
    """At most `most` of the points, spread evenly along the curve; both ends stay."""
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    if len(x) > most:
        # the rounding of the sum may leave the last one out
        kept = np.searchsorted(along, np.linspace(0, along[-1], most - 1))
        kept = np.unique(np.append(np.minimum(kept, len(x) - 1), len(x) - 1))
        x, y, thresholds = x[kept], y[kept], thresholds[kept]
    return Curve(x=tuple(x.tolist()), y=tuple(y.tolist()), thresholds=tuple(thresholds.tolist()))
