"""Seeded, stratified split into training and validation images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import DatasetError
from .samples import Samples


def stratified(
    samples: Samples, share: float, seed: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the training and of the validation images; each class, or combination of labels, is split by the same share.

    Combinations of labels of too few images for that are split together; of each label at least one image is in training.

    Args:
        samples: the images; the split depends on their sorted names, not on the order of the file system.
        share: the share used for training, 0 to 1.
        seed: the same seed gives the same split.
        groups: (N,), of any type; images of a class with the same value stay together, such as copies of one image. The
            shares are then as close as that allows; if no images share a value, the split is the same as without `groups`.

    Raises:
        DatasetError: a class with fewer than two images cannot be in both subsets.
    """
    check_two_of_each(samples)
    train, val = [], []
    strata = _strata(samples, share)
    for stratum, (rows, n_train) in enumerate(zip(strata, _train_counts(samples, strata, share), strict=True)):
        shuffled = np.random.default_rng([seed, stratum]).permutation(rows)
        if groups is not None:
            shuffled, n_train = _keep_groups_together(shuffled, groups[shuffled], n_train)
        train.append(shuffled[:n_train])
        val.append(shuffled[n_train:])
    train_rows, val_rows = np.sort(np.concatenate(train)), np.sort(np.concatenate(val))
    if samples.task.exclusive:
        return train_rows, val_rows
    return _train_on_all_labels(samples.labels, groups, train_rows, val_rows)


def check_two_of_each(samples: Samples) -> None:
    """Refuse a class that cannot be in both subsets.

    Raises:
        DatasetError: it has fewer than two images.
    """
    for name, count in zip(samples.classes, samples.counts(), strict=True):
        if count < 2:
            raise DatasetError(
                f"class {name!r} has {count} readable image: a split needs at least 2 of each class, one to train and one "
                "to validate. Add images, or give a validation folder: dataset_path=[train, val]"
            )


def _strata(samples: Samples, share: float) -> list[np.ndarray]:
    """The rows of each class, or combination of labels; combinations too rare to be in both subsets are merged, at the end."""
    strata = samples.task.strata(samples.labels)
    by_stratum = np.split(np.argsort(strata, kind="stable"), np.cumsum(np.bincount(strata))[:-1])
    if samples.task.exclusive:
        return by_stratum
    min_images = 1 / min(share, 1 - share)
    frequent = [rows for rows in by_stratum if len(rows) >= min_images]
    rare = [rows for rows in by_stratum if len(rows) < min_images]
    return frequent + ([np.concatenate(rare)] if rare else [])


def _train_counts(samples: Samples, strata: list[np.ndarray], share: float) -> Iterator[int]:
    """The number of training images of each stratum: at least one, and not all.

    Combinations of labels are many and small, so what rounding takes from one of them is given to the next.
    """
    n_images = n_train = 0
    for rows in strata:
        n_images += len(rows)
        ideal = round(len(rows) * share) if samples.task.exclusive else round(n_images * share) - n_train
        count = min(max(ideal, 1), max(1, len(rows) - 1))
        n_train += count
        yield count


def _keep_groups_together(rows: np.ndarray, groups: np.ndarray, n_train: int) -> tuple[np.ndarray, int]:
    """The rows, with each group moved to its first row, and the index closest to `n_train` that divides no group."""
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(first[group], kind="stable")
    cuts = np.flatnonzero(np.diff(group[order])) + 1
    # one group: it has to be divided
    if not len(cuts):
        return rows, n_train
    return rows[order], int(cuts[np.abs(cuts - n_train).argmin()])


def _train_on_all_labels(
    labels: np.ndarray, groups: np.ndarray | None, train: np.ndarray, val: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Move an image, with those of its group, to training for each label that only validation images have.

    The last validation images stay, whatever labels they have.
    """
    for label in range(labels.shape[1]):
        if labels[train, label].any():
            continue
        moved = val[labels[val, label]][:1]
        if groups is not None:
            moved = val[np.isin(groups[val], groups[moved])]
        if len(moved) < len(val):
            train, val = np.sort(np.concatenate([train, moved])), np.setdiff1d(val, moved)
    return train, val
