"""Labels that are contradicted: the numbers, and `Check_Labels` on both backends."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.errors import InvalidValue, NotReady
from monklite.runs.workspace import Workspace
from monklite.statistics import label_check
from monklite.training import label_check as training_label_check
from monklite.training.label_check import SHEET, TABLE

pytestmark = pytest.mark.above_backends


def blobs(n: int, wrong: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of three classes, and their labels, of which those at `wrong` are shifted by one."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 3
    labels = truth.copy()
    labels[wrong] = (labels[wrong] + 1) % 3
    return rng.normal(size=(n, 8)) + 4 * np.eye(8)[truth], labels


def test_wrong_labels_are_found_and_hardly_any_others() -> None:
    wrong = np.arange(0, 150, 16)
    vectors, labels = blobs(150, wrong)
    scores = label_check.out_of_fold_scores(vectors, labels, np.arange(150))
    assert scores.shape == (150, 3)
    assert scores.sum(axis=1) == pytest.approx(1)
    found = label_check.contradictions(scores, labels)
    # those that are near another class too are not listed, however wrong
    right = np.isin(found.rows, wrong)
    assert right.sum() >= 7 and (~right).sum() <= 1
    assert (found.suggested[right] == (labels[found.rows[right]] - 1) % 3).all()
    assert (np.diff(found.label_scores - found.suggested_scores) >= 0).all()


def test_a_prediction_has_not_seen_the_image_nor_its_group() -> None:
    rng = np.random.default_rng(0)
    # each group has a place of its own and a label by chance, so that only its own images tell the label
    places, chance = rng.normal(size=(30, 20)), rng.integers(0, 2, 30)
    groups = np.repeat(np.arange(30), 4)
    vectors, labels = places[groups] + 0.01 * rng.normal(size=(120, 20)), chance[groups]
    alone = label_check.out_of_fold_scores(vectors, labels, np.arange(120)).argmax(axis=1)
    together = label_check.out_of_fold_scores(vectors, labels, groups).argmax(axis=1)
    assert np.mean(alone == labels) > 0.85
    assert np.mean(together == labels) < 0.75


@pytest.mark.parametrize("n_groups", [2, 4])
def test_few_groups_are_no_error(n_groups: int) -> None:
    wrong = np.arange(0, 150, 16)
    vectors, labels = blobs(150, wrong)
    scores = label_check.out_of_fold_scores(vectors, labels, np.random.default_rng(0).integers(0, n_groups, 150))
    assert np.mean(scores.argmax(axis=1) == np.arange(150) % 3) > 0.9


def test_the_confident_joint_is_that_of_the_paper() -> None:
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8], [0.6, 0.4], [0.45, 0.55]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    # mean score of label 0: 0.667; of label 1: 0.583
    found = label_check.contradictions(scores, labels)
    assert found.rows.tolist() == [2]
    assert (found.labels[0], found.suggested[0], found.label_scores[0], found.suggested_scores[0]) == (0, 1, 0.3, 0.7)


def test_no_label_in_doubt_is_no_error() -> None:
    found = label_check.contradictions(np.eye(2), np.array([0, 1]))
    assert len(found.rows) == 0


@pytest.fixture
def mislabelled(tmp_path: Path) -> Path:
    """Red and blue images, of which one is in the other folder."""
    rng = np.random.default_rng(0)
    for name, colour in (("red", (200, 60, 60)), ("blue", (60, 60, 200))):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(10):
            pixels = np.clip(rng.normal(colour, 12, (40, 40, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{name}-{i}.png")
    (tmp_path / "images" / "red" / "red-0.png").rename(tmp_path / "images" / "blue" / "red-0.png")
    return tmp_path / "images"


def test_an_image_in_the_wrong_folder_is_listed_and_drawn(
    workspace: Path, mislabelled: Path, backend: str, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    build_tiny(monkeypatch, backend)
    ptf = Prototype("p", "e", backend=backend)
    ptf.Dataset_Params(dataset_path=mislabelled, input_size=32, split=0.8)
    ptf.Model_Params(model_name="squeezenet1_1", use_pretrained=False)
    found = ptf.Check_Labels(n=4)
    assert (found[0]["path"], found[0]["label"], found[0]["suggested"]) == ("blue/red-0.png", "blue", "red")
    assert found[0]["label_score"] < 0.5 < found[0]["suggested_score"]
    assert len(found) <= 4
    logs = Workspace().find("p", "e").logs
    with (logs / TABLE).open(encoding="utf-8") as file:
        assert [row["path"] for row in csv.DictReader(file)] == [line["path"] for line in found]
    assert (logs / SHEET).stat().st_size > 1000
    told = capsys.readouterr().out
    assert "    blue/red-0.png: blue or red? (" in told
    assert f"    {len(found)} of 20 images, listed in " in told
    assert "Note: the network has random weights" in told


def test_labels_that_cannot_be_checked_are_refused(
    workspace: Path, mislabelled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_tiny(monkeypatch, "pytorch")
    monkeypatch.setattr(training_label_check, "LEAST_OF_CLASS", 12)
    ptf = Prototype("p", "e")
    ptf.Dataset_Params(dataset_path=mislabelled, input_size=32)
    ptf.Model_Params(model_name="squeezenet1_1", use_pretrained=False)
    with pytest.raises(NotReady, match="two classes with at least 12 images each are needed"):
        ptf.Check_Labels()
    monkeypatch.setattr(training_label_check, "LEAST_OF_CLASS", 2)
    monkeypatch.setattr(training_label_check, "_groups", lambda samples: np.full(len(samples), "one patient"))
    with pytest.raises(NotReady, match="and two groups of images at least"):
        ptf.Check_Labels()
    with pytest.raises(InvalidValue, match="n must be"):
        ptf.Check_Labels(n=0)
