"""Folds of cross-validation: the images divided into equal parts, stratified by class, each of which is validated with once."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import DatasetError
from .group_split import joined
from .samples import Samples


def fold(samples: Samples, n_folds: int, index: int, seed: int, by: str = "") -> tuple[np.ndarray, np.ndarray]:
    """The rows of the training and of the validation images of one fold.

    Copies of an image are in one fold, and so are the images of a group. Each image is in exactly one fold, and each class in the
    training images of every fold; with one label per image it is in the validation images too.

    Args:
        samples: the images with `groups` and `digests`; the folds depend on their paths, not on their order.
        index: of the fold that is validated with, from 0. seed: the same one gives the same folds. by: what the groups are
            from, for errors; "": the images are not grouped.

    Raises:
        DatasetError: a class has fewer images, or groups of images, than there are folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    order = np.argsort(samples.paths, kind="stable")
    # images that are not grouped may have names of groups that are not used
    grouped = samples if by else replace(samples, groups=np.full(len(samples), "", object))
    units = joined(grouped)
    _check(samples, units, n_folds, by)
    units, strata = units[order], samples.task.strata(samples.labels)[order]
    if len(np.unique(units)) == len(units):
        # exactly stratified, and faster
        kind, groups = StratifiedKFold, None
    else:
        kind, groups = StratifiedGroupKFold, units
    with warnings.catch_warnings():
        # of combinations of labels that are rarer than folds
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        divided = list(kind(n_folds, shuffle=True, random_state=seed).split(strata, strata, groups))
    in_order = [(np.sort(order[train]), np.sort(order[val])) for train, val in divided]
    _check_classes(samples, in_order, by)
    return in_order[index]


def _check(samples: Samples, units: np.ndarray, n_folds: int, by: str) -> None:
    """Refuse more folds than a class has images or groups, which would be missing from training or validation."""
    member = samples.task.membership(samples.labels)
    least = n_folds if samples.task.exclusive else 2
    for name, has in zip(samples.classes, member.T, strict=True):
        count = len(np.unique(units[has]))
        if count < least:
            what = f"images of {count} groups by {by}" if by else f"{count} different images"
            raise DatasetError(
                f"class {name!r} has {what}, which cannot be divided into {n_folds} folds: take at most "
                f"{max(count, 2)} folds, or add images"
            )


def _check_classes(samples: Samples, folds: Sequence[tuple[np.ndarray, ...]], by: str) -> None:
    """Refuse folds that lack a class, which groups of very different sizes can lead to."""
    for train, val in folds:
        parts = (train, val) if samples.task.exclusive else (train,)
        for rows in parts:
            for name, count in zip(samples.classes, samples.take(rows).counts(), strict=True):
                if not count:
                    raise DatasetError(
                        f"class {name!r} is missing in a part of {len(folds)} folds, because they are of few groups by {by}: "
                        "take fewer folds, or add images of other groups"
                    )
