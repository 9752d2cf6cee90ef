"""Labels that are contradicted by predictions made without them: confident learning.

Northcutt, Jiang and Chuang (2021), Confident Learning: Estimating Uncertainty in Dataset Labels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import grouped_folds

MAX_ITERATIONS = 300


class Contradictions(NamedTuple):
    """Images whose label is contradicted, the most contradicted first.

    `rows`: places of the images. `labels`: theirs. `suggested`: the predicted ones. `label_scores`, `suggested_scores`: the
    scores of both, 0 to 1.
    """

    rows: np.ndarray
    labels: np.ndarray
    suggested: np.ndarray
    label_scores: np.ndarray
    suggested_scores: np.ndarray


def out_of_fold_scores(vectors: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Scores of each class, by a logistic regression that has seen none of the image's fold, float64 (n, classes).

    Args:
        vectors: (n, numbers). labels: int64 (n,), 0 to the number of classes - 1, with at least two images of each class.
        groups: (n,), two different ones at least; images of one group are in one fold.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folds = grouped_folds.deal(labels, groups)
    scores = np.zeros((len(labels), int(labels.max()) + 1))
    for fold in np.unique(folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        # a class may be in one group, and so in none of the other folds
        if len(seen := np.unique(labels[train])) < 2:
            scores[np.ix_(test, seen)] = 1.0
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=MAX_ITERATIONS))
        scores[np.ix_(test, seen)] = model.fit(vectors[train], labels[train]).predict_proba(vectors[test])
    return scores


def contradictions(scores: np.ndarray, labels: np.ndarray) -> Contradictions:
    """The images outside the diagonal of the confident joint.

    An image counts confidently as a class if its score is at least the mean score of the images with this label; of several such
    classes, as the one with the largest score.

    Args:
        scores: out-of-sample, (n, classes). labels: int64 (n,); a class without images is never suggested.
    """
    counts = np.bincount(labels, minlength=scores.shape[1])
    own = scores[np.arange(len(labels)), labels]
    sums = np.bincount(labels, weights=own, minlength=scores.shape[1])
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = np.where(scores >= thresholds - 1e-12, scores, -1.0)
    suggested = confident.argmax(axis=1)
    rows = np.flatnonzero((confident.max(axis=1) >= 0) & (suggested != labels))
    best = scores[rows, suggested[rows]]
    rows = rows[np.argsort(own[rows] - best, kind="stable")]
    chosen = suggested[rows]
    return Contradictions(rows, labels[rows], chosen, own[rows], scores[rows, chosen])
