"""Bundles of trained runs: they answer as the run does, and what does not agree is not written."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from exported_runs import LABELS, SIDE, Exported, tiny_for_module
from PIL import Image
from tiny_networks import MODELS

from monklite import Prototype
from monklite.catalog.backends import BUILT_IN
from monklite.data import prepare
from monklite.errors import DatasetError, ExportFailed, InvalidValue, MissingPackage, NotFound, NotReady
from monklite.evaluation import Evaluation
from monklite.exporting import certifying, comparing, describing, model_file, quantised, run_images
from monklite.exporting.bundle import Int8, make
from monklite.exporting.certificate import PROBES, VALIDATION
from monklite.exporting.manifest import (
    CERTIFICATE,
    DISTANCE,
    DOCKERFILE,
    EXPECTED,
    INT8,
    LOGITS,
    MANIFEST,
    MODEL,
    PREDICT,
    README,
    REQUIREMENTS,
)  # fmt: skip
from monklite.exporting.manifest import LABELS as LABELS_FILE
from monklite.exporting.onnx_session import OnnxSession
from monklite.exporting.reading import Bundle
from monklite.runs.state import as_json
from monklite.spec import Folders
from monklite.tasks import softmax


@pytest.fixture(scope="module", params=BUILT_IN)
def one(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    yield from tiny_for_module(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def bundle(one: Exported) -> Bundle:
    return Bundle(one.made.path)


def test_a_bundle_has_its_files_and_says_what_it_is(one, bundle):
    assert bundle.names() == sorted([
        CERTIFICATE, DISTANCE, DOCKERFILE, EXPECTED, LABELS_FILE, MODEL, PREDICT, README, REQUIREMENTS,
    ])  # fmt: skip
    bundle.check()
    manifest, state = bundle.manifest, one.run.state()
    # as text, because NaN does not equal NaN
    assert as_json(manifest.as_values()) == as_json(one.made.manifest.as_values())
    assert (manifest.backend, manifest.classes, manifest.input_size) == (one.backend, ("ill", "well"), SIDE)
    assert manifest.operating_point == state.operating_point and manifest.unsure == state.unsure
    assert manifest.temperature == state.unsure.temperature and manifest.epoch == state.results.best_epoch
    assert manifest.quality.name == "validation" and manifest.quality.n_images == 44
    assert manifest.quality.overall["accuracy"].low < manifest.quality.overall["accuracy"].value
    assert bundle.content(LABELS_FILE).decode() == "ill\nwell\n"
    assert "monklite verify bundle.zip" in bundle.content(README).decode()
    assert "began at random" in manifest.licences["weights"]


def test_the_certificate_is_of_all_validation_images_and_of_drawn_pictures(one, bundle):
    on_validation, on_drawn = one.made.certificate.comparisons
    assert (on_validation.images, on_drawn.images) == (VALIDATION, PROBES)
    assert (on_validation.n_images, on_validation.equal, on_drawn.equal) == (44, 44, on_drawn.n_images)
    assert on_validation.score_difference < 1e-5 and on_validation.embedding_difference < 1e-4
    accuracy = one.run.state().results.best_val_accuracy
    usual = [prediction.scores.argmax() for prediction in one.predictor.stream(map(str, one.files), pytest.fail)]
    assert np.isclose(np.mean(np.array(usual) == np.repeat([0, 1], 22)), accuracy)
    assert on_validation.accuracies[0] == on_validation.accuracies[1]
    assert one.made.certificate.pixel_difference <= 1
    assert json.loads(bundle.content(CERTIFICATE))["processor"]


def test_files_of_several_sizes_are_answered_in_one_batch_as_by_the_run(one, bundle):
    expected = list(one.predictor.stream(map(str, one.files), pytest.fail))
    session = OnnxSession(bundle.content(MODEL))
    found = comparing.of_bundle(bundle.manifest, session, [file.read_bytes() for file in one.files])
    assert np.allclose(found.logits, [prediction.logits for prediction in expected], atol=1e-5)
    scores = softmax(found.logits.astype(float) / bundle.manifest.temperature)
    assert np.allclose(found.probabilities, scores, atol=1e-6)
    assert found.probabilities.dtype == np.float32 and found.logits.shape == (44, 2)
    assert found.embeddings.shape == (44, bundle.manifest.n_embeddings)


def test_whole_pictures_are_resized_inside(one, bundle):
    """Of any size, several at once; resizing differs by 1 of 255 at most, and so the scores hardly."""
    session, pixels = OnnxSession(bundle.content(MODEL)), np.asarray(Image.open(one.files[4]))
    assert pixels.shape[:2] != (SIDE, SIDE)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    expected = one.predictor.predict(file.getvalue())
    found = session.answers(np.stack([pixels, pixels[:, ::-1]]))
    assert np.allclose(found.logits[0], expected.logits, atol=0.05)


def test_a_model_that_normalizes_wrongly_is_not_written(one, monkeypatch, tmp_path):
    right = model_file.normalized

    def darker(graph, pixels, policy):
        return right(graph, pixels, replace(policy, mean=(0.2, 0.2, 0.2)))

    monkeypatch.setattr(model_file, "normalized", darker)
    with pytest.raises(
        ExportFailed, match=r"was not exported.*validation images: scores differ by up to [0-9.]+, and at most"
    ):
        make(one.run, one.cache, tmp_path / "b", print)
    assert list(tmp_path.iterdir()) == []


def test_a_model_whose_classes_are_swapped_does_not_agree(one, bundle):
    model = onnx.load_from_string(bundle.content(MODEL))
    logits = next(node for node in model.graph.node if list(node.output) == [LOGITS])
    swapped = onnx.helper.make_node("Gather", [logits.input[0], "swap"], [LOGITS], axis=1)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1, 0]), "swap"))
    logits.CopyFrom(swapped)
    images = run_images.of_subset(one.predictor, "val")
    made, _ = certifying.certify(one.predictor, bundle.manifest, model.SerializeToString(), images)
    assert any("get another prediction" in problem for problem in made.problems())
    assert made.comparisons[0].p_value < 0.05 and made.comparisons[0].only_original > 10


def test_a_resizing_that_differs_is_told(one, bundle, monkeypatch):
    right = model_file.resizing
    policy = prepare.policy_for_testing(one.predictor.spec)

    def nearest(how):
        model = onnx.load_from_string(right(how))
        resize = next(node for node in model.graph.node if node.op_type == "Resize")
        del resize.attribute[:]
        resize.attribute.append(onnx.helper.make_attribute("mode", "nearest"))
        return model.SerializeToString()

    monkeypatch.setattr(model_file, "resizing", nearest)
    difference = certifying._pixel_difference(bundle.manifest, policy, certifying.probes.drawn().values())
    told = one.made.certificate.model_copy(update={"pixel_difference": difference})
    assert difference > 20 and told.problems() == [f"resized pictures differ by up to {difference} of 255"]


def test_images_that_were_moved_are_found_by_their_bytes(one, tmp_path, monkeypatch):
    away = tmp_path / "elsewhere"
    away.mkdir()
    for i, file in enumerate(reversed(one.files)):
        shutil.copy(file, away / f"{i}.png")
    found = run_images.of_subset(one.predictor, "val", away)
    assert [Path(file).read_bytes() for file in found.files] == [file.read_bytes() for file in one.files]
    (away / "7.png").unlink()
    with pytest.raises(DatasetError, match=r"1 of the 44 val images of .* are not in .*elsewhere.*images='folder'"):
        run_images.of_subset(one.predictor, "val", away)
    moved = one.images.rename(one.folder / "moved")
    try:
        with pytest.raises(DatasetError, match=r"44 of the 44 val images .* put them back, or name the folder"):
            make(one.run, one.cache, tmp_path / "b", print)
    finally:
        moved.rename(one.images)
    assert not (tmp_path / "b").exists()


def test_nothing_is_overwritten(one, tmp_path):
    (tmp_path / "mine").mkdir()
    for path, error, message in (
        (tmp_path / "mine", InvalidValue, "nothing is overwritten"),
        (one.made.path, InvalidValue, "nothing is overwritten"),
        (tmp_path / "no" / "where", NotFound, "no folder"),
    ):
        with pytest.raises(error, match=message):
            one.opened.Export(path)


def test_in_int8_the_loss_of_accuracy_decides(one, tmp_path, monkeypatch, capsys):
    made = make(one.run, one.cache, tmp_path / "b", print, int8=Int8(0.1))
    assert made.manifest.form == INT8 and made.certificate.most_loss == 0.1
    weights = onnx.load_from_string(Bundle(made.path).content(MODEL)).graph
    assert any(node.op_type == "QuantizeLinear" for node in weights.node)
    assert (made.path / MANIFEST).is_file() and not (made.path / DISTANCE).exists()
    assert made.manifest.no_distance and made.manifest.unsure.distance is None
    assert "distances from the training images are left out of the bundle: in int8" in capsys.readouterr().out
    # ranges of nothing but black: all brighter values saturate
    monkeypatch.setattr(quantised, "calibration", lambda *_: [np.full((8, 3, SIDE, SIDE), -2, np.float32)])
    with pytest.raises(
        ExportFailed, match=r"the accuracy falls by [0-9.]+% \(95 % interval .*\), and at most 1.00% is allowed"
    ):
        make(one.run, one.cache, tmp_path / "spoiled", print, int8=Int8(0.01))
    assert not (tmp_path / "spoiled").exists()


@pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated:FutureWarning")
def test_a_network_alone(one, tmp_path, monkeypatch):
    from safetensors.numpy import load_file

    file = one.opened.Export(tmp_path / "weights.safetensors", format="safetensors")
    assert sum(array.size for array in load_file(file).values()) > 100
    with pytest.raises(InvalidValue, match="quantise='int8' is for format='onnx'"):
        one.opened.Export(tmp_path / "q", format="safetensors", quantise="int8")
    with pytest.raises(InvalidValue, match="format.*one of 'onnx', 'safetensors', 'torchscript'"):
        one.opened.Export(tmp_path / "q", format="tflite")
    if one.backend == "mxnet":
        with pytest.raises(
            InvalidValue, match="does not write networks as torchscript: take one of 'onnx', 'safetensors'"
        ):
            one.opened.Export(tmp_path / "t.pt", format="torchscript")
        return
    import torch

    traced = torch.jit.load(one.opened.Export(tmp_path / "t.pt", format="torchscript"))
    images = np.random.default_rng(0).random((3, 3, SIDE, SIDE)).astype(np.float32)
    learner = one.predictor.learner
    assert torch.allclose(traced(torch.from_numpy(images)), learner.network(torch.from_numpy(images)), atol=1e-5)


def test_a_missing_package_is_named_with_its_extra(one, monkeypatch, tmp_path):
    monkeypatch.setattr("monklite.catalog.rows.is_installed", lambda package: package != "onnxruntime")
    with pytest.raises(MissingPackage, match=r"needs onnxruntime: pip install \"monklite\[export\]\""):
        make(one.run, one.cache, tmp_path / "b", print)


def test_several_labels_per_image(one, tmp_path):
    """Sigmoid scores; nothing has been decided, and the temperature is fitted for the bundle."""
    rng, rows = np.random.default_rng(0), []
    (tmp_path / "im").mkdir()
    for i in range(60):
        pixels = rng.normal(100 + 60 * (i % 2), 30, (SIDE, SIDE, 3))
        pixels[::2] += 50 * (i // 2 % 2)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / "im" / f"{i}.png")
        rows.append((f"{i}.png", " ".join(name for name, bit in zip(LABELS, (i % 2, i // 2 % 2), strict=True) if bit)))
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "labels"), *rows])
    opened = Prototype("p", "labels", backend=one.backend, verbose=0, workspace=tmp_path / "workspace")
    opened.Dataset_Params(
        tmp_path / "im", path_to_csv=tmp_path / "labels.csv", label_delimiter=" ", split=0.5, input_size=SIDE
    )
    opened.Dataset()
    opened.Model_Params(MODELS[one.backend], freeze_base_network=False, use_pretrained=False)
    opened.Model()
    opened.Training_Params(num_epochs=1)
    opened.Train()
    bundle = Bundle(opened.Export(tmp_path / "b"))
    assert (bundle.manifest.label_type, bundle.manifest.activation) == ("multiple", "sigmoid")
    assert bundle.manifest.n_embeddings == 0
    found = OnnxSession(bundle.content(MODEL)).answers(np.zeros((2, 50, 40, 3), np.uint8))
    expected = 1 / (1 + np.exp(-found.logits / (bundle.manifest.temperature or 1)))
    assert np.allclose(found.probabilities, expected, atol=1e-6) and found.embeddings is None


def test_a_run_that_was_not_trained_is_not_exported(one, tmp_path):
    opened = Prototype("p", "new", backend=one.backend, verbose=0, workspace=tmp_path / "workspace")
    opened.Dataset_Params(one.folder / "train", input_size=SIDE)
    with pytest.raises(NotReady, match="has not been trained yet"):
        opened.Export(tmp_path / "b")


def test_the_newest_evaluation_of_these_weights_says_how_good_it_is(one):
    evaluation = Evaluation(one.predictor)
    evaluation.use(Folders(path=str(one.folder / "train")))
    evaluation.prepare()
    evaluation.run()
    quality = describing.newest_figures(one.predictor, pytest.fail)
    assert (quality.name, quality.n_images) == ("test", 48)
    assert quality.leaks == ("48 of 48 test images were used in training or validation",)
    assert quality.classes["ill"].figures["sensitivity"].count == 24
