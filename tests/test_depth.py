"""Images of more than 8 bits are scaled alike in a whole dataset: decided by the training images, recorded, and used again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from test_prototype import expert, state

from monklite import Prototype
from monklite.data import cache, decode, discover
from monklite.data.augment import policy
from monklite.data.cache import open_store
from monklite.data.decode import Oddity
from monklite.data.depth import UNDECIDED, Levels, Range, own_range, scaling_remark, to_8_bit
from monklite.data.stores import CachedStore, StreamingStore
from monklite.inference import Predictor
from monklite.runs.state import RunState
from monklite.runs.workspace import Workspace

SIDE = 16
PLAIN = policy((), SIDE)
TOPS = {"a": 1000, "b": 4000, "c": 4095, "d": 200}  # the largest value of each file


def save(path: Path, top: float, kind: type = np.uint16) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.linspace(0, top, SIDE * SIDE).reshape(SIDE, SIDE)
    Image.fromarray(ramp.astype(kind)).save(path)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Deep images of several depths, and one of 8 bits, in two classes."""
    for name, top in TOPS.items():
        save(tmp_path / "images" / ("cats" if name in "ab" else "dogs") / f"{name}.png", top)
    save(tmp_path / "images" / "dogs" / "usual.png", 255, np.uint8)
    return tmp_path / "images"


def expected(top: float, white: float) -> np.ndarray:
    ramp = np.linspace(0, top, SIDE * SIDE).reshape(SIDE, SIDE).astype(np.uint16)
    return np.rint(ramp / white * 255)


def read(store: object, samples: object) -> dict[str, np.ndarray]:
    pixels = store.read(np.arange(len(samples)))
    return {Path(path).stem: image[..., 0] for path, image in zip(samples.paths, pixels, strict=True)}


@pytest.mark.parametrize("keep", [True, False])
def test_all_images_of_a_dataset_are_scaled_by_the_same_range(images: Path, tmp_path: Path, keep: bool) -> None:
    samples, store = open_store(discover.from_folders(images), PLAIN, tmp_path / "c", 2, keep=keep)
    assert isinstance(store, CachedStore if keep else StreamingStore)
    assert store.levels == Levels((Range("integer", 0, 4095),))
    pixels = read(store, samples)
    for name, top in TOPS.items():
        assert np.array_equal(pixels[name], expected(top, 4095))
    assert pixels["usual"].max() == 255
    assert samples.remarks == (
        "4 images of more than 8 bits are scaled alike, so that their brightness can be compared: integer values from 0 to "
        "4095 (2 of them use less than that)",
    )


def test_nothing_is_said_of_images_that_agree(tmp_path: Path) -> None:
    for i in range(4):
        save(tmp_path / "images" / "ab"[i % 2] / f"{i}.png", 4000 + i)
    samples, store = open_store(discover.from_folders(tmp_path / "images"), PLAIN, tmp_path / "c", 2)
    assert (samples.remarks, store.levels) == ((), Levels((Range("integer", 0, 4095),)))


def test_a_cache_is_opened_again_and_used_for_equal_levels_only(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = discover.from_folders(images)
    _, first = open_store(samples, PLAIN, tmp_path / "c", 2)
    n_decoded = 0
    real = decode.decode

    def counting(*arguments: object, **named: object) -> object:
        nonlocal n_decoded
        n_decoded += 1
        return real(*arguments, **named)

    monkeypatch.setattr(decode, "decode", counting)
    for levels in (UNDECIDED, first.levels):
        looked, store = open_store(samples, PLAIN, tmp_path / "c", 2, levels=levels)
        assert (n_decoded, store.levels, looked.remarks != ()) == (0, first.levels, True)
    wide = Levels((Range("integer", 0, 65535),))
    looked, store = open_store(samples, PLAIN, tmp_path / "c", 2, levels=wide)
    # the image of 8 bits is copied
    assert (n_decoded, store.levels) == (len(TOPS), wide)
    assert np.array_equal(read(store, looked)["b"], expected(4000, 65535))
    _, again = open_store(samples, PLAIN, tmp_path / "c", 2, levels=wide)
    assert n_decoded == len(TOPS)
    assert np.array_equal(again.images, store.images)
    own, store = open_store(samples, PLAIN, tmp_path / "c", 2, levels=Levels(per_file=True))
    assert np.array_equal(read(store, own)["a"], expected(1000, 1023))


def test_a_new_image_that_changes_the_range_changes_all_images(images: Path, tmp_path: Path) -> None:
    open_store(discover.from_folders(images), PLAIN, tmp_path / "c", 2)
    save(images / "cats" / "e.png", 60_000)
    samples, store = open_store(discover.from_folders(images), PLAIN, tmp_path / "c", 2)
    assert store.levels == Levels((Range("integer", 0, 65535),))
    assert all(
        np.array_equal(read(store, samples)[n], expected(top, 65535)) for n, top in {**TOPS, "e": 60_000}.items()
    )
    fresh = open_store(discover.from_folders(images), PLAIN, tmp_path / "d", 1)
    assert np.array_equal(fresh[1].images, store.images)
    assert fresh[0].oddities.tolist() == samples.oddities.tolist()


def test_values_outside_given_levels_are_cut_noted_and_said(images: Path, tmp_path: Path) -> None:
    levels = Levels((Range("integer", 0, 1023),))
    samples, store = open_store(discover.from_folders(images), PLAIN, tmp_path / "c", 2, levels=levels)
    cut = {Path(path).stem for path, oddity in zip(samples.paths, samples.oddities, strict=True) if oddity & Oddity.CUT}
    assert cut == {"b", "c"}
    assert np.array_equal(read(store, samples)["b"], np.minimum(expected(4000, 1023), 255))
    assert "integer values from 0 to 1023 (1 of them use less than that) (2 of them exceed it and are cut)" in "".join(
        samples.remarks
    )


def test_floats_and_integers_have_ranges_of_their_own(tmp_path: Path) -> None:
    save(tmp_path / "images" / "a" / "f.tif", 1.5, np.float32)
    save(tmp_path / "images" / "b" / "g.tif", 0.5, np.float32)
    save(tmp_path / "images" / "b" / "i.png", 4000)
    samples, store = open_store(discover.from_folders(tmp_path / "images"), PLAIN, tmp_path / "c", 2)
    assert store.levels == Levels((Range("float", 0, 1.5), Range("integer", 0, 4095)))
    pixels = read(store, samples)
    assert [int(pixels[name].max()) for name in "fgi"] == [255, 85, 249]


def test_a_file_that_changes_between_both_passes_is_an_error(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = cache._DecodingJob._scale_again

    def changing(*arguments: object) -> None:
        save(images / "cats" / "a.png", 999)
        real(*arguments)

    monkeypatch.setattr(cache._DecodingJob, "_scale_again", changing)
    with pytest.raises(cache.DatasetError, match=r"a\.png has changed while the dataset was read: read it again"):
        open_store(discover.from_folders(images), PLAIN, tmp_path / "c", 2)


RANGES = st.builds(
    Range, st.sampled_from(["float", "integer"]), st.floats(-2000, 0), st.sampled_from([1.0, 255.0, 4095.0, 65535.0])
)


@given(files=st.lists(RANGES, max_size=8), given_levels=st.lists(RANGES, max_size=2, unique_by=lambda r: r.kind))
def test_levels_hold_every_file_and_do_not_depend_on_the_order(files: list[Range], given_levels: list[Range]) -> None:
    start = Levels(tuple(sorted(given_levels)))
    levels = start.decided_by(files)
    assert levels == start.decided_by(files[::-1]) == levels.decided_by(files)
    assert Levels.from_text(levels.as_text()) == levels
    assert Levels.recorded(levels.ranges) == levels
    assert set(start.ranges) <= set(levels.ranges)
    for own in files:
        wide = levels.range_for(own)
        assert start.decides(own) or (wide.black <= own.black and wide.white >= own.white)


@given(
    values=st.lists(st.integers(0, 65535), min_size=1, max_size=20),
    white=st.sampled_from([255.0, 4095.0, 65535.0]),
)
def test_brighter_values_never_become_darker(values: list[int], white: float) -> None:
    pixels = to_8_bit(np.sort(np.array([values], np.uint16)), Range("integer", 0, white))
    assert (np.diff(pixels[0].astype(int)) >= 0).all()


def test_what_is_said_of_old_runs() -> None:
    assert scaling_remark({}, Levels(per_file=True)) == ""
    assert "train a new version" in scaling_remark({own_range(np.ones((1, 1), np.uint16)): 1}, Levels(per_file=True))


@pytest.fixture
def deep_patterns(tmp_path: Path, patterns: Path) -> Path:
    """The patterns with 12 bits; every third image is darker, of 9 bits."""
    target = tmp_path / "deep"
    for i, path in enumerate(sorted(patterns.rglob("*.png"))):
        grey = np.asarray(Image.open(path).convert("L")).astype(np.uint16)
        (target / path.parent.name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey * (2 if i % 3 == 0 else 16)).save(target / path.parent.name / path.name)
    return target


def test_the_levels_of_training_are_recorded_and_used_to_test_and_infer(
    workspace: Path, deep_patterns: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expert(deep_patterns, verbose=1).Train()
    assert "images of more than 8 bits are scaled alike" in capsys.readouterr().out
    assert state().dataset.levels == (("integer", 0.0, 4095.0),)
    dark = sorted(deep_patterns.rglob("*.png"))[0]
    predictor = Predictor(Workspace().find("p", "e"), Workspace().cache)
    assert predictor.levels == Levels((Range("integer", 0, 4095),))
    levels = predictor.levels
    one = predictor.predict(str(dark))
    assert predictor.predict_folder(dark.parent)[0][0].scores.tolist() == pytest.approx(one.scores.tolist())
    predictor.decoding = predictor.decoding._replace(levels=Levels(per_file=True))
    assert predictor.predict(str(dark)).scores.tolist() != pytest.approx(one.scores.tolist())
    test = deep_patterns.parent / "test"
    for kind in ("dots", "rings", "stripes"):
        (test / kind).mkdir(parents=True)
        values = np.asarray(Image.open(sorted((deep_patterns / kind).glob("*.png"))[0]))
        Image.fromarray(np.minimum(values, 400)).save(test / kind / "x.png")
    ptf = Prototype("p", "e", eval_infer=True, verbose=0)
    ptf.Dataset_Params(dataset_path=test)
    ptf.Dataset()
    store = ptf._evaluation._data.batches.store
    assert store.levels == levels
    assert store.read(np.arange(3)).max() <= 400 / 4095 * 255 + 1


def test_an_old_run_resumes_file_by_file_and_says_so(
    workspace: Path, deep_patterns: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expert(deep_patterns, epochs=2).Train()
    run = Workspace().find("p", "e")
    record = run.state().dataset.model_copy(update={"levels": None})
    run.update(dataset=record)
    assert isinstance(run.state(), RunState)
    ptf = Prototype("p", "e", resume_train=True)
    ptf.update_num_epochs(3)
    capsys.readouterr()
    ptf.Reload()
    assert "scaled file by file, as by the version that trained this run" in capsys.readouterr().out
    assert ptf._experiment.data.train.store.levels == Levels(per_file=True)
