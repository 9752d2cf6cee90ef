"""Folds for predictions of images by what has seen neither them nor their group; folds of a training are in `data.folds`."""

from __future__ import annotations

import numpy as np

FOLDS = 5


def deal(labels: np.ndarray, groups: np.ndarray, n_folds: int = FOLDS) -> np.ndarray:
    """The number of the fold of each image, from 0, int64 (n,): the images of a group are in one fold.

    Groups are dealt one after the other, by the rarest class in them, so that each fold has about the same share of each class;
    scikit-learn's `StratifiedGroupKFold` comes nearer to it, in a second for 1,500 groups. Fewer groups than `n_folds` give as
    many folds as there are groups.

    Args:
        labels: int64 (n,), from 0. groups: (n,); an image without one has a name of its own.
    """
    group = np.unique(groups, return_inverse=True)[1]
    n_classes, n_groups = int(labels.max(initial=0)) + 1, int(group.max(initial=-1)) + 1
    held, count = np.unique(group * n_classes + labels, return_counts=True)
    of_group, label = np.divmod(held, n_classes)
    # the rarest class last, which is the one that stays
    in_order = np.argsort(-np.bincount(labels, minlength=n_classes)[label], kind="stable")
    rarest, images = np.zeros(n_groups, np.int64), np.zeros(n_groups, np.int64)
    rarest[of_group[in_order]], images[of_group[in_order]] = label[in_order], count[in_order]
    shuffled = np.random.default_rng(0).permutation(n_groups)
    # the large groups first, so that small ones even them out
    order = shuffled[np.lexsort((-images[shuffled], rarest[shuffled]))]
    fold = np.empty(n_groups, np.int64)
    fold[order] = np.arange(n_groups) % max(min(n_folds, n_groups), 1)
    return fold[group]
