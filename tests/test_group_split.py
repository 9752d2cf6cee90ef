"""The split of grouped images: a group is in one subset, the classes are in both, and the shares are near to what is wanted."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monklite.data import group_split
from monklite.data.samples import DIGEST, Samples, as_column
from monklite.errors import DatasetError


def grouped(labels: list[int], names: list[str], copies: list[int] | None = None) -> Samples:
    """One image per label and group; images with the same entry of `copies` have the same bytes, 0: like no other."""
    n_classes = max(labels) + 1
    paths = [f"c{label}/{i:04d}.png" for i, label in enumerate(labels)]
    samples = Samples.from_files(Path("images"), [f"c{k}" for k in range(n_classes)], paths, np.array(labels, np.int64))
    marks = [f"copy{c}" if c else f"own{i}" for i, c in enumerate(copies or [0] * len(labels))]
    return replace(samples, groups=as_column(names), digests=np.array([m.encode() for m in marks], DIGEST))


def divided(samples: Samples, share: float = 0.7, seed: int = 0) -> tuple[Samples, Samples]:
    train, val = group_split.stratified(samples, share, seed, "column 'patient'")
    assert sorted([*train, *val]) == list(range(len(samples)))
    assert len(train) and len(val)
    return samples.take(train), samples.take(val)


LABELS_AND_GROUPS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 7)), min_size=4, max_size=40)
SHARES, SEEDS = st.sampled_from([0.1, 0.5, 0.7, 0.9]), st.integers(0, 50)


def made_of(pairs: list[tuple[int, int]]) -> Samples:
    present = sorted({label for label, _ in pairs})
    # group 0 stands for images without a group
    names = [f"p{group}" if group else "" for _, group in pairs]
    return grouped([present.index(label) for label, _ in pairs], names)


def can_be_divided(samples: Samples) -> bool:
    """Whether some division of the units has each class in both subsets, by trying all."""
    units = group_split.joined(samples)
    for sides in product([False, True], repeat=int(units.max()) + 1):
        in_train = np.array(sides)[units]
        if min(len(set(samples.labels[part])) for part in (in_train, ~in_train)) == len(samples.classes):
            return True
    return False


@settings(deadline=None, max_examples=300)
@given(pairs=LABELS_AND_GROUPS, share=SHARES, seed=SEEDS)
def test_no_group_is_on_both_sides_and_each_class_is(pairs: list[tuple[int, int]], share: float, seed: int) -> None:
    samples = made_of(pairs)
    assume(group_split.joined(samples).max() < 11)
    assume(min(samples.counts()) > 1)
    if not can_be_divided(samples):
        with pytest.raises(DatasetError, match="group"):
            divided(samples, share, seed)
        return
    train, val = divided(samples, share, seed)
    assert not (set(train.groups) & set(val.groups)) - {""}
    assert min(train.counts()) > 0
    assert min(val.counts()) > 0


@settings(deadline=None)
@given(pairs=LABELS_AND_GROUPS, seed=SEEDS, order=st.randoms(use_true_random=False))
def test_the_split_depends_on_the_seed_and_not_on_the_order(pairs, seed: int, order) -> None:
    samples = made_of(pairs)
    rows = list(range(len(samples)))
    order.shuffle(rows)
    try:
        first = divided(samples, 0.7, seed)
    except DatasetError:
        with pytest.raises(DatasetError):
            divided(samples.take(np.array(rows)), 0.7, seed)
        return
    again, mixed = divided(samples, 0.7, seed), divided(samples.take(np.array(rows)), 0.7, seed)
    assert [part.paths.tolist() for part in first] == [part.paths.tolist() for part in again]
    assert [set(part.paths) for part in first] == [set(part.paths) for part in mixed]


def patients(n: int, rng: np.random.Generator) -> Samples:
    """A class of a fifth of the patients and one of the others, 1 to 9 images of each."""
    sizes = rng.integers(1, 10, n)
    return grouped(
        np.repeat((np.arange(n) % 5 == 0).astype(int), sizes).tolist(),
        [f"p{i}" for i in np.repeat(np.arange(n), sizes)],
    )


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9, 0.95])
@pytest.mark.parametrize("seed", range(5))
def test_classes_are_split_by_the_same_share(share: float, seed: int) -> None:
    samples = patients(200, np.random.default_rng(seed))
    train, _ = divided(samples, share, seed)
    assert np.array(train.counts()) / samples.counts() == pytest.approx(share, abs=0.02)
    assert len(train) / len(samples) == pytest.approx(share, abs=0.005)


def test_large_groups_are_in_both_subsets() -> None:
    samples = patients(300, np.random.default_rng(0))
    sizes = [np.unique(part.groups, return_counts=True)[1].mean() for part in divided(samples)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_another_seed_gives_another_split() -> None:
    samples = patients(50, np.random.default_rng(0))
    assert len({tuple(divided(samples, seed=seed)[1].paths) for seed in range(10)}) == 10


def test_a_group_with_images_of_several_classes_stays_together() -> None:
    samples = grouped([0, 1] * 20, [f"p{i // 4}" for i in range(40)])
    train, val = divided(samples)
    assert not set(train.groups) & set(val.groups)
    assert train.counts() == (14, 14)
    assert val.counts() == (6, 6)


def test_groups_that_share_a_copy_are_one_group() -> None:
    # p0 and p1 share an image, p1 and an image of no group another; numbers are in the order of the paths, c0 first
    samples = grouped(
        [0, 0, 1, 1, 0, 0, 1, 1, 0],
        ["p0", "p0", "p1", "p1", "", "p2", "p2", "p3", "p4"],
        [1, 0, 1, 2, 2, 0, 0, 0, 0],
    )
    assert group_split.joined(samples).tolist() == [0, 0, 0, 0, 0, 1, 1, 3, 2]
    for seed in range(20):
        train, val = divided(samples, seed=seed)
        assert not set(train.digests) & set(val.digests)


def test_unread_files_are_no_copies() -> None:
    samples = replace(grouped([0, 0, 1, 1], ["a", "b", "c", "d"]), digests=np.zeros(4, DIGEST))
    assert group_split.joined(samples).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ([0, 0, 1, 1], ["p", "p", "p", "p"], r"all 4 images are of one group by column 'patient', 'p': add .*group=''"),
        ([0, 0, 1, 1], ["p", "q", "r", "r"], r"class 'c1' are of one group by column 'patient', 'r', which cannot be both"),
        ([0, 0, 0, 1, 1, 2, 2], ["x", "y", "z", "x", "y", "y", "x"], None),
        ([0, 0, 1, 1, 2, 2], ["x", "y", "y", "z", "z", "x"], r"has images of few groups by column 'patient', .* no division"),
        ([0, 0, 1], ["x", "y", "z"], "class 'c1' has 1 readable image"),
    ],
)  # fmt: skip
def test_a_class_that_cannot_be_on_both_sides_is_refused(labels, names, message: str | None) -> None:
    samples = grouped(labels, names)
    if message is None:
        assert all(min(part.counts()) for part in divided(samples))
        return
    with pytest.raises(DatasetError, match=message):
        divided(samples)


def test_a_class_joined_by_copies_is_refused_with_the_reason() -> None:
    with pytest.raises(DatasetError, match=r"images of class 'c0' .* joined by copies of the same images"):
        divided(grouped([0, 0, 1, 1, 1], ["a", "b", "c", "d", "d"], [1, 1, 0, 0, 0]))


def several(labels: np.ndarray, names: list[str]) -> Samples:
    n, n_labels = labels.shape
    samples = Samples.from_files(
        Path("d"), [f"l{k}" for k in range(n_labels)], [f"{i:05d}.png" for i in range(n)], labels
    )
    return replace(samples, groups=as_column(names))


@pytest.mark.parametrize("share", [0.7, 0.9])
def test_several_labels_are_split_by_the_same_share(share: float) -> None:
    rng = np.random.default_rng(3)
    labels = rng.random((3000, 8)) < [0.5, 0.3, 0.2, 0.1, 0.1, 0.05, 0.03, 0.02]
    samples = several(labels, [f"p{i}" for i in rng.integers(0, 800, 3000)])
    train, val = divided(samples, share)
    assert not set(train.groups) & set(val.groups)
    assert np.array(train.counts()) / samples.counts() == pytest.approx(share, abs=0.02)
    unlabelled = [np.count_nonzero(~part.labels.any(axis=1)) for part in (train, samples)]
    assert unlabelled[0] / unlabelled[1] == pytest.approx(share, abs=0.02)


def test_a_label_of_one_patient_is_trained_on() -> None:
    labels = np.zeros((40, 2), bool)
    labels[:, 0], labels[:3, 1] = True, True
    samples = several(labels, ["rare"] * 3 + [f"p{i // 3}" for i in range(37)])
    for seed in range(20):
        train, val = divided(samples, 0.7, seed)
        assert (train.counts()[1], val.counts()[1]) == (3, 0)


def test_the_last_validation_images_stay_whatever_labels_they_have() -> None:
    labels = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool)
    train, val = divided(several(labels, ["a", "a", "b", "b"]))
    assert (len(train), len(val)) == (2, 2)


def test_all_divisions_of_few_groups_are_tried_where_random_orders_find_none(monkeypatch) -> None:
    monkeypatch.setattr(group_split, "MAX_ORDERS", 0)
    samples = grouped([0, 0, 1, 1, 2, 2, 0, 1, 2], ["x", "y", "y", "z", "z", "x", "u", "v", "w"])
    train, val = divided(samples)
    assert train.counts() == (2, 2, 2)
    assert val.counts() == (1, 1, 1)
