"""A bundle in another runtime than it was made with: the same answers, from several threads, and only where it agrees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from serving import ROOT
from test_exporting_verifying import network, run, written

from monklite.catalog.rows import is_installed
from monklite.errors import DamagedFile, InvalidValue, MissingPackage, OutOfMemory
from monklite.exporting import certified, onnx_session
from monklite.exporting.manifest import INT8, MODEL
from monklite.exporting.reading import Bundle
from monklite.exporting.runtimes import RUNTIMES, USUAL, runtime_of

needs_openvino = pytest.mark.skipif(
    not is_installed("openvino"), reason='OpenVINO is not installed: pip install "monklite[openvino]"'
)
MADE_HERE = "ONNX Runtime 1.0"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return written(tmp_path, runtime=MADE_HERE)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runtimes in which drawn pictures are compared."""
    from monklite.exporting import verifying

    found, compare = [], verifying.drawn_again
    monkeypatch.setattr(verifying, "drawn_again", lambda *given: found.append(given[2].package) or compare(*given))
    return found


@needs_openvino
def test_openvino_predicts_as_the_usual_runtime_does(bundle: Path, tmp_path: Path, checked: list[str]) -> None:
    answers = []
    for words in ((), ("--runtime", "onnxruntime"), ("--runtime", "openvino")):
        code, text = run("predict", bundle, tmp_path / "val", "--json", *words)
        assert code == 0, text
        answers.append([json.loads(line) for line in text.splitlines()])
    usual, named, other = answers
    assert usual == named and len(usual) == 12
    for one, same in zip(usual, other, strict=True):
        assert (one["image"], one["predicted"]) == (same["image"], same["predicted"])
        assert [one["p(red)"], one["p(blue)"]] == pytest.approx([same["p(red)"], same["p(blue)"]], abs=1e-4)
    assert checked == ["openvino"], "the certificate is of the usual runtime, in which nothing is compared again"


# run where nothing has imported OpenVINO before
SILENT = """
import socket, sys
asked = []
socket.getaddrinfo = lambda *given, **_: asked.append(given) or []
from monklite.exporting.openvino_session import OpenVinoSession
from monklite.exporting.reading import Bundle
OpenVinoSession(Bundle(sys.argv[1]).content("model.onnx"))
assert "openvino" in sys.modules and not [name for name in sys.modules if name.startswith("openvino_telemetry")]
import openvino_telemetry
assert asked == [], asked
"""


@needs_openvino
def test_openvino_tells_nobody_that_it_is_used(bundle: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    environment = {name: value for name, value in environment.items() if name not in ("CI", "TF_BUILD", "JENKINS_URL")}
    command = [sys.executable, "-c", SILENT, str(bundle)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "intel").exists(), "where it keeps the identity of who uses it"


@pytest.mark.parametrize("name", RUNTIMES)
def test_several_threads_may_ask_a_session_at_once(bundle: Path, name: str) -> None:
    if name == "openvino":
        pytest.importorskip("openvino")
    session = RUNTIMES[name].load(Bundle(bundle).content(MODEL))
    pictures = [np.random.default_rng(i).integers(0, 256, (1 + i % 3, 32, 32, 3), np.uint8) for i in range(24)]
    expected = [session.answers(picture) for picture in pictures]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(session.answers, pictures * 3))
    for one, same in zip(expected * 3, found, strict=True):
        assert (one.probabilities == same.probabilities).all() and one.embeddings is same.embeddings is None
    with pytest.raises(DamagedFile, match=f"{RUNTIMES[name].title} cannot compute the network: "):
        session.answers(np.zeros((1, 5, 5, 1), np.uint8))
    assert (session.answers(pictures[0]).logits == expected[0].logits).all(), "it computes after an error, too"


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_file_that_is_no_network_is_named(name: str) -> None:
    if name == "openvino":
        pytest.importorskip("openvino")
    with pytest.raises(DamagedFile, match=f"{RUNTIMES[name].title} .* cannot read the network"):
        RUNTIMES[name].load(b"no network")


def test_memory_that_is_too_small_is_told_by_its_kind() -> None:
    with pytest.raises(OutOfMemory, match="not enough memory for 3 pictures"), onnx_session.computing("A runtime", 3):
        raise RuntimeError("std::bad_alloc")


def test_a_bundle_that_does_not_agree_in_a_runtime_is_not_used(tmp_path: Path) -> None:
    path = written(tmp_path, shipped=network(0.8), runtime="Another Runtime 1.0")
    code, text = run("predict", path, tmp_path / "val")
    assert code == 1 and f"{path} is not used: in ONNX Runtime " in text
    assert (
        "on this machine it does not agree with the network that it was made of: drawn pictures: scores differ" in text
    )
    assert "Take another runtime, or export the run again on this machine" in text


def test_int8_of_another_processor_is_compared_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32 processors differ by rounding alone; sums of int8 saturate on some."""
    (tmp_path / "float").mkdir()
    rounded, exact = written(tmp_path, INT8, network(-1.0), MADE_HERE), written(tmp_path / "float", runtime=MADE_HERE)
    assert certified.predictor_of(rounded).manifest.form == INT8
    monkeypatch.setattr(certified, "cpu_name", lambda: "another processor")
    assert certified.predictor_of(exact).epoch == Bundle(exact).manifest.epoch
    with pytest.raises(InvalidValue, match="drawn pictures, against where it was made: scores differ by up to"):
        certified.predictor_of(rounded)


def test_what_cannot_be_the_runtime_is_told(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidValue, match="runtime must be one of 'onnxruntime', 'openvino', not 'onnx'"):
        runtime_of("onnx")
    for words in (("predict", "p", "e", tmp_path), ("serve", "p", "e", "--port", "0")):
        code, text = run("--workspace", tmp_path / "w", *words, "--runtime", "openvino")
        assert code == 1 and "--runtime openvino is of a bundle, and a run is computed by its framework" in text
    monkeypatch.setattr("monklite.catalog.rows.is_installed", lambda package: package != "openvino")
    code, text = run("predict", bundle, tmp_path / "val", "--runtime", "openvino")
    assert code == 1 and 'needs openvino: pip install "monklite[openvino]"' in text
    assert USUAL.about.startswith("ONNX Runtime ")
    assert issubclass(MissingPackage, ImportError)
