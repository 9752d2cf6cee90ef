"""Seeded split of grouped images, such as those of patients: a group is in training or in validation, never in both.

Groups are placed one after the other, the large ones first, each where the shares of its classes stay nearest to what is
wanted; then single groups are moved as long as that brings them nearer. See `docs/decisions/0023-patients.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import DatasetError
from ..printable import printable
from .samples import UNREAD, Samples
from .split import check_two_of_each

# of random orders, until every class is in both subsets; then all divisions of so few units are tried
MAX_ORDERS, MAX_TRIED_UNITS = 20, 12
# moves that only bring the shares nearer
MAX_MOVES = 50
# a class that is missing in a subset counts more than any shares
MISSING = 1e6
OTHERWISE = "give a validation folder (dataset_path=[train, val]), or split image by image (group='')"


def stratified(samples: Samples, share: float, seed: int, by: str) -> tuple[np.ndarray, np.ndarray]:
    """The rows of the training and of the validation images; no group, and no two copies of an image, are in both.

    Groups that hold copies of the same image are one group. Each class is in both subsets; of images with several labels,
    a label whose images are of one group is in training only.

    Args:
        samples: the images with `groups` and `digests`; the split depends on their paths, not on their order.
        share: the share used for training, 0 to 1, kept as nearly as the groups allow.
        seed: the same seed gives the same split. by: what the groups are from, for errors, such as `file name`.

    Raises:
        DatasetError: a class cannot be in both subsets, because it has one image, or all its images are of one group.
    """
    check_two_of_each(samples)
    units = joined(samples)
    _check_units(samples, units, by)
    counts = _Counts.of(samples, units)
    best, fewest = np.zeros(counts.n_units, bool), np.inf
    for attempt in range(MAX_ORDERS):
        rng = np.random.default_rng([seed, attempt])
        in_train = _refined(counts, _placed(counts, _order(counts, rng), share), share)
        missing = counts.missing(in_train)
        if missing < fewest:
            best, fewest = in_train, missing
        if fewest <= counts.unavoidable():
            break
    else:
        best = min((best, *_best_of_all(counts, share)), key=counts.missing)
    _check_classes(samples, units, best, by)
    return np.flatnonzero(best[units]), np.flatnonzero(~best[units])


def joined(samples: Samples) -> np.ndarray:
    """The unit of each image, int64 (N,), numbered in the order of their first paths.

    A unit is a group, or an image without a group, or several of these that share a copy of an image.
    """
    order = np.argsort(samples.paths, kind="stable")
    groups, digests = samples.groups[order], samples.digests[order]
    named = groups != ""
    group = np.arange(len(groups)) + len(groups)
    group[named] = np.unique(groups[named], return_inverse=True)[1]
    _, digest, counts = np.unique(digests, return_inverse=True, return_counts=True)
    copies = np.flatnonzero((counts[digest] > 1) & (digests != UNREAD))
    # union-find over the groups that share an image
    parent = list(range(2 * len(groups)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[int, int] = {}
    for copy, mine in zip(digest[copies].tolist(), group[copies].tolist(), strict=True):
        parent[root(mine)] = root(first.setdefault(copy, mine))
    roots = np.array([root(mine) for mine in group.tolist()], np.int64)
    _, first_row, inverse = np.unique(roots, return_index=True, return_inverse=True)
    units = np.empty(len(groups), np.int64)
    units[order] = np.argsort(np.argsort(first_row))[inverse]
    return units


def _check_units(samples: Samples, units: np.ndarray, by: str) -> None:
    remedy = f"add images of other groups, {OTHERWISE}"
    if units.max() == 0:
        raise DatasetError(f"all {len(units)} images are of one group by {by}{_named(samples)}: {remedy}")
    if not samples.task.exclusive:
        return
    n_all = len(units)
    for label, n_units in enumerate(np.bincount(np.unique(samples.labels * n_all + units) // n_all)):
        if n_units == 1:
            rows = np.flatnonzero(samples.labels == label)
            raise DatasetError(
                f"all {len(rows)} images of class {samples.classes[label]!r} are of one group by {by}"
                f"{_named(samples.take(rows))}, which cannot be both trained on and validated with: {remedy}"
            )


def _named(samples: Samples) -> str:
    """Which group the images are of, in words."""
    names = sorted(set(samples.groups.tolist()))
    return f", {printable(names[0])!r}" if len(names) == 1 and names[0] else ", joined by copies of the same images"


def _check_classes(samples: Samples, units: np.ndarray, in_train: np.ndarray, by: str) -> None:
    if not samples.task.exclusive:
        return
    for part in (in_train, ~in_train):
        present = np.bincount(samples.labels[part[units]], minlength=len(samples.classes))
        for name, n_images in zip(samples.classes, present, strict=True):
            if not n_images:
                raise DatasetError(
                    f"class {name!r} has images of few groups by {by}, which hold images of other classes too: no division was "
                    f"found with each class in training and in validation. Add images of other groups, {OTHERWISE}"
                )


@dataclass(frozen=True)
class _Counts:
    """The number of images of each class in each unit, where it is not 0: `count` of `column` in `unit`, sorted by unit.

    Columns are the classes, then images without a label, then all images. `totals`, `weights`, `needs_train`, `needs_val`: of
    each column, its images, what a deviation from the wanted share counts, and what it counts that a subset has none of it.
    """

    unit: np.ndarray
    column: np.ndarray
    count: np.ndarray
    totals: np.ndarray
    weights: np.ndarray
    needs_train: np.ndarray
    needs_val: np.ndarray

    @classmethod
    def of(cls, samples: Samples, units: np.ndarray) -> _Counts:
        n_classes = len(samples.classes)
        rows, everything = np.arange(len(samples)), n_classes + 1
        if samples.task.exclusive:
            row, column = rows, samples.labels
        else:
            row, column = np.nonzero(samples.labels)
            unlabelled = np.flatnonzero(~samples.labels.any(axis=1))
            row, column = np.r_[row, unlabelled], np.r_[column, np.full(len(unlabelled), n_classes)]
        row, column = np.r_[row, rows], np.r_[column, np.full(len(rows), everything)]
        keys, count = np.unique(units[row] * (n_classes + 2) + column, return_counts=True)
        unit, column = np.divmod(keys, n_classes + 2)
        totals = np.bincount(column, count, n_classes + 2)
        weights = np.where(totals > 0, 1 / np.maximum(totals, 1) ** 2, 0.0)
        # the share of all images is as important as those of all classes together
        weights[everything] *= n_classes
        needs = np.where(totals > 0, 1.0, 0.0)
        needs[n_classes] = 0.0
        # neither subset may be empty
        needs[everything] = 4 * n_classes
        needs_train = needs.copy()
        # a class that is not in validation is trained at least
        needs_train[:n_classes] *= 2
        return cls(unit, column, count, totals, weights, needs_train, needs)

    @property
    def n_units(self) -> int:
        return int(self.unit[-1]) + 1

    def trained(self, in_train: np.ndarray) -> np.ndarray:
        """The number of training images of each column."""
        return np.bincount(self.column, self.count * in_train[self.unit], len(self.totals))

    def missing(self, in_train: np.ndarray) -> float:
        """The sum of the penalties for classes that a subset has no image of."""
        return float(_missing(self, np.arange(len(self.totals)), self.trained(in_train)).sum())

    def unavoidable(self) -> float:
        """The penalties of any split: classes of one unit cannot be in validation."""
        return float(self.needs_val[np.bincount(self.column, minlength=len(self.totals)) == 1].sum())


def _missing(counts: _Counts, column: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """The penalty of each column, of which `trained` images are in training."""
    none, all_of_them = trained < 0.5, trained > counts.totals[column] - 0.5
    return counts.needs_train[column] * none + counts.needs_val[column] * all_of_them


def _order(counts: _Counts, rng: np.random.Generator) -> np.ndarray:
    """The units in random order, the larger ones first: of sizes 1, 2 to 3, 4 to 7, and so on."""
    order = rng.permutation(counts.n_units)
    sizes = counts.count[counts.column == len(counts.totals) - 1]
    return order[np.argsort(-np.floor(np.log2(sizes[order])), kind="stable")]


def _placed(counts: _Counts, order: np.ndarray, share: float) -> np.ndarray:
    """Whether each unit is in training, bool (n_units,): one after the other, each subset gets its share of those so far."""
    starts = np.searchsorted(counts.unit, np.arange(counts.n_units + 1)).tolist()
    columns, numbers, weights = counts.column.tolist(), counts.count.tolist(), counts.weights.tolist()
    # training images of each column, less the wanted share of those placed so far
    excess = [0.0] * len(weights)
    in_train = np.zeros(counts.n_units, bool)
    for unit in order.tolist():
        entries = [(columns[i], numbers[i]) for i in range(starts[unit], starts[unit + 1])]
        # sum of the weighted squares of the excesses with the unit in training, less that with it in validation
        difference = sum(weights[c] * n * (2 * excess[c] + n * (1 - 2 * share)) for c, n in entries)
        in_train[unit] = difference <= 0
        for c, n in entries:
            excess[c] += n * (1 - share) if difference <= 0 else -n * share
    return in_train


def _best_of_all(counts: _Counts, share: float) -> Iterator[np.ndarray]:
    """Yield the best of all divisions, where the units are few."""
    if counts.n_units > MAX_TRIED_UNITS:
        return
    images = np.zeros((counts.n_units, len(counts.totals)))
    images[counts.unit, counts.column] = counts.count
    divisions = np.arange(2**counts.n_units)[:, None] >> np.arange(counts.n_units) & 1
    trained = divisions @ images
    missing = _missing(counts, np.arange(len(counts.totals)), trained).sum(axis=1)
    farness = ((trained - share * counts.totals) ** 2) @ counts.weights
    yield divisions[(farness + MISSING * missing).argmin()].astype(bool)


def _refined(counts: _Counts, in_train: np.ndarray, share: float) -> np.ndarray:
    """The placing, improved: again and again the unit is moved whose move improves it most."""
    in_train, moves = in_train.copy(), 0
    wanted = share * counts.totals
    while moves < MAX_MOVES:
        before = counts.trained(in_train)[counts.column]
        after = before + np.where(in_train[counts.unit], -counts.count, counts.count)
        aim = wanted[counts.column]
        nearer = counts.weights[counts.column] * ((after - aim) ** 2 - (before - aim) ** 2)
        missing = _missing(counts, counts.column, after) - _missing(counts, counts.column, before)
        change = np.bincount(counts.unit, nearer + MISSING * missing)
        best = int(change.argmin())
        if change[best] > -1e-9:
            break
        in_train[best] = ~in_train[best]
        # moves that give a class to a subset are not counted: each makes what is missing less
        moves += change[best] > -MISSING / 2
    return in_train
