"""Predictions from a bundle: as those of its run, for images of any kind, and what is wrong with a bundle is said."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from exported_runs import LEVELS, SIDE, Exported, tiny_for_module
from PIL import Image

from monklite.answer_forms import as_values
from monklite.catalog.backends import BUILT_IN
from monklite.cli import main
from monklite.errors import DamagedFile, InvalidType, InvalidValue, NotFound, OutOfMemory, UnreadableImage
from monklite.exporting import bundle_predictor, probes
from monklite.exporting.bundle_predictor import BATCH, BundlePredictor
from monklite.exporting.manifest import DISTANCE, MANIFEST, MODEL
from monklite.image_predictor import Prediction


@pytest.fixture(scope="module", params=BUILT_IN)
def one(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    yield from tiny_for_module(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def bundle(one: Exported) -> BundlePredictor:
    return BundlePredictor(one.made.path)


@pytest.fixture
def folder(one: Exported, tmp_path: Path) -> Path:
    """The bundle as a folder that may be spoiled."""
    with zipfile.ZipFile(one.made.path) as archive:
        archive.extractall(tmp_path / "b")
    return tmp_path / "b"


def check_alike(found: list[Prediction], expected: list[Prediction]) -> None:
    assert [a.name for a in found] == [b.name for b in expected] and found
    for a, b in zip(found, expected, strict=True):
        assert np.allclose(a.logits, b.logits, atol=1e-4) and a.answer.keys() == b.answer.keys()
        for key, value in b.answer.items():
            # reasons hold rounded figures
            same = a.answer[key] == pytest.approx(value, abs=1e-4) if isinstance(value, float) else True
            assert same and (key == "unsure" or isinstance(value, float) or a.answer[key] == value)
        assert bool(a.answer["unsure"]) == bool(b.answer["unsure"])


def test_a_folder_is_answered_as_by_the_run_with_its_point_and_what_is_unsure(one, bundle):
    run = one.predictor
    expected, found = run.predict_folder(one.images)[0], bundle.predict_folder(one.images)[0]
    check_alike(found, expected)
    assert bundle.point == run.point and bundle.epoch == run.epoch and bundle.task.classes == run.task.classes
    # at the point not all are of the class with the highest score, and some are unsure
    assert any(p.answer["predicted_class"] != bundle.task.classes[p.scores.argmax()] for p in found)
    assert {bool(p.answer["unsure"]) for p in found} == {True, False}


def test_odd_files_are_answered_as_by_the_run(one, bundle):
    files = [*probes.drawn().values()]
    check_alike(list(bundle.stream(files, pytest.fail)), list(one.predictor.stream(files, pytest.fail)))


def test_arrays_pictures_and_what_cannot_be_read(one, bundle, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    (tmp_path / "no.png").write_text("no image")
    source = [pixels, str(tmp_path / "no.png"), Image.fromarray(pixels), str(tmp_path / "gone.png"), pixels / 255]
    for predictor in (bundle, one.predictor):
        problems: dict[str, str] = {}
        found = list(predictor.stream(source, problems.__setitem__))
        assert [p.name for p in found] == ["image 0", "image 2", "image 4"]
        assert list(problems) == [source[1], source[3]] and "not an image" in problems[source[1]]
        assert np.array_equal(found[0].logits, found[1].logits)
    check_alike([bundle.predict(pixels)], [one.predictor.predict(pixels)])
    with pytest.raises(UnreadableImage, match=r"no\.png cannot be read: it is not an image"):
        bundle.predict(tmp_path / "no.png")
    with pytest.raises(InvalidType, match=r"image must be a path"):
        bundle.predict(3)


def test_other_views_are_refused(bundle):
    with pytest.raises(InvalidValue, match=r"n_views=2: a bundle shows its network each image as it is"):
        bundle.predict(np.zeros((SIDE, SIDE, 3), np.uint8), n_views=2)


def test_a_stream_without_end_takes_few_images_and_batches_grow(bundle):
    taken = []

    def endless() -> Iterator[np.ndarray]:
        for i in itertools.count():
            taken.append(i)
            yield np.full((8, 8, 3), i % 256, np.uint8)

    stream = bundle.stream(endless(), pytest.fail)
    assert [next(stream).name for _ in range(3)] == ["image 0", "image 1", "image 2"]
    stream.close()
    assert len(taken) < 100
    assert [len(part) for part in bundle_predictor._growing(range(24), 2, BATCH)] == [1, 1, 2, 2, 4, 4, 8, 2]


def test_if_memory_is_too_small_there_are_fewer_at_once(bundle, monkeypatch):
    pictures = np.random.default_rng(0).integers(0, 256, (9, SIDE, SIDE, 3), np.uint8)
    expected, answers, sizes = list(bundle.stream(pictures, pytest.fail)), bundle.session.answers, []

    def small(chunk: np.ndarray) -> object:
        if len(chunk) > 2:
            raise OutOfMemory("too many")
        sizes.append(len(chunk))
        return answers(chunk)

    monkeypatch.setattr(bundle.session, "answers", small)
    outputs = bundle.outputs(pictures, np.zeros((9, 2)), bundle.asked(0.5, 0))
    assert sizes == [2, 2, 2, 2, 1]
    assert np.allclose(outputs.logits, [p.logits for p in expected], atol=1e-5) and len(outputs.embeddings()) == 9


def test_what_is_wrong_with_a_bundle_is_said(folder, tmp_path):
    with pytest.raises(NotFound, match=r"there is no bundle at .*nowhere"):
        BundlePredictor(tmp_path / "nowhere")
    content = (folder / MODEL).read_bytes()
    (folder / MODEL).write_bytes(content[:-1] + b"!")
    with pytest.raises(
        DamagedFile, match=r"'model\.onnx' of the bundle .* is damaged .*SHA-256 differs.*copy the bundle"
    ):
        BundlePredictor(folder)
    (folder / MODEL).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    for name, message in (
        (MODEL, r"its manifest names no model\.onnx"),
        (DISTANCE, "what its distances need is missing"),
    ):
        files = {key: digest for key, digest in manifest["files"].items() if key != name}
        (folder / MANIFEST).write_text(json.dumps({**manifest, "files": files}))
        with pytest.raises(DamagedFile, match=message):
            BundlePredictor(folder)
    (folder / MANIFEST).write_text(json.dumps({**manifest, "files": {"../x": "0" * 64}}))
    with pytest.raises(DamagedFile, match=r"'manifest\.json' of the bundle .* is damaged"):
        BundlePredictor(folder)
    (folder / MANIFEST).write_text(json.dumps({**manifest, "schema": 99}))
    with pytest.raises(DamagedFile, match=r"written by a newer monklite: upgrade monklite"):
        BundlePredictor(folder)


def test_a_network_that_cannot_be_computed_is_said(bundle):
    with pytest.raises(DamagedFile, match=r"ONNX Runtime cannot compute the network: .*"):
        bundle.session.answers(np.zeros((1, SIDE, SIDE, 3), np.float32))


# The command line


def call(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_predicts_with_a_bundle_as_with_the_run(one, tmp_path):
    workspace, pictures = one.folder / "workspace", tmp_path / "pictures"
    shutil.copytree(one.images / "ill", pictures)
    (pictures / "no.png").write_text("no image")
    printed = {}
    for words in ((one.made.path,), ("p", "e")):
        status, out, err = call("--workspace", workspace, "predict", *words, pictures, "--json")
        printed[len(words)] = [json.loads(line) for line in out.splitlines()]
        assert status == 1 and "left out: " in err and "no.png cannot be read" in err
    for by_bundle, by_run in zip(printed[1], printed[2], strict=True):
        assert by_bundle.keys() == by_run.keys() and by_bundle["image"] == by_run["image"]
        assert by_bundle["predicted"] == by_run["predicted"] and by_bundle["possible"] == by_run["possible"]
        assert all(by_bundle[f"p({name})"] == pytest.approx(by_run[f"p({name})"], abs=1e-4) for name in LEVELS)
    status, out, _ = call("predict", one.made.path, pictures / "ill-00.png", "--csv")
    assert status == 0 and out.startswith("image,predicted,p(ill),p(well),unsure,possible")


def test_a_bundle_and_a_run_are_told_apart(one, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder.rename("p")
    shutil.copytree(one.folder / "workspace", tmp_path / "workspace", ignore=shutil.ignore_patterns(".cache"))
    image = one.files[0]
    Path("e").mkdir()
    shutil.copy(image, "e")
    status, _, err = call("predict", "p", "e", image)
    assert (
        status == 1 and "'p' is a bundle in this folder, and also a project with the experiment 'e': write './p'" in err
    )
    # of the bundle, the image and the folder `e`; of the run, the image
    assert call("predict", "./p", "e", image, "--json")[1].count("\n") == 2
    assert call("predict", "p", "e", image, "--version", "v001", "--json")[1].count("\n") == 1
    status, _, err = call("predict", "./p", image, "--version", "v001")
    assert status == 1 and "--version='v001' is of a run, and './p' is the path of a bundle" in err
    assert "there is no bundle at gone.zip" in call("predict", "gone.zip", image)[2]
    for words in (("p",), ("nobody", "e"), ("./p",)):
        status, _, err = call("predict", *words)
        assert status == 2 and "give PROJECT EXPERIMENT IMAGES... or BUNDLE IMAGES..." in err


def test_answers_of_servers(bundle):
    file = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (90, 90, 90)).save(file, "PNG")
    found = bundle.predict(file.getvalue())
    values = as_values(found, bundle.task.classes)
    assert list(values) == ["name", "predicted", "scores", "calibrated", "possible", "unsure"]
    assert values["predicted"] == [found.answer["predicted_class"]]
    assert values["calibrated"] == {values["predicted"][0]: found.answer["calibrated_score"]}
    assert list(values["scores"]) == ["ill", "well"] and sum(values["scores"].values()) == pytest.approx(1)
