"""Cross_Validate: every image is validated with once, groups stay together, and the interval is of the corrected test."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from tiny_networks import open_tiny

from monklite.data import folds
from monklite.data.samples import DIGEST, Samples, as_column
from monklite.errors import DatasetError, InvalidType, InvalidValue
from monklite.runs.workspace import Workspace
from monklite.statistics import cross_validation
from monklite.training.engine import Loop

pytestmark = pytest.mark.above_backends


def samples(labels: np.ndarray, groups: list[str] | None = None, copies: tuple[int, ...] = ()) -> Samples:
    """Images of different content, but those at `copies`, which are of the same."""
    n, n_classes = len(labels), labels.shape[1] if labels.ndim == 2 else int(labels.max()) + 1
    made = Samples.from_files(Path(), [f"c{i}" for i in range(n_classes)], [f"{i:03d}.png" for i in range(n)], labels)
    digests = [b"same" if i in copies else f"{i:016d}".encode() for i in range(n)]
    return replace(made, digests=np.array(digests, DIGEST), groups=as_column(groups or [""] * n))


def test_each_image_is_validated_with_once_and_classes_keep_their_shares() -> None:
    images = samples(np.repeat([0, 1], [40, 20]))
    parts = [folds.fold(images, 5, i, seed=3) for i in range(5)]
    assert sorted(np.concatenate([val for _, val in parts]).tolist()) == list(range(60))
    for train, val in parts:
        assert sorted([*train, *val]) == list(range(60))
        assert np.bincount(images.labels[val]).tolist() == [8, 4]


def test_the_seed_and_the_paths_decide_not_the_order() -> None:
    images = samples(np.repeat([0, 1], 30))
    shuffled = np.random.default_rng(0).permutation(60)
    one, other = folds.fold(images, 3, 1, seed=5), folds.fold(images.take(shuffled), 3, 1, seed=5)
    assert sorted(images.paths[one[1]]) == sorted(images.paths[shuffled][other[1]])
    assert folds.fold(images, 3, 1, seed=6)[1].tolist() != one[1].tolist()


def test_groups_and_copies_are_in_one_fold() -> None:
    groups = [f"p{i // 3}" for i in range(60)]
    images = samples(np.tile([0, 0, 1], 20), groups, copies=(0, 50))
    for i in range(4):
        train, val = folds.fold(images, 4, i, seed=0, by="file name")
        assert not {groups[r] for r in train} & {groups[r] for r in val}
        assert (0 in val) == (50 in val)
    apart = [folds.fold(images, 4, i, seed=0)[1] for i in range(4)]
    assert any({groups[r] for r in val} & {groups[r] for r in range(60) if r not in val} for val in apart), (
        "not grouped"
    )


def test_images_with_several_labels_are_divided_too() -> None:
    labels = np.random.default_rng(1).random((50, 3)) < 0.4
    parts = [folds.fold(samples(labels), 5, i, seed=0) for i in range(5)]
    assert sorted(np.concatenate([val for _, val in parts]).tolist()) == list(range(50))
    assert all(labels[train].any(axis=0).all() for train, _ in parts)


def test_too_few_images_or_groups_of_a_class_are_refused() -> None:
    few = samples(np.repeat([0, 1], [20, 3]))
    with pytest.raises(
        DatasetError, match="class 'c1' has 3 different images, .*cannot be divided into 5 folds: take at most 3"
    ):
        folds.fold(few, 5, 0, seed=0)
    grouped = samples(np.repeat([0, 1], 20), [f"p{i}" for i in range(20)] + ["q", "r"] * 10)
    with pytest.raises(DatasetError, match="class 'c1' has images of 2 groups by file name, .* take at most 2 folds"):
        folds.fold(grouped, 5, 0, seed=0, by="file name")


def test_the_interval_is_that_of_the_corrected_test() -> None:
    values = [0.81, 0.9, 0.85, 0.88, 0.79]
    found = cross_validation.mean(values, 0.2, 100)
    # Nadeau and Bengio's correction, written out
    half = stats.t.ppf(0.975, 4) * math.sqrt((1 / 5 + 0.2 / 0.8) * np.var(values, ddof=1))
    assert (found.value, found.low, found.high) == pytest.approx((0.846, 0.846 - half, 0.846 + half))
    assert (found.count, found.method) == (100, "corrected t")
    naive = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert found.high - found.low == pytest.approx(1.5 * (naive[1] - naive[0])), "two folds share training images"


def test_equal_folds_have_no_interval() -> None:
    found = cross_validation.mean([1.0, 1.0, 1.0], 1 / 3, 30)
    assert found.value == 1 and math.isnan(found.low) and math.isnan(found.high) and found.method == "none"


@pytest.fixture
def ptf(workspace: Path, patterns: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> Any:
    """An open experiment with data and a tiny network, not trained."""
    return open_tiny(monkeypatch, backend, patterns)


def stopped_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[Loop]:
    """The trainings, of which this one, from 1, is stopped as by Ctrl-C; they are in the list when they begin."""
    original, trained = Loop.run, []

    def counted(loop: Loop, *args: Any, **kwargs: Any) -> Any:
        trained.append(loop)
        if len(trained) == number:
            raise KeyboardInterrupt
        return original(loop, *args, **kwargs)

    monkeypatch.setattr(Loop, "run", counted)
    return trained


def test_each_fold_is_a_version_and_what_is_finished_is_not_repeated(ptf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = stopped_at(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        ptf.Cross_Validate(3, seeds=[7])
    result = ptf.Cross_Validate(3, seeds=[7])
    assert len(trained) == 4, "the two finished folds are not trained again"
    runs = [run.state() for run in Workspace("workspace").versions("p", "e-3fold") if run.state().status == "done"]
    assert [(r.asked.data.folds, r.asked.data.fold, r.asked.data.split_seed, r.asked.seed) for r in runs] == [
        (3, i, 7, 7) for i in range(3)
    ]
    assert sum(r.dataset.n_val for r in runs) == result["num_images"] == runs[0].dataset.n_train + runs[0].dataset.n_val
    accuracies = [r.results.val_accuracy for r in runs]
    assert [fold["accuracy(%)"] for fold in result["folds"]] == pytest.approx([100 * a for a in accuracies])
    assert result["mean(%)"] == pytest.approx(100 * np.mean(accuracies))
    assert Workspace("workspace").find("p", "e").state().status == "new", "the open experiment itself is not trained"


def test_wrong_arguments_are_refused_before_anything_is_trained(ptf: Any) -> None:
    with pytest.raises(InvalidValue, match="k must be a whole number at least 2"):
        ptf.Cross_Validate(1)
    with pytest.raises(InvalidType, match="k must be"):
        ptf.Cross_Validate("5")
    with pytest.raises(InvalidValue, match="seeds must be different numbers"):
        ptf.Cross_Validate(3, seeds=[1, 1])
    with pytest.raises(InvalidValue, match="seeds must be different numbers"):
        ptf.Cross_Validate(3, seeds=[])
    with pytest.raises(InvalidValue, match=r"group='\(nope\)' matches none of the \d+ file names"):
        ptf.Cross_Validate(3, group="(nope)")
    with pytest.raises(InvalidValue, match="group='nope' has no parentheses"):
        ptf.Cross_Validate(3, group="nope")
    with pytest.raises(DatasetError, match="cannot be divided into 50 folds"):
        ptf.Cross_Validate(50)
    assert not [folder.name for folder in Path("workspace/p").iterdir() if "fold" in folder.name]


def test_a_wrong_column_is_refused_before_a_fold_is_made(ptf: Any, patterns: Path, tmp_path: Path) -> None:
    rows = [f"{path.relative_to(patterns)},{path.parent.name}" for path in sorted(patterns.rglob("*.png"))]
    (tmp_path / "table.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    ptf.update_dataset(patterns, path_to_csv=tmp_path / "table.csv")
    with pytest.raises(InvalidValue, match="'nope'"):
        ptf.Cross_Validate(3, group="nope")
    assert not Workspace("workspace").versions("p", "e-3fold")
    assert not [folder.name for folder in Path("workspace/p").iterdir() if "fold" in folder.name]


def test_a_validation_set_is_refused(ptf: Any, patterns: Path) -> None:
    ptf.update_dataset([patterns, patterns])
    with pytest.raises(InvalidValue, match="3 folds are made of one set of images, and a validation set was given too"):
        ptf.Cross_Validate(3)


def test_folds_of_other_images_are_not_averaged(
    ptf: Any, patterns: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = shutil.copytree(patterns, tmp_path / "images")
    ptf.update_dataset(images)
    stopped_at(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        ptf.Cross_Validate(2)
    next(images.rglob("*.png")).unlink()
    with pytest.raises(DatasetError, match="the images have changed since the first folds were trained: p/e-2fold/v00"):
        ptf.Cross_Validate(2)
