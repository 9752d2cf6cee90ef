"""Batches: each image once per epoch, reproducible, prefetched in a thread that ends."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from monklite.catalog.transforms import TRANSFORMS
from monklite.data import discover
from monklite.data.augment import Policy, policy
from monklite.data.batches import Batch, Batches
from monklite.data.cache import open_store
from monklite.data.stores import CachedStore
from monklite.errors import DatasetError
from monklite.testing.datasets import draw_patterns

PLAIN = policy((), 4)
FLIP = policy((TRANSFORMS["random_horizontal_flip"].choose("pytorch", {}),), 4)
CROP = policy((TRANSFORMS["random_resized_crop"].choose("pytorch", {"input_size": 4}),), 4)


def batches(n: int, batch_size: int = 4, how: Policy = PLAIN, seed: int = 0, shuffle: bool = True) -> Batches:
    """Batches of n images whose pixels tell their row, which is 100 more than their label."""
    pixels = np.arange(n + 100, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 4, 4, 3), np.uint8)
    store = CachedStore(pixels, np.full((n + 100, 2), 9))
    return Batches(store, np.arange(100, n + 100), np.arange(n), how, batch_size, seed, shuffle)


def labels(made: Batches, epoch: int = 0) -> list[int]:
    return [int(k) for batch in made.epoch(epoch) for k in batch.labels]


def draws(batch: Batch) -> list:
    found = batch.draws.flip_x if batch.draws.matrix is None else batch.draws.matrix
    assert found is not None
    return found.tolist()


def alive() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("monklite-batches")]


@pytest.mark.parametrize("n", [1, 2, 4, 5, 8, 11, 50])
@pytest.mark.parametrize("shuffle", [True, False])
def test_every_image_comes_once_an_epoch(n: int, shuffle: bool) -> None:
    assert sorted(labels(batches(n, shuffle=shuffle))) == list(range(n))


def test_images_and_labels_belong_together() -> None:
    for batch in batches(11).epoch():
        assert batch.images.dtype == np.uint8
        assert batch.images.shape == (len(batch), 4, 4, 3)
        assert (batch.images[:, 0, 0, 0] == batch.labels + 100).all()


def test_every_epoch_has_an_order_of_its_own() -> None:
    made = batches(30)
    assert len({tuple(labels(made, epoch)) for epoch in range(5)}) == 5


def test_the_same_seed_gives_the_same_order() -> None:
    assert labels(batches(30, seed=3), 2) == labels(batches(30, seed=3), 2)
    assert labels(batches(30, seed=3), 2) != labels(batches(30, seed=4), 2)


def test_unshuffled_batches_come_in_order_every_epoch() -> None:
    made = batches(11, shuffle=False)
    assert labels(made, 0) == labels(made, 1) == list(range(11))


@pytest.mark.parametrize(("n", "sizes"), [(8, [4, 4]), (9, [4, 5]), (10, [4, 4, 2]), (5, [5]), (1, [1]), (4, [4])])
def test_a_last_batch_of_one_image_joins_the_one_before(n: int, sizes: list[int]) -> None:
    made = batches(n)
    assert [len(b) for b in made.epoch()] == sizes
    assert (len(made), made.n_images) == (len(sizes), n)


@pytest.mark.parametrize("how", [FLIP, CROP], ids=["flips", "matrices"])
def test_draws_follow_from_seed_and_epoch(how: Policy) -> None:
    def all_draws(seed: int, epoch: int) -> list:
        return [draws(b) for b in batches(20, how=how, seed=seed).epoch(epoch)]

    assert all_draws(1, 3) == all_draws(1, 3)
    assert all_draws(1, 3) != all_draws(1, 4)
    assert all_draws(1, 3) != all_draws(2, 3)


def test_earlier_epochs_leave_the_draws_of_later_ones() -> None:
    went_on, resumed = batches(20, how=CROP), batches(20, how=CROP)
    for epoch in range(3):
        labels(went_on, epoch)
    assert [draws(b) for b in went_on.epoch(3)] == [draws(b) for b in resumed.epoch(3)]


def test_a_transform_does_not_change_the_order() -> None:
    assert labels(batches(20, how=CROP), 1) == labels(batches(20), 1)


def test_there_is_one_draw_an_image() -> None:
    assert all(len(draws(b)) == len(b) for b in batches(9, how=CROP).epoch())


def test_an_error_in_the_thread_reaches_who_waits(tmp_path: Path) -> None:
    samples = discover.from_folders(draw_patterns(tmp_path / "images", {"a": 6, "b": 6}, side=8))
    _, store = open_store(samples, PLAIN, tmp_path / "cache", 1, keep=False)
    (samples.roots[0] / samples.paths[9]).write_bytes(b"")
    made = Batches(store, np.arange(12), samples.labels, PLAIN, batch_size=4)
    got = []
    with pytest.raises(DatasetError, match=r"b-003\.png has changed since the dataset was read"):
        got.extend(made.epoch())
    assert [len(b) for b in got] == [4, 4]
    assert alive() == []


def test_a_whole_epoch_leaves_no_thread() -> None:
    assert len(labels(batches(40))) == 40
    assert alive() == []


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_an_epoch_given_up_half_way_leaves_no_thread(taken: int) -> None:
    epoch = batches(200).epoch()
    for _ in range(taken):
        next(epoch)
    epoch.close()  # type: ignore[attr-defined]
    assert alive() == []


def test_an_epoch_broken_off_by_an_error_leaves_no_thread() -> None:
    with pytest.raises(ZeroDivisionError):
        for _ in batches(200).epoch():
            assert alive() == ["monklite-batches_0"]
            raise ZeroDivisionError
    assert alive() == []


def test_two_epochs_can_be_read_side_by_side() -> None:
    made = batches(12)
    pairs = zip(made.epoch(0), made.epoch(0), strict=True)
    assert all(a.labels.tolist() == b.labels.tolist() for a, b in pairs)
