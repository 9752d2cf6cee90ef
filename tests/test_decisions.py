"""Predictions for validation images that are kept, operating points, and unsure predictions, from training to a single image."""

from __future__ import annotations

import csv
import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_both_backends import BACKENDS
from test_prototype import _original_epoch_end, _stop_after_two
from tiny_networks import build_tiny

from monklite import Prototype
from monklite.backends import array_files
from monklite.errors import DamagedFile, InvalidType, InvalidValue, MonkliteError, NotReady
from monklite.records import ACCURACY
from monklite.runs import evaluations
from monklite.runs.file_names import DISTANCE, EVALUATED, LOGITS, SAMPLES, VALIDATION
from monklite.runs.packing import pack
from monklite.runs.run import Run
from monklite.runs.unpacking import unpack
from monklite.runs.workspace import Workspace
from monklite.statistics import intervals
from monklite.tasks import sigmoid
from monklite.testing.contract import plain

pytestmark = pytest.mark.above_backends

LEVELS = {"ill": 112, "well": 136}
MODELS = {"pytorch": "squeezenet1_1", "mxnet": "squeezenet1.1"}


def drawn(folder: Path, n: int, seed: int) -> Path:
    """Grey images of 32 px in two classes that overlap: some are brighter than images of the brighter class."""
    rng = np.random.default_rng(seed)
    for name, level in LEVELS.items():
        (folder / name).mkdir(parents=True)
        for i in range(n):
            pixels = rng.normal(level + rng.normal(0, 14), 20, (32, 32, 1)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels.repeat(3, axis=2)).save(folder / name / f"{name}-{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for name, n, seed in (("train", 30, 0), ("val", 24, 1), ("test", 20, 2)):
        drawn(folder / name, n, seed)
    return folder


def opened(backend: str, images: Path, experiment: str = "", epochs: int = 4, **changes: Any) -> Prototype:
    ptf = Prototype("p", experiment or backend, backend=backend, verbose=0)
    ptf.Dataset_Params([images / "train", images / "val"], input_size=32, batch_size=10)
    ptf.Dataset()
    ptf.Model_Params(MODELS[backend], freeze_base_network=changes.get("frozen", False), use_pretrained=False)
    ptf.Model()
    ptf.optimizer_adam(0.01)
    ptf.lr_fixed()
    ptf.loss_softmax_crossentropy()
    ptf.Training_Params(num_epochs=epochs, seed=3)
    return ptf


@pytest.fixture(scope="module")
def trained(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a workspace that has a trained experiment of each backend."""
    folder = tmp_path_factory.mktemp("decisions")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in BACKENDS:
            build_tiny(patch, name)
            opened(name, images).Train()
    return folder


@pytest.fixture
def here(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, with the tiny networks."""
    shutil.copytree(trained / "workspace", tmp_path / "workspace", symlinks=True)
    monkeypatch.chdir(tmp_path)
    for name in BACKENDS:
        build_tiny(monkeypatch, name)
    return tmp_path


def judge(backend: str, verbose: int = 0) -> Prototype:
    return Prototype("p", backend, backend=backend, eval_infer=True, verbose=verbose)


def run_of(name: str) -> Run:
    return Workspace().find("p", name)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def kept(name: str) -> list[dict[str, str]]:
    return table(run_of(name).evaluations / VALIDATION / EVALUATED)


# What is kept


def test_the_table_holds_what_the_best_weights_predict(here: Path, images: Path, backend: str) -> None:
    run, rows = run_of(backend), kept(backend)
    now = run.state()
    content = (run.evaluations / VALIDATION / EVALUATED).read_bytes()
    assert now.validation.predictions == hashlib.sha256(content).hexdigest()
    assert (now.validation.epoch, now.validation.num_images) == (now.results.best_epoch, 48)
    assert np.mean([row["correct"] == "1" for row in rows]) == pytest.approx(now.results.best_val_accuracy)
    found = judge(backend).Infer([images / "val" / row["path"] for row in rows], return_raw=True)
    assert [answer["predicted_class"] for answer in found] == [row["predicted"] for row in rows]
    arrays, metadata = array_files.read(run.evaluations / VALIDATION / LOGITS)
    assert metadata == {"epoch": now.results.best_epoch}
    assert arrays["logits"] == pytest.approx(np.array([list(answer["raw"].values()) for answer in found]), abs=1e-4)
    assert [("ill", "well")[label] for label in arrays["labels"]] == [row["class"] for row in rows]


def test_a_resumed_training_keeps_them_exactly(workspace: Path, images: Path, monkeypatch, backend: str) -> None:
    build_tiny(monkeypatch, backend)
    # the best epoch is one before the stop
    monkeypatch.setattr("monklite.training.early_stopping._rank", lambda row, _: -row.epoch)
    opened(backend, images, "unbroken", epochs=3).Train()
    broken = opened(backend, images, "broken", epochs=3)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("monklite.training.recording.History.epoch_end", _stop_after_two(_original_epoch_end()))
        broken.Train()
    Prototype("p", "broken", backend=backend, resume_train=True, verbose=0).Train()
    for file in (LOGITS, EVALUATED):
        contents = [(run_of(name).evaluations / VALIDATION / file).read_bytes() for name in ("unbroken", "broken")]
        assert contents[0] == contents[1]
    assert run_of("broken").state().validation == run_of("unbroken").state().validation
    assert run_of("broken").state().validation.epoch == 1


def test_kept_features_and_averages_give_those_of_the_best_weights(workspace: Path, images: Path, monkeypatch) -> None:
    build_tiny(monkeypatch, "pytorch")
    ptf = opened("pytorch", images, "frozen", epochs=2, frozen=True)
    ptf.update_ema_decay(0.5)
    ptf.Train()
    paths = [images / "val" / row["path"] for row in kept("frozen")]
    found = Prototype("p", "frozen", eval_infer=True, verbose=0).Infer(paths, return_raw=True)
    arrays = array_files.read(run_of("frozen").evaluations / VALIDATION / LOGITS)[0]
    assert arrays["logits"] == pytest.approx(np.array([list(answer["raw"].values()) for answer in found]), abs=1e-4)


def test_they_travel_with_the_run(here: Path, images: Path) -> None:
    judge("pytorch").Set_Unsure(distance=0.9)
    pack(run_of("pytorch"), here / "run.zip")
    found = unpack(here / "run.zip", Workspace(here / "elsewhere"))
    assert sorted(p.name for p in (found.evaluations / VALIDATION).iterdir()) == sorted([LOGITS, EVALUATED, DISTANCE])
    ptf = Prototype("p", "pytorch", eval_infer=True, verbose=0, workspace=here / "elsewhere")
    ptf.Set_Operating_Point(specificity=0.9)
    assert "unsure" in ptf.Infer(images / "test" / "ill" / "ill-00.png")


def damaged(arrays: dict[str, np.ndarray], metadata: dict[str, Any], path: Path) -> None:
    path.unlink()
    array_files.write(path, arrays, metadata)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ("missing", NotReady, "has not kept what it predicts for its validation images"),
        ("epoch", NotReady, r"is of epoch 99, and its best weights are of epoch \d: it was stopped between the two"),
        ("classes", DamagedFile, "does not hold the predictions for images of 2 classes"),
        ("labels", DamagedFile, "has labels that are not among the 2 classes"),
        ("nan", NotReady, "not finite"),
        ("truncated", DamagedFile, "is damaged and cannot be loaded"),
        ("running", NotReady, "is being trained right now"),
    ],
)
def test_nothing_is_chosen_on_what_is_not_that_of_the_best_weights(
    here: Path, change: str, error: type[Exception], message: str
) -> None:
    run = run_of("pytorch")
    path = run.evaluations / VALIDATION / LOGITS
    (arrays, metadata), ptf = array_files.read(path), judge("pytorch")
    if change == "missing":
        path.unlink()
    elif change == "epoch":
        damaged(arrays, {"epoch": 99}, path)
    elif change == "classes":
        damaged({**arrays, "logits": arrays["logits"].repeat(2, axis=1)}, metadata, path)
    elif change == "labels":
        damaged({**arrays, "labels": arrays["labels"] + 1}, metadata, path)
    elif change == "nan":
        damaged({**arrays, "logits": arrays["logits"] * np.nan}, metadata, path)
    elif change == "truncated":
        path.write_bytes(path.read_bytes()[:-9])
    elif change == "running":
        assert run.acquire()
        run.update(status="running")
    for call in (lambda: ptf.Set_Operating_Point(sensitivity=0.9), ptf.Set_Unsure):
        with pytest.raises(error, match=message):
            call()
    run.release()
    assert run.state().operating_point is None is run.state().unsure


# Operating point


def test_an_operating_point_is_used_reported_and_kept(here: Path, images: Path, backend: str, capsys) -> None:
    ptf = judge(backend, verbose=1)
    usual = ptf.Infer(img_dir=images / "test")
    ptf.Set_Operating_Point(sensitivity=0.95, positive="ill", prevalence=0.1)
    point = run_of(backend).state().operating_point
    threshold = float(sigmoid(np.array(point.cutoffs["ill"])))
    rows = kept(backend)
    above = np.array([float(row["p(ill)"]) > threshold for row in rows])
    ill = np.array([row["class"] == "ill" for row in rows])
    figures = point.figures["ill"]
    assert figures["sensitivity"].value == above[ill].mean() >= 0.95 > above[ill].mean() - 1 / 24
    assert figures["specificity"].value == (~above)[~ill].mean()
    said = capsys.readouterr().out
    assert f"threshold {threshold:.4g} chosen on 48 validation images: sensitivity 0.96 (0.80 to 0.99), specif" in said
    for opened_again in (False, True):
        ptf = judge(backend) if opened_again else ptf
        found = ptf.Infer(img_dir=images / "test", return_raw=True)
        odds = np.array([answer["raw"]["ill"] - answer["raw"]["well"] for answer in found])
        assert [answer["predicted_class"] == "ill" for answer in found] == (odds > point.cutoffs["ill"]).tolist()
    assert [a["predicted_class"] for a in found] != [a["predicted_class"] for a in usual]
    assert ptf.Infer(images / "test" / found[3]["img_name"])["predicted_class"] == found[3]["predicted_class"]
    ptf = judge(backend, verbose=1)
    ptf.Dataset_Params(images / "test")
    ptf.Dataset()
    _, by_class = ptf.Evaluate()
    testing = run_of(backend).state().testing
    assert testing.thresholds == {"ill": pytest.approx(threshold)}
    assert testing.operating_point == "sensitivity=0.95, prevalence=0.1"
    at_point = testing.point_figures["ill"]
    assert 100 * at_point["sensitivity"].value == by_class["ill"][f"{ACCURACY}(%)"]
    assert 100 * at_point["specificity"].value == by_class["well"][f"{ACCURACY}(%)"]
    false_alarms, found_share = 1 - at_point["specificity"].value, at_point["sensitivity"].value
    assert at_point["ppv_at_prevalence"].value == pytest.approx(found_share / (found_share + 9 * false_alarms))
    rows = table(evaluations.predictions_file(run_of(backend), testing))
    assert [row["predicted"] == "ill" for row in rows] == [float(row["p(ill)"]) > threshold for row in rows]
    ptf.Summary()
    assert capsys.readouterr().out.count("PPV at that prevalence") == 3
    ptf.Set_Operating_Point()
    assert run_of(backend).state().operating_point is None
    assert [a["predicted_class"] for a in ptf.Infer(img_dir=images / "test")] == [a["predicted_class"] for a in usual]
    ptf.Evaluate()
    assert run_of(backend).state().testing.point_figures == {}


def test_figures_at_an_operating_point_count_patients(here: Path, images: Path) -> None:
    """Of validation, whose groups are in the record of the run, and of test images, which are named by patients."""
    run = run_of("pytorch")
    rows = table(run.folder / SAMPLES)
    groups = {row["path"]: f"P{i // 6}" for i, row in enumerate(rows)}
    lines = [",".join((*row.values(), groups[row["path"]])) for row in rows]
    (run.folder / SAMPLES).write_text("\n".join([",".join((*rows[0], "group")), *lines]) + "\n")
    run.update(dataset=run.state().dataset.model_copy(update={"groups": len(set(groups.values()))}))
    ptf = judge("pytorch")
    ptf.Set_Operating_Point(sensitivity=0.8, positive="ill")
    point = run.state().operating_point
    found = [(row["path"], float(row["p(ill)"])) for row in kept("pytorch") if row["class"] == "ill"]
    parts, wholes = {}, {}
    for path, score in found:
        group = groups[path]
        wholes[group] = wholes.get(group, 0) + 1
        parts[group] = parts.get(group, 0) + (score > sigmoid(np.array(point.cutoffs["ill"])))
    expected = intervals.clustered_wilson(*(np.array([*of.values()], float) for of in (parts, wholes)))
    own = point.figures["ill"]["sensitivity"]
    assert (own.low, own.high) == pytest.approx(expected)
    plain_low, plain_high = intervals.wilson(own.value * own.count, own.count)
    assert own.high - own.low > 1.1 * (plain_high - plain_low)

    test = shutil.copytree(images / "test", here / "test")
    for i, path in enumerate(sorted(test.glob("*/*"))):
        path.rename(path.with_name(f"person{i // 4}_view_{i % 4}.png"))
    ptf.Dataset_Params(test)
    ptf.Dataset()
    ptf.Evaluate()
    at_point, figures = run.state().testing.point_figures["ill"], evaluations.read(run, "test")
    assert figures.n_groups == 10
    of_class = figures.classes["ill"].figures
    assert at_point == {name: of_class[name] for name in at_point} and len(at_point) == 4


def test_images_near_a_threshold_are_left_to_the_network_itself(here: Path, monkeypatch) -> None:
    """Those of a faster form whose margin is within the tolerance, which here is the margin in the middle."""
    ptf = judge("pytorch")
    ptf.Set_Operating_Point(specificity=0.7)
    ptf.Set_Unsure(coverage=0.8, confidence=0.7)
    predictor = ptf._evaluation.predictor
    batch, own = np.random.default_rng(0).integers(0, 255, (9, 32, 32, 3), np.uint8), predictor.learner.logits
    logits = own(batch, plain(32))
    margins = np.minimum(predictor.task.margins(logits), predictor.certainty.margins(logits))
    assert (margins < np.abs(logits[:, 0] - logits[:, 1])).any()
    asked: list[int] = []
    monkeypatch.setattr(predictor.learner, "logits", lambda x, draws: asked.append(len(x)) or own(x, draws))
    monkeypatch.setattr(predictor, "_fast", SimpleNamespace(logits=lambda x, draws: own(x, draws)))
    scale = np.maximum(1.0, np.abs(logits).max(axis=1))
    monkeypatch.setattr("monklite.inference.FAST_FORM_TOLERANCE", float(np.median(margins / scale)) * 1.0001)
    predictor.logits(batch, plain(32))
    assert asked == [5]


def test_training_on_drops_what_was_chosen_for_the_weights_before(here: Path, capsys) -> None:
    ptf = judge("pytorch")
    ptf.Set_Operating_Point(cost={"ill->well": 5})
    ptf.Set_Unsure()
    ptf = Prototype("p", "pytorch", resume_train=True)
    ptf.update_num_epochs(5)
    ptf.Train()
    assert "Set_Operating_Point and Set_Unsure was for the weights so far" in capsys.readouterr().out
    now = run_of("pytorch").state()
    assert (now.operating_point, now.unsure) == (None, None)
    assert now.validation.epoch == now.results.best_epoch
    ptf.Set_Operating_Point(sensitivity=0.9)
    assert "well is the positive class; for the other one give positive=" in capsys.readouterr().out


def test_a_point_of_another_epoch_is_not_used(here: Path) -> None:
    judge("pytorch").Set_Operating_Point(sensitivity=0.9)
    run = run_of("pytorch")
    now = run.state()
    run.update(operating_point=now.operating_point.model_copy(update={"epoch": now.results.best_epoch + 1}))
    predictor = judge("pytorch")._evaluation.predictor
    assert predictor.point is None
    assert predictor.task is predictor.usual_task


# Unsure


def test_predictions_say_when_they_are_unsure(here: Path, images: Path, backend: str, capsys) -> None:
    ptf, paths = judge(backend, verbose=1), sorted((images / "test").rglob("*.png"))
    usual = ptf.Infer(paths, return_raw=True)
    ptf.Set_Unsure(coverage=0.9, confidence=0.6, distance=0.9)
    unsure = run_of(backend).state().unsure
    assert unsure.asked == {"coverage": 0.9, "confidence": 0.6, "distance": 0.9}
    assert "90 % of images like the 48 of validation are of a possible class" in capsys.readouterr().out
    found = judge(backend).Infer(paths, return_raw=True)
    temperature, least = unsure.temperature or 1.0, unsure.possible_from[0]
    for before, answer in zip(usual, found, strict=True):
        assert {name: answer[name] for name in before} == before
        odds = (answer["raw"]["ill"] - answer["raw"]["well"]) / temperature
        scores = {"ill": sigmoid(np.array(odds)), "well": sigmoid(np.array(-odds))}
        predicted = answer["predicted_class"]
        possible = [n for n, own in (("ill", odds), ("well", -odds)) if own >= least or n == predicted]
        assert answer["possible_classes"] == possible
        if unsure.temperature:
            assert answer["calibrated_score"] == pytest.approx(scores[predicted])
        reason = answer["unsure"] or ""
        assert ("cannot be excluded" in reason) == (len(possible) > 1)
        assert (f"the {unsure.score_title} is" in reason) == ("less than 0.6" in reason) == (scores[predicted] < 0.6)
    held = [Path(path).parent.name in answer["possible_classes"] for path, answer in zip(paths, found, strict=True)]
    assert np.mean(held) > 0.75
    assert 0 < sum(not answer["unsure"] for answer in found) < len(found)
    strange = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8) * np.array([1, 0, 0], np.uint8)
    assert "it is unlike the training images: distance" in judge(backend).Infer(strange)["unsure"]
    near = sum("unlike" in (answer["unsure"] or "") for answer in found)
    assert near < 0.4 * len(found)
    ptf.Summary()
    assert f"unsure below the {unsure.score_title} 0.6" in capsys.readouterr().out
    ptf.Set_Unsure(None)
    assert ptf.Infer(paths, return_raw=True) == usual
    assert run_of(backend).state().unsure is None


def test_few_validation_images_exclude_no_class(here: Path, images: Path, capsys) -> None:
    ptf = judge("pytorch", verbose=1)
    ptf.Set_Unsure(coverage=0.99)
    assert "ill, well: 48 validation images are too few for 99 %" in capsys.readouterr().out
    assert ptf.Infer(images / "test" / "ill" / "ill-00.png")["possible_classes"] == ["ill", "well"]
    assert "Unsure:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"coverage": 1}, InvalidValue, "coverage must be a number above 0 and below 1 or None, not 1"),
        ({"coverage": "high"}, InvalidType, "coverage must be a number"),
        ({"confidence": 1.2}, InvalidValue, "confidence must be a number at least 0 and at most 1"),
        ({"distance": 0.99}, InvalidValue, "distance=0.99 takes at least 99 validation images, and there are 48"),
        ({"distance": True}, InvalidType, "distance must be a number"),
    ],
)
def test_wrong_rules_are_refused(here: Path, arguments: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        judge("pytorch").Set_Unsure(**arguments)


def test_training_images_that_are_gone_or_a_distance_that_is_lost(here: Path, images: Path, tmp_path: Path) -> None:
    ptf = judge("pytorch")
    ptf.Set_Unsure(distance=0.9)
    (run_of("pytorch").evaluations / VALIDATION / DISTANCE).unlink()
    image = images / "test" / "ill" / "ill-00.png"
    # it was not read yet
    with pytest.raises(MonkliteError, match="distance.safetensors is not there"):
        ptf.Infer(image)
    ptf.Set_Unsure()
    assert "unsure" in ptf.Infer(image)
    moved = images / "train" / "ill" / "ill-00.png"
    moved.rename(tmp_path / "kept.png")
    try:
        with pytest.raises(MonkliteError, match="1 train images of this run are no longer"):
            ptf.Set_Unsure(distance=0.9)
    finally:
        (tmp_path / "kept.png").rename(moved)


def test_nothing_is_chosen_before_training(workspace: Path) -> None:
    ptf = Prototype("p", "e", verbose=0)
    for call in (lambda: ptf.Set_Operating_Point(sensitivity=0.9), ptf.Set_Unsure):
        with pytest.raises(NotReady, match="has not been trained yet"):
            call()
