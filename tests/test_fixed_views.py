"""A fixed number of views of each training image: what they are, and that a frozen part is computed once for each of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_features import MODELS, SUFFIX, count, experiment, history, stopped_at_batch, weights  # noqa: F401 (a fixture)

from monklite import Prototype
from monklite.catalog.backends import BUILT_IN
from monklite.data import cache_limit
from monklite.data.augment import Draws, policy
from monklite.data.batches import Batches
from monklite.data.fixed_stream import FixedStream, keys_of
from monklite.data.stores import CachedStore
from monklite.errors import InvalidType, InvalidValue, NotReady
from monklite.runs.workspace import Workspace
from monklite.spec import Choice
from monklite.training import features as features_module

N, VIEWS = 20, 3
NAMES = np.array([f"image {i:02}".encode() for i in range(N)], "S16")
CROPS = (
    Choice(name="random_horizontal_flip", params={"probability": 0.5}),
    Choice(name="random_resized_crop", params={"input_size": 8, "scale": (0.08, 1.0), "ratio": (0.75, 1.3333)}),
    Choice(name="random_rotation", params={"degrees": 20}),
)


def batches(**changes: Any) -> Batches:
    rng = np.random.default_rng(0)
    store = CachedStore(rng.integers(0, 256, (N, 16, 16, 3), np.uint8), rng.integers(20, 60, (N, 2)))
    how = policy(CROPS, 8, views=changes.pop("views", VIEWS))
    values = {"seed": 3, "shuffle": True, "digests": NAMES, **changes}
    return Batches(store, np.arange(N), np.zeros(N, np.int64), how, values.pop("batch_size", 4), **values)


def shown(made: Batches, *epochs: int, start: int = 0) -> dict[int, set[bytes]]:
    """The matrices of each image in some epochs."""
    found: dict[int, set[bytes]] = {i: set() for i in range(N)}
    for epoch in epochs:
        for chosen, draws in made.drawn(epoch, start):
            assert draws.matrix is not None
            for i, matrix in zip(chosen.tolist(), draws.matrix, strict=True):
                found[i].add(matrix.tobytes())
    return found


def test_each_image_has_as_many_pictures_as_asked_for_and_they_are_its_own() -> None:
    found = shown(batches(), *range(30))
    assert [len(matrices) for matrices in found.values()] == [VIEWS] * N
    assert len(set.union(*found.values())) == N * VIEWS
    assert max(len(m) for m in shown(batches(views=0), *range(30)).values()) == 30


def test_views_depend_on_seed_number_and_image_alone() -> None:
    found = shown(batches(), *range(30))
    assert shown(batches(batch_size=7, shuffle=False), *range(30)) == found
    fewer = shown(batches(views=2), *range(30))
    assert all(fewer[i] < found[i] for i in range(N))
    other = shown(batches(seed=4), *range(30))
    assert not any(other[i] & found[i] for i in range(N))
    # an image keeps its views among other images
    made = batches()
    rest = np.arange(5, N)
    part = replace(made, rows=rest, labels=made.labels[rest], digests=NAMES[rest])
    for i in rest:
        draws = part.showing(np.array([i - 5]), np.array([1]))
        assert np.array_equal(draws.matrix, made.showing(np.array([i]), np.array([1])).matrix)


def test_equal_images_have_equal_views_and_images_without_digests_have_some_too() -> None:
    made = batches(digests=np.where(np.arange(N) == 9, NAMES[4], NAMES))
    made.store.sizes[9] = made.store.sizes[4]
    draws = made.showing(np.array([4, 9]), np.array([2, 2]))
    assert np.array_equal(draws.matrix[0], draws.matrix[1])
    found = shown(batches(digests=np.empty(0, "S16")), *range(30))
    assert [len(matrices) for matrices in found.values()] == [VIEWS] * N
    assert len(set.union(*found.values())) == N * VIEWS


def test_an_epoch_that_is_continued_shows_the_same_views() -> None:
    made = batches()
    whole = [(chosen.tolist(), draws.face.tolist()) for chosen, draws in made.drawn(2)]
    assert [(chosen.tolist(), draws.face.tolist()) for chosen, draws in made.drawn(2, 8)] == whole[2:]
    faces = np.concatenate([draws.face for epoch in range(40) for _, draws in made.drawn(epoch)])
    assert np.bincount(faces) == pytest.approx([len(faces) / VIEWS] * VIEWS, rel=0.15)


def test_processes_that_share_a_batch_show_its_views() -> None:
    whole = next(replace(batches(), reading=False).epoch(1))
    parts = [next(replace(batches(process=i, n_processes=2), reading=False).epoch(1)) for i in (0, 1)]
    for name in ("face", "matrix"):
        joined = np.concatenate([getattr(part.draws, name) for part in parts])
        assert np.array_equal(joined, getattr(whole.draws, name))


def test_images_that_are_only_mirrored_have_faces_and_no_views() -> None:
    flips = policy((CROPS[0],), 8, views=5)
    assert not flips.has_views
    assert flips.faces == (0, 1)
    draws = flips.draw(np.full((30, 2), 8), np.random.default_rng(0))
    assert draws.face is not None
    assert np.array_equal(draws.face, draws.flip_x)
    again = flips.showing(draws.face, np.full((30, 2), 8), NAMES, 0)
    assert np.array_equal(again.flip_x, draws.flip_x)
    assert not again.flip_y.any()


def test_the_numbers_of_a_fixed_stream_are_as_random_as_they_should_be() -> None:
    """The first ones are written down: what is kept on a disk was computed for them."""
    names = np.array([f"{i}".encode() for i in range(20_000)], "S16")
    stream = FixedStream(keys_of(0, names, np.zeros(len(names), np.int64)))
    numbers = stream.random((3, len(names)))
    assert numbers[:, 0].tolist() == pytest.approx(FIRST, abs=1e-15)
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert np.histogram(numbers, 10, (0, 1))[0] == pytest.approx(6000, rel=0.05)
    more = stream.uniform(2, 4, len(names))
    others = [FixedStream(keys_of(s, names, np.full(len(names), v))).random(len(names)) for s, v in ((1, 0), (0, 1))]
    correlations = np.corrcoef(np.stack([*numbers, more, *others]))
    assert np.abs(correlations - np.eye(6)).max() < 0.03
    assert np.abs(np.corrcoef(numbers[0, 1:], numbers[0, :-1])[0, 1]) < 0.03
    assert (more.min(), more.max()) == pytest.approx((2, 4), abs=0.01)


FIRST = [0.26127325741438034, 0.4078020287334535, 0.46628391767688937]


def views(folder: Path, patterns: Path, name: str, backend: str = "pytorch", n: int = 3, **changes: Any) -> Any:
    ptf = experiment(folder, patterns, name, backend, crop=True, model=MODELS[backend], **changes)
    ptf.update_stored_views(n)
    return ptf


@pytest.mark.parametrize("backend", BUILT_IN)
def test_each_view_is_computed_once_and_warm_is_cold(patterns: Path, tmp_path: Path, count, backend: str) -> None:  # noqa: F811
    views(tmp_path, patterns, "cold", backend, epochs=8).Train()
    # 24 training images with three views each, 12 of validation with one face
    assert sum(count) <= 24 * 3 + 12
    done = sum(count)
    views(tmp_path, patterns, "warm", backend, epochs=8).Train()
    assert sum(count) == done
    assert weights(tmp_path, "warm") == weights(tmp_path, "cold")
    assert history(tmp_path, "warm") == history(tmp_path, "cold")
    methods = [Workspace(tmp_path).find("p", name).state().model.methods[-2:] for name in ("cold", "warm")]
    told = "3 fixed views of each training image"
    assert methods == [
        (told, "frozen part computed once for each image"),
        (told, "frozen part known from an earlier training"),
    ]


@pytest.mark.parametrize("backend", BUILT_IN)
def test_views_are_shown_whether_their_values_are_kept_or_not(
    patterns: Path, tmp_path: Path, monkeypatch, backend: str
) -> None:
    views(tmp_path, patterns, "kept", backend).Train()
    monkeypatch.setattr(features_module, "MAX_WIDTH", 0)
    views(tmp_path, patterns, "computed", backend).Train()
    experiment(tmp_path, patterns, "other", backend, crop=True, model=MODELS[backend]).Train()
    kept, computed, other = (np.array(history(tmp_path, name)) for name in ("kept", "computed", "other"))
    assert np.allclose(kept, computed, atol=2e-3)
    assert not np.allclose(kept, other, atol=2e-3)


def test_another_seed_has_other_views_and_takes_no_values_of_the_first(patterns: Path, tmp_path: Path) -> None:
    def train(folder: Path, name: str, seed: int) -> None:
        ptf = views(folder, patterns, name, seed=seed, epochs=2)
        # a base that does not depend on the seed
        for parameter in ptf.model.parameters():
            if not parameter.requires_grad:
                parameter.data.fill_(0.01)
        ptf.Train()

    train(tmp_path, "first", 2)
    train(tmp_path, "warm", 5)
    train(tmp_path / "empty", "cold", 5)
    assert weights(tmp_path, "warm") == weights(tmp_path / "empty", "cold")
    # three views of two seeds, and validation
    assert len(list((tmp_path / ".cache").glob(f"*{SUFFIX}"))) == 7


def test_more_views_take_the_values_of_fewer(patterns: Path, tmp_path: Path, count) -> None:  # noqa: F811
    views(tmp_path, patterns, "two", n=2, epochs=10).Train()
    done = sum(count)
    assert done == 24 * 2 + 12
    views(tmp_path, patterns, "three", n=3, epochs=10).Train()
    assert sum(count) - done <= 24


@pytest.mark.parametrize("backend", BUILT_IN)
def test_a_stopped_training_goes_on_to_the_same_weights(
    patterns: Path, tmp_path: Path, monkeypatch, backend: str
) -> None:
    views(tmp_path, patterns, "unbroken", backend).Train()
    other = tmp_path / "other"
    # in the middle of the second epoch
    with stopped_at_batch(6 + 2, monkeypatch):
        views(other, patterns, "unbroken", backend).Train()
    resumed = Prototype("p", "unbroken", backend=backend, resume_train=True, workspace=other, verbose=0)
    with pytest.raises(NotReady, match="keeps its data.stored_views"):
        resumed.update_stored_views(5)
    resumed.Train()
    assert weights(other, "unbroken") == weights(tmp_path, "unbroken")
    assert history(other, "unbroken") == history(tmp_path, "unbroken")


def test_views_that_do_not_fit_remove_nothing(patterns: Path, tmp_path: Path, monkeypatch, count) -> None:  # noqa: F811
    views(tmp_path, patterns, "first", n=1).Train()
    before = {f.name for f in (tmp_path / ".cache").glob(f"*{SUFFIX}")}
    # space for what is there, and not for 64 views more
    monkeypatch.setenv(cache_limit.LIMIT_VARIABLE, str(2 * cache_limit.size(tmp_path / ".cache") / 1e9))
    count.clear()
    views(tmp_path, patterns, "many", n=64).Train()
    assert count == []
    assert {f.name for f in (tmp_path / ".cache").glob(f"*{SUFFIX}")} == before


def test_what_is_told(patterns: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def train(name: str, crop: bool) -> str:
        ptf = experiment(tmp_path, patterns, name, crop=crop, epochs=1)
        ptf._console.verbose = 1
        ptf.update_stored_views(2)
        ptf.Train()
        return capsys.readouterr().out

    assert "each training image is shown in 2 fixed pictures" in train("crops", crop=True)
    assert "stored_views=2 changes nothing here" in train("flips", crop=False)
    assert Workspace(tmp_path).find("p", "crops").state().spec.data.stored_views == 2


def test_a_change_reads_no_image_again_and_takes_effect(patterns: Path, tmp_path: Path) -> None:
    ptf = views(tmp_path, patterns, "e", n=3)
    ptf.Reload()
    first = ptf._experiment.data
    assert first.train.policy.views == 3
    ptf.update_stored_views(0)
    ptf.Reload()
    second = ptf._experiment.data
    assert second.train.policy.views == 0
    assert second.train.store is first.train.store
    assert second.val.policy.views == 0


@pytest.mark.parametrize(
    ("value", "error"),
    [(-1, InvalidValue), (65, InvalidValue), (2.5, InvalidType), ("8", InvalidType), (True, InvalidType)],
)
def test_wrong_numbers_are_refused(tmp_path: Path, value: object, error: type[Exception]) -> None:
    ptf = Prototype("p", "e", workspace=tmp_path, verbose=0)
    with pytest.raises(error, match="views must be a whole number at least 0 and at most 64"):
        ptf.update_stored_views(value)


def test_draws_of_some_images_keep_their_faces() -> None:
    draws = Draws(8, (0.0,) * 3, (1.0,) * 3, face=np.arange(5))
    assert draws.take(np.array([3, 1])).face.tolist() == [3, 1]
