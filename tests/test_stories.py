"""Stories 3 and 4, run as a user runs them: on real X-rays where they are at hand, else on drawn ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SHARED

from monklite.runs.state import RunState
from monklite.runs.workspace import Workspace
from monklite.testing.datasets import draw_chest_xrays

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def xrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`train` and `test` with two classes: 24 and 12 images each, real ones where they are at hand."""
    folder = tmp_path_factory.mktemp("xrays")
    real = SHARED / "cxr-512"
    if not real.is_dir():
        return draw_chest_xrays(folder, n_train=48, n_test=24)
    for part, count in (("train", 24), ("test", 12)):
        for name in ("Covid-19", "Pneumonia"):
            (folder / part / name).mkdir(parents=True)
            for file in sorted((real / part / name).iterdir())[:count]:
                shutil.copy(file, folder / part / name)
    return folder


def run(example: str, xrays: Path, folder: Path, *words: str) -> str:
    command = [sys.executable, str(ROOT / "examples" / example), "--train", str(xrays / "train")]
    command += ["--test", str(xrays / "test"), "--no-pretrained", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def state(folder: Path, project: str, experiment: str) -> RunState:
    return Workspace(folder / "workspace").find(project, experiment).state()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["pytorch", "mxnet"])
def test_vgg19_with_labels_in_a_table(xrays: Path, tmp_path: Path, backend: str) -> None:
    words = ("--epochs", "3", "--size", "48", "--backend", backend)
    told = run("vgg19_labels_in_a_table.py", xrays, tmp_path, *words)
    trained = state(tmp_path, "Pneumonia_Classification", "vgg19")
    assert trained.status == "done"
    assert trained.resolved is not None
    assert trained.model is not None
    assert trained.dataset is not None
    assert trained.testing is not None
    assert trained.resolved.model.freeze_layers == 16
    assert trained.model.trainable_layers == 3
    assert trained.dataset.classes == ("0", "1")
    assert trained.resolved.training.loss.name == "sigmoid_binary_crossentropy"
    assert "frozen part" in " ".join(trained.model.methods), "the 16 layers run once per picture"
    assert trained.testing.num_images == 24
    assert f"vgg19: {100 * trained.testing.accuracy:.1f} % on the test images" in told


@pytest.mark.slow
def test_few_images_a_grid_a_head_and_then_all_layers(xrays: Path, tmp_path: Path) -> None:
    words = ("--head-epochs", "2", "--epochs", "1", "--size", "48")
    told = run("fine_tune_few_images.py", xrays, tmp_path, *words)
    trained = state(tmp_path, "Few_Images", "resnet34")
    assert trained.status == "done"
    assert trained.testing is not None
    assert trained.testing.num_images == 24
    assert sum(map(sum, trained.testing.confusion)) == 24
    assert "Rows are true classes, columns predicted ones:" in told
    assert "The worst of the mistakes:" in told
    assert list((tmp_path / "workspace").rglob("*samples*.png")), "the grid of images"
    assert list((tmp_path / "workspace").rglob("v001/output/evaluation/test/errors.png")), (
        "the worst mistakes as pictures"
    )
