"""Many images are predicted with a faster form of the network: the same classes, and scores as good as the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from monklite import Prototype
from monklite.backends.pytorch import fast_form, onnx_network
from monklite.data.cache_limit import NETWORK_SUFFIX
from monklite.evaluation import Evaluation
from monklite.image_predictor import Asked
from monklite.inference import Predictor
from monklite.runs.workspace import Workspace
from monklite.spec import Folders

FOLDED, ONNX = "batch normalization folded", "ONNX Runtime"
SIDE = 32


@pytest.fixture(scope="module")
def workspace_of_a_run(patterns: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fast")
    ptf = Prototype("p", "e", workspace=folder, verbose=0)
    ptf.Dataset_Params(dataset_path=patterns, split=0.67, input_size=SIDE, batch_size=8)
    ptf.apply_normalize(train=True, val=True, test=True)
    ptf.Dataset()
    ptf.Model_Params(model_name="shufflenet_v2_x0_5", freeze_base_network=False, use_pretrained=False)
    ptf.Model()
    ptf.Training_Params(num_epochs=1, display_progress=False)
    ptf.Train()
    return folder


@pytest.fixture
def predictor(workspace_of_a_run: Path, tmp_path: Path) -> Predictor:
    return predictor_of(Workspace(workspace_of_a_run), tmp_path / "cache")


def predictor_of(workspace: Workspace, cache: Path) -> Predictor:
    """With a network of a few layers, which is exported in a second."""
    predictor = Predictor(workspace.find("p", "e"), cache)
    torch.manual_seed(0)
    predictor.learner.network = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 3)
    )
    predictor.learner.network[1].running_mean.normal_()
    return predictor


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few images are many, so that tests are short."""
    monkeypatch.setattr(fast_form, "MIN_IMAGES", 8)


@pytest.fixture
def without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_network, "is_installed", lambda package: False)


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """An export pays for any number of images; what was exported."""
    exports: list[str] = []
    original = onnx_network.export

    def export(network: nn.Module, x: torch.Tensor) -> bytes:
        exports.append(type(network).__name__)
        return original(network, x)

    monkeypatch.setattr(onnx_network, "EXPORT_SECONDS", 0.0)
    monkeypatch.setattr(onnx_network, "export", export)
    return exports


def images(count: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)


def scores(predictor: Predictor, pictures: np.ndarray) -> tuple[np.ndarray, list[str]]:
    found = list(predictor.stream(pictures, lambda name, problem: pytest.fail(f"{name}: {problem}")))
    return np.stack([p.scores for p in found]), [p.answer["predicted_class"] for p in found]


def assert_same(predictor: Predictor, pictures: np.ndarray) -> None:
    found, classes = scores(predictor, pictures)
    predictor.speed_up(1)
    assert not predictor.form
    one_by_one = [predictor.predict(picture) for picture in pictures]
    np.testing.assert_allclose(found, np.stack([p.scores for p in one_by_one]), atol=1e-4)
    assert classes == [p.answer["predicted_class"] for p in one_by_one]


@pytest.mark.usefixtures("without_onnx", "few")
def test_many_images_are_predicted_with_the_folded_network(predictor: Predictor) -> None:
    scores(predictor, images())
    assert predictor.form == FOLDED
    assert_same(predictor, images())


@pytest.mark.usefixtures("without_onnx")
def test_for_few_images_it_does_not_pay(predictor: Predictor) -> None:
    scores(predictor, images(fast_form.MIN_IMAGES - 1))
    assert not predictor.form


@pytest.mark.usefixtures("without_onnx", "few")
def test_the_form_is_made_once_and_anew_after_a_change_of_the_network(predictor: Predictor) -> None:
    def made() -> object:
        scores(predictor, images())
        return predictor._fast

    first = made()
    assert made() is first
    with torch.no_grad():
        predictor.learner.network[5].bias += torch.tensor([5.0, 0.0, 0.0])
    assert made() is not first
    assert_same(predictor, images())
    predictor.learner.network[5] = nn.Sequential(nn.Linear(32, 3), nn.Tanh())
    assert_same(predictor, images())


@pytest.mark.usefixtures("without_onnx", "few")
def test_a_network_with_a_function_of_the_user_is_taken_as_it_is(predictor: Predictor) -> None:
    predictor.learner.network[5].register_forward_hook(lambda layer, inputs, output: output * 2)
    assert_same(predictor, images())
    scores(predictor, images())
    assert not predictor.form


@pytest.mark.usefixtures("few")
def test_where_two_classes_are_nearly_equal_the_network_itself_decides(
    predictor: Predictor, exported: list[str]
) -> None:
    # logits of which the larger one is decided by rounding
    with torch.no_grad():
        head = predictor.learner.network[5]
        head.weight[1:] = head.weight[0] * (1 + 1e-7 * torch.randn(2, 32))
        head.bias.zero_()
    classes = scores(predictor, images(200))[1]
    assert predictor.form == ONNX
    predictor.learner.fast_form = lambda *arguments: None  # type: ignore[method-assign]
    assert classes == scores(predictor, images(200))[1]
    assert len(set(classes)) > 1


@pytest.mark.usefixtures("few")
def test_onnx_runtime_predicts_the_same_and_the_network_is_exported_once(
    predictor: Predictor, exported: list[str]
) -> None:
    scores(predictor, images())
    assert predictor.form == ONNX
    assert_same(predictor, images())
    (kept,) = predictor.cache.glob(f"*{NETWORK_SUFFIX}")
    os.utime(kept, (1, 1))
    again = predictor_of(Workspace(predictor.run.folder.parents[2]), predictor.cache)
    assert_same(again, images())
    # so that it is not removed first when the cache is full
    assert kept.stat().st_mtime > 1
    assert scores(again, images())[1] and again.form == ONNX
    assert exported == ["Sequential"]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("damage", ["cut", "other network", "no network"])
def test_a_kept_network_that_is_damaged_or_another_one_is_not_used(
    predictor: Predictor, exported: list[str], damage: str
) -> None:
    scores(predictor, images())
    (file,) = predictor.cache.glob(f"*{NETWORK_SUFFIX}")
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-1000])
    elif damage == "other network":
        other = predictor_of(Workspace(predictor.run.folder.parents[2]), predictor.cache / "other")
        with torch.no_grad():
            other.learner.network[5].weight += 1
        scores(other, images())
        (stranger,) = other.cache.glob(f"*{NETWORK_SUFFIX}")
        file.write_bytes(stranger.read_bytes())
    else:
        np.savez(file, model=np.zeros(100, np.uint8))
    again = predictor_of(Workspace(predictor.run.folder.parents[2]), predictor.cache)
    scores(again, images())
    assert again.form == (ONNX if damage == "cut" else FOLDED)
    assert_same(again, images())


@pytest.mark.usefixtures("few")
def test_without_space_in_the_cache_the_network_is_exported_each_time(
    predictor: Predictor, exported: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONKLITE_CACHE_GB", "0")
    scores(predictor, images())
    assert predictor.form == ONNX
    assert not list(predictor.cache.glob("*"))


@pytest.mark.usefixtures("without_onnx")
def test_an_export_that_costs_more_than_it_saves_is_not_made(predictor: Predictor) -> None:
    assert onnx_network.session(predictor.learner.network, torch.zeros(2, 3, SIDE, SIDE), 1e9, Path("none")) is None


def test_few_seconds_are_not_worth_an_export(predictor: Predictor, tmp_path: Path) -> None:
    assert onnx_network.session(predictor.learner.network, torch.zeros(2, 3, SIDE, SIDE), 1.0, tmp_path / "a") is None


@pytest.mark.usefixtures("without_onnx", "few")
def test_evaluate_uses_it_too(predictor: Predictor, patterns: Path) -> None:
    def judged(evaluation: Evaluation) -> tuple[float, np.ndarray]:
        evaluation.use(Folders(path=str(patterns)))
        data = evaluation.prepare()
        return evaluation.run().accuracy, evaluation.logits(data, None, Asked(evaluation.predictor.task))

    accuracy, logits = judged(Evaluation(predictor))
    assert predictor.form == FOLDED
    plain = predictor_of(Workspace(predictor.run.folder.parents[2]), predictor.cache)
    plain.learner.fast_form = lambda *arguments: None  # type: ignore[method-assign]
    expected_accuracy, expected = judged(Evaluation(plain))
    assert accuracy == expected_accuracy
    np.testing.assert_allclose(logits, expected, atol=1e-4)


@pytest.mark.usefixtures("without_onnx", "few")
def test_without_memory_for_a_copy_the_network_itself_predicts(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_form, "fold", lambda network: torch.zeros(10**15))
    scores(predictor, images())
    assert not predictor.form


@pytest.mark.usefixtures("without_onnx", "few")
def test_infer_says_how_it_was_computed(workspace_of_a_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ptf = Prototype("p", "e", eval_infer=True, workspace=workspace_of_a_run, verbose=1)
    assert len(ptf.Infer(img_name=images(10))) == 10
    assert FOLDED in capsys.readouterr().out
    ptf.Infer(img_name=images(7))
    assert FOLDED not in capsys.readouterr().out


@pytest.mark.usefixtures("without_onnx", "few")
def test_weights_that_are_not_finite_have_no_faster_form(predictor: Predictor) -> None:
    with torch.no_grad():
        predictor.learner.network[5].weight.fill_(float("nan"))
    predictor.speed_up(100)
    assert not predictor.form
