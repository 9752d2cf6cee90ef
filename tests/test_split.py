"""The seeded, stratified split and its record in the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monklite.data import split
from monklite.data.discover import Samples
from monklite.errors import DamagedFile, DatasetError


def table(*counts: int) -> Samples:
    names = tuple(f"c{k}" for k in range(len(counts)))
    paths = tuple(f"{name}/{i:03d}.png" for name, n in zip(names, counts, strict=True) for i in range(n))
    return Samples(Path("images"), names, paths, np.repeat(np.arange(len(counts)), counts))


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


def digests(n: int) -> np.ndarray:
    return np.frombuffer(np.random.default_rng(0).bytes(16 * n), "S16").copy()


def test_digests_read_back_in_whatever_bytes(tmp_path: Path) -> None:
    samples = table(3, 3)
    marks = digests(6)
    marks[0], marks[1] = b"ends in zero\0\0", b""
    parts = {"train": np.array([0, 1, 2, 4]), "val": np.array([3, 5])}
    split.write(
        tmp_path / "s.csv", {n: samples.take(r) for n, r in parts.items()}, {n: marks[r] for n, r in parts.items()}
    )
    assert split.read_digests(tmp_path / "s.csv").tolist() == marks[[0, 1, 2, 4, 3, 5]].tolist()
    assert split.read(tmp_path / "s.csv")["val"] == set(samples.take(parts["val"]).paths)


def test_an_older_record_has_no_digests(tmp_path: Path) -> None:
    split.write(tmp_path / "s.csv", {"val": table(1, 1)})
    assert split.read_digests(tmp_path / "s.csv").tolist() == []


@pytest.mark.parametrize("digest", ["xyz", "00", "g" * 32, "0" * 33])
def test_a_damaged_digest_is_told(tmp_path: Path, digest: str) -> None:
    (tmp_path / "s.csv").write_text(f"subset,class,path,digest\ntrain,a,a/1.png,{digest}\n")
    with pytest.raises(DamagedFile, match=r"s\.csv is damaged .*line 2"):
        split.read_digests(tmp_path / "s.csv")


def test_a_written_split_reads_back(tmp_path: Path) -> None:
    samples = table(6, 8)
    train, val = split.stratified(samples, 0.5, 3)
    split.write(tmp_path / "split.csv", {"train": samples.take(train), "val": samples.take(val)})
    recorded = split.read(tmp_path / "split.csv")
    assert split.as_recorded(samples, recorded["train"], "train").tolist() == train.tolist()
    assert split.as_recorded(samples, recorded["val"], "val").tolist() == val.tolist()


def test_odd_names_read_back(tmp_path: Path) -> None:
    paths = ('a,b/"x".png', "a,b/é ü.png", "a,b/line\nbreak.png")
    samples = Samples(Path("images"), ("a,b",), paths, np.zeros(3, np.int64))
    split.write(tmp_path / "split.csv", {"train": samples})
    assert split.read(tmp_path / "split.csv") == {"train": set(paths)}


def test_the_record_is_a_plain_table(tmp_path: Path) -> None:
    split.write(tmp_path / "split.csv", {"val": table(1, 1)})
    assert (tmp_path / "split.csv").read_text() == "subset,class,path\nval,c0,c0/000.png\nval,c1,c1/000.png\n"


def test_images_added_later_stay_out_of_a_recorded_split() -> None:
    wanted = set(table(2, 2).paths)
    rows = split.as_recorded(table(3, 3), wanted, "train")
    assert {table(3, 3).paths[r] for r in rows} == wanted


def test_a_vanished_image_is_named() -> None:
    wanted = {*table(2, 2).paths, "c0/gone.png"}
    with pytest.raises(
        DatasetError, match=r"1 val images of this run are no longer \(readable\) in images, the first: c0/gone\.png"
    ):
        split.as_recorded(table(2, 2), wanted, "val")


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"subset,class\ntrain,cat\n", b"subset,class,path\n\xff\xfe\n"]
)
def test_a_damaged_record_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "split.csv").write_bytes(content)
    with pytest.raises(DamagedFile, match=r"split\.csv is damaged .*: the split of this run is lost"):
        split.read(tmp_path / "split.csv")


def test_odd_file_names_are_recorded_and_found_again(tmp_path: Path) -> None:
    odd = Samples(tmp_path, ("a", "b"), ("a/\udcff,\n.png", "b/é 1.png"), np.array([0, 1]))
    split.write(tmp_path / "dataset.csv", {"train": odd})
    assert split.read(tmp_path / "dataset.csv") == {"train": set(odd.paths)}


def test_images_in_any_order_of_classes_are_drawn_from_the_rows_of_each_class_as_they_stand() -> None:
    samples = table(700, 300)
    mixed = samples.take(np.random.default_rng(1).permutation(1000))
    train, _ = split.stratified(mixed, 0.7, seed=5)
    for label, n_train in ((0, 490), (1, 210)):
        rows = np.flatnonzero(mixed.labels == label)
        expected = np.random.default_rng([5, label]).permutation(rows)[:n_train]
        assert sorted(expected) == train[mixed.labels[train] == label].tolist()
