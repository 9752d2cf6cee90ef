"""A certificate is made anew from a bundle alone, without the framework and the run that it was made of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from test_exporting_reading import manifest

from monklite.catalog.transforms import TRANSFORMS
from monklite.cli import main
from monklite.data.augment import policy
from monklite.data.digests import digest_of
from monklite.data.samples import DIGEST
from monklite.errors import DamagedFile, DatasetError, MissingPackage
from monklite.exporting import comparing, model_file, probes, verifying, writing
from monklite.exporting.certificate import PROBES, REPEATED, VALIDATION
from monklite.exporting.certifying import made_here
from monklite.exporting.expected import Expected
from monklite.exporting.graph import value
from monklite.exporting.manifest import CERTIFICATE, EXPECTED, INT8, MODEL
from monklite.exporting.onnx_session import OnnxSession
from monklite.exporting.reading import Bundle
from monklite.runs.state import as_json
from monklite.tasks import SingleLabel

SIDE, CLASSES = 32, ("red", "blue")


def network(sharpness: float = 1.0) -> bytes:
    """Logits: the mean of red and that of blue."""
    from onnx import helper, numpy_helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["means"]),
        helper.make_node("Flatten", ["means"], ["rows"]),
        helper.make_node("MatMul", ["rows", "weights"], ["y"]),
    ]
    weights = np.array([[sharpness, 0], [0, 0], [0, sharpness]], np.float32)
    x, y = value("x", np.float32, ["n", 3, SIDE, SIDE]), value("y", np.float32, ["n", 2])
    graph = helper.make_graph(nodes, "net", [x], [y], [numpy_helper.from_array(weights, "weights")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString()


def written(folder: Path, form: str = "float32", shipped: bytes | None = None, runtime: str = "here") -> Path:
    """A bundle of `network()`, with what that answers for pictures in `folder / "val"`; `shipped`: in its place; `runtime`: that
    made the certificate."""
    rng, files = np.random.default_rng(0), []
    (folder / "val").mkdir()
    for i in range(12):
        colour = np.array([200, 100, 60] if i % 2 else [60, 100, 200])
        pixels = (colour + rng.normal(0, 40, (40, 36, 3))).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "val" / f"{i}.png")
        files.append((folder / "val" / f"{i}.png").read_bytes())
    how = policy((TRANSFORMS["normalize"].choose("pytorch", {}),), SIDE)
    about = manifest(classes=CLASSES, form=form, temperature=1.5, mean=how.mean, std=how.std)
    task, drawn = SingleLabel(CLASSES), probes.drawn()
    right = model_file.assembled(network(), how, task, 1.5)
    answers = [comparing.of_bundle(about, OnnxSession(right), batch).logits for batch in ([*drawn.values()], files)]
    digests = np.array([digest_of(file) for file in files], DIGEST)
    expected = Expected(drawn, answers[0], answers[0], digests, answers[1], np.array([1, 0] * 6))
    model = model_file.assembled(shipped or network(), how, task, 1.5)
    certificate = made_here(about, model, (), runtime, 0.1)
    contents = {
        MODEL: model,
        EXPECTED: expected.to_bytes(),
        CERTIFICATE: as_json(certificate.model_dump(by_alias=True)).encode(),
    }
    writing.write(folder / "b.zip", about, contents)
    return folder / "b.zip"


def run(*args: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, [*map(str, args)])
    return result.exit_code, result.output + result.stderr


def test_a_bundle_that_agrees(tmp_path):
    code, text = run("verify", written(tmp_path))
    assert code == 0
    assert "Agrees:  yes" in text and "13 drawn pictures" in text and "Same prediction:    13 of 13" in text
    assert "validation" not in text


def test_another_runtime_reads_the_same_file(tmp_path):
    pytest.importorskip("openvino")
    path = written(tmp_path)
    code, text = run("verify", path, "--images", tmp_path / "val", "--runtime", "openvino")
    assert code == 0 and "Runtime: OpenVINO 20" in text and "Same prediction:    13 of 13" in text
    code, text = run("verify", path, "--runtime", "onnx")
    assert code == 1 and "runtime must be one of 'onnxruntime', 'openvino', not 'onnx'" in text


def test_validation_images_under_any_names(tmp_path):
    path = written(tmp_path)
    for i in (3, 4):
        (tmp_path / "val" / f"{i}.png").unlink()
    (tmp_path / "val" / "5.png").rename(tmp_path / "val" / "other name.png")
    code, text = run("verify", path, "--images", tmp_path / "val")
    assert code == 0 and "On 10 validation images (of 12; the others are not in the folder)" in text
    assert "Accuracy:           100.00% of the network, 100.00% of the bundle" in text
    assert "Difference:         +0.00% (95 % interval" in text


def test_images_of_something_else_are_refused(tmp_path):
    path = written(tmp_path)
    (tmp_path / "other").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "other" / "a.png")
    with pytest.raises(DatasetError, match="none of the 12 validation images of the run is in"):
        verifying.verify(Bundle(path), tmp_path / "other")


def test_a_bundle_that_does_not_agree(tmp_path):
    """A flat network gives the same classes with other scores; the exit status is 1, and JSON says the same."""
    path = written(tmp_path, shipped=network(0.8))
    code, text = run("verify", path, "--images", tmp_path / "val")
    assert code == 1 and "Agrees:  no" in text
    assert "Does not agree: validation images: scores differ by up to 0." in text
    code, text = run("verify", path, "--json")
    (comparison,) = json.loads(text)["comparisons"]
    assert code == 1 and comparison["images"] == PROBES and comparison["score_difference"] > 0.001


def test_in_int8_drawn_pictures_tell_a_machine_that_computes_otherwise(tmp_path):
    """Other scores than of the network are allowed, and other ones than where it was made are not."""
    made = verifying.verify(Bundle(written(tmp_path, INT8, network(-1.0))), tmp_path / "val")
    assert [comparison.images for comparison in made.comparisons] == [VALIDATION, PROBES, REPEATED]
    loss, repeated = made.problems()
    assert loss.startswith("validation images: the accuracy falls by 100.00% (95 % interval ")
    assert loss.endswith("at most 10.00% is allowed")
    assert repeated.startswith(f"{REPEATED}: scores differ by up to ")
    (tmp_path / "right").mkdir()
    assert verifying.verify(Bundle(written(tmp_path / "right", INT8))).problems() == []


def test_what_is_damaged_or_missing_is_named(tmp_path, monkeypatch):
    path = written(tmp_path)
    with pytest.raises(DamagedFile, match="expected.safetensors does not hold what a bundle is compared with"):
        Expected.from_bytes(b"\0" * 100)
    monkeypatch.setattr("monklite.catalog.rows.is_installed", lambda package: False)
    code, text = run("verify", path)
    assert code == 1 and 'needs onnxruntime: pip install "monklite[export]"' in text


def test_a_file_that_is_no_network_is_named():
    with pytest.raises(DamagedFile, match="ONNX Runtime .* cannot read the network"):
        OnnxSession(b"no network")
    assert issubclass(MissingPackage, ImportError)


def test_undecided_images_may_get_another_class():
    task, rows = SingleLabel(CLASSES), np.array([[1.0, 1.0005], [2.0, 0.0]], np.float32)
    other = rows[:, ::-1].copy()
    session = comparing.Answers(other, np.array([[0.5, 0.5], [0.1, 0.9]], np.float32), None)
    found = comparing.compared("some", task, 1.0, verifying.known(rows), session)
    assert (found.equal, found.undecided, found.other) == (0, 1, 1)


def test_expected_answers_are_read_as_they_were_written():
    digests = np.array([b"ends with zero".ljust(15) + b"\0", b"a" * 16], DIGEST)
    labels = np.array([[True, False], [False, False]])
    logits = np.ones((2, 2), np.float32)
    expected = Expected({"b.png": b"xy", "a.png": b"z"}, logits, logits * 2, digests, logits * 3, labels)
    found = Expected.from_bytes(expected.to_bytes())
    assert list(found.probes.items()) == list(expected.probes.items())
    assert found.digests.tolist() == digests.tolist() and found.labels.dtype == bool
    assert (found.labels == labels).all() and (found.logits == 3).all() and (found.bundle_logits == 2).all()
