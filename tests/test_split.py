"""The seeded, stratified split and its record in the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monklite.data import split
from monklite.data.samples import Samples
from monklite.errors import DatasetError


def table(*counts: int) -> Samples:
    names = tuple(f"c{k}" for k in range(len(counts)))
    paths = [f"{name}/{i:03d}.png" for name, n in zip(names, counts, strict=True) for i in range(n)]
    return Samples.from_files(Path("images"), names, paths, np.repeat(np.arange(len(counts)), counts))


@given(
    counts=st.lists(st.integers(2, 40), min_size=2, max_size=5),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**31 - 1),
)
def test_parts_are_disjoint_complete_and_hold_every_class(counts: list[int], share: float, seed: int) -> None:
    samples = table(*counts)
    train, val = split.stratified(samples, share, seed)
    assert sorted([*train, *val]) == list(range(len(samples)))
    assert min(samples.take(train).counts()) >= 1
    assert min(samples.take(val).counts()) >= 1


@given(counts=st.lists(st.integers(10, 60), min_size=2, max_size=4), share=st.sampled_from([0.5, 0.7, 0.9]))
def test_every_class_is_split_by_the_same_share(counts: list[int], share: float) -> None:
    samples = table(*counts)
    got = samples.take(split.stratified(samples, share, 0)[0]).counts()
    assert all(abs(n_train - n * share) <= 0.5 for n_train, n in zip(got, counts, strict=True))


def test_the_same_seed_gives_the_same_split() -> None:
    first, second = (split.stratified(table(20, 30), 0.7, 5) for _ in range(2))
    assert [part.tolist() for part in first] == [part.tolist() for part in second]


def test_another_seed_gives_another_split() -> None:
    assert split.stratified(table(20, 30), 0.7, 5)[0].tolist() != split.stratified(table(20, 30), 0.7, 6)[0].tolist()


def test_more_images_of_one_class_leave_the_split_of_the_others() -> None:
    few, many = (split.stratified(table(20, n), 0.5, 1)[0] for n in (4, 30))
    assert [r for r in few if r < 20] == [r for r in many if r < 20]


def test_parts_are_random_within_a_class() -> None:
    assert split.stratified(table(50, 50), 0.5, 0)[0].tolist() != [*range(25), *range(50, 75)]


def test_classes_of_one_size_are_shuffled_independently() -> None:
    train = split.stratified(table(20, 20), 0.5, 0)[0]
    assert [r for r in train if r < 20] != [r - 20 for r in train if r >= 20]


def test_rows_come_in_order() -> None:
    train, val = split.stratified(table(9, 9), 0.6, 2)
    assert train.tolist() == sorted(train)
    assert val.tolist() == sorted(val)


def test_a_class_with_one_image_cannot_be_split() -> None:
    with pytest.raises(
        DatasetError, match=r"class 'c1' has 1 readable image: a split needs at least 2 .*\[train, val\]"
    ):
        split.stratified(table(5, 1), 0.7, 0)


@given(
    counts=st.lists(st.integers(2, 30), min_size=1, max_size=4),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**31 - 1),
)
def test_groups_of_one_leave_the_split_as_it_is(counts: list[int], share: float, seed: int) -> None:
    samples = table(*counts)
    names = np.random.default_rng(seed).permutation(len(samples))
    plain, grouped = split.stratified(samples, share, seed), split.stratified(samples, share, seed, names)
    assert [part.tolist() for part in plain] == [part.tolist() for part in grouped]


@given(
    groups=st.lists(st.integers(0, 8), min_size=2, max_size=40),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**31 - 1),
)
def test_images_of_one_group_stay_together(groups: list[int], share: float, seed: int) -> None:
    samples = table(len(groups))
    train, val = split.stratified(samples, share, seed, np.array(groups))
    assert sorted([*train, *val]) == list(range(len(groups)))
    assert len(train) and len(val)
    if len(set(groups)) > 1:
        assert not {groups[i] for i in train} & {groups[i] for i in val}
        largest = max(groups.count(g) for g in groups)
        assert abs(len(train) - len(groups) * share) <= largest + 1


def test_a_class_of_nothing_but_copies_is_split_all_the_same() -> None:
    train, val = split.stratified(table(10), 0.7, 0, np.zeros(10))
    assert (len(train), len(val)) == (7, 3)


def test_groups_count_within_a_class_only() -> None:
    samples = table(10, 10)
    plain = split.stratified(samples, 0.5, 0)
    grouped = split.stratified(samples, 0.5, 0, np.tile(np.arange(10), 2))
    assert [part.tolist() for part in plain] == [part.tolist() for part in grouped]


def test_images_in_any_order_of_classes_are_drawn_from_the_rows_of_each_class_as_they_stand() -> None:
    samples = table(700, 300)
    mixed = samples.take(np.random.default_rng(1).permutation(1000))
    train, _ = split.stratified(mixed, 0.7, seed=5)
    for label, n_train in ((0, 490), (1, 210)):
        rows = np.flatnonzero(mixed.labels == label)
        expected = np.random.default_rng([5, label]).permutation(rows)[:n_train]
        assert sorted(expected) == train[mixed.labels[train] == label].tolist()


def labelled(rows: list[list[int]]) -> Samples:
    """Images with several labels each, as 0 and 1 for each label."""
    labels = np.array(rows, dtype=bool)
    names = [f"c{k}" for k in range(labels.shape[1])]
    return Samples.from_files(Path("images"), names, [f"{i:03d}.png" for i in range(len(labels))], labels)


def test_combinations_of_labels_are_split_by_the_same_share() -> None:
    samples = labelled([[1, 0], [0, 1], [1, 1], [0, 0]] * 10)
    train, val = split.stratified(samples, 0.7, 0)
    assert sorted([*train, *val]) == list(range(40))
    for combination in ([1, 0], [0, 1], [1, 1], [0, 0]):
        assert (samples.labels[train] == combination).all(axis=1).sum() == 7


@given(
    rows=st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=4, max_size=40),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 100),
)
def test_every_label_is_trained_on_however_rare_its_combinations_are(
    rows: list[list[int]], share: float, seed: int
) -> None:
    samples = labelled([*rows, [1, 1, 1], [1, 1, 1]])
    train, val = split.stratified(samples, share, seed)
    assert sorted([*train, *val]) == list(range(len(samples)))
    assert samples.labels[train].any(axis=0).all()


def test_a_label_that_one_image_has_cannot_be_split() -> None:
    with pytest.raises(DatasetError, match="class 'c1' has 1 readable image"):
        split.stratified(labelled([[1, 0], [1, 1], [1, 0]]), 0.7, 0)


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9, 0.95])
@pytest.mark.parametrize(("n", "n_labels"), [(500, 8), (2000, 10), (60, 5)])
def test_the_share_is_kept_however_rare_the_combinations_are(share: float, n: int, n_labels: int) -> None:
    labels = np.random.default_rng(0).random((n, n_labels)) < 0.5
    samples = Samples.from_files(
        Path("d"), [str(i) for i in range(n_labels)], [f"{i:04}.png" for i in range(n)], labels
    )
    train, val = split.stratified(samples, share, seed=1)
    assert sorted([*train, *val]) == list(range(n))
    # half an image per combination that is split by itself
    assert len(train) / n == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("seed", range(50))
def test_labels_of_few_images_do_not_empty_the_validation_set(seed: int) -> None:
    labels = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1]], bool)
    samples = Samples.from_files(Path("d"), list("abcd"), [f"{i}.png" for i in range(4)], labels)
    train, val = split.stratified(samples, 0.5, seed)
    assert len(val)
    assert labels[train].any(axis=0).all()
