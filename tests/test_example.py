"""Story 1: the example, run as a user runs it, from the checkout and from an installed wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from monklite.testing.datasets import draw_chest_xrays

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "pneumonia_resnet50_vs_densenet121.py"


def run_example(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLE), *words]
    return subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_chest_xrays(tmp_path_factory.mktemp("chest"), n_train=20, n_test=8)


def story(chest: Path) -> list[str]:
    return [
        *(
            "--train",
            str(chest / "train"),
            "--test",
            str(chest / "test"),
            "--image",
            str(chest / "infer" / "normal-1.jpeg"),
        ),
        *("--models", "resnet18", "squeezenet1_1", "--epochs", "1", "--no-pretrained"),
    ]


def test_the_story_is_told_to_its_end(chest: Path, tmp_path: Path) -> None:
    done = run_example(tmp_path, *story(chest))
    assert done.returncode == 0, done.stderr
    for text in (
        "Num train images: 14",
        "Predicted class",
        "Average accuracy (%)",
        "resnet18_vs_squeezenet1_1",
        "% on the test images",
    ):
        assert text in done.stdout
    made = {p.name for p in (tmp_path / "workspace" / "comparison" / "resnet18_vs_squeezenet1_1").iterdir()}
    assert {"val_accuracy.png", "stats_max_gpu_usage.png", "comparison.csv", "report.html"} <= made
    assert "\r" not in done.stdout + done.stderr


def test_a_mistake_gives_one_line_and_a_status(chest: Path, tmp_path: Path) -> None:
    done = run_example(tmp_path, *story(chest), "--models", "resnet5O")
    assert done.returncode == 1
    assert done.stderr.strip().startswith("error: no pytorch model is called 'resnet5O'. Did you mean 'resnet50'?")


@pytest.mark.slow
def test_an_installed_wheel_runs_the_example(chest: Path, tmp_path: Path) -> None:
    """Only the wheel is on the path, not the checkout; what monklite needs comes from this environment."""
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)]
    subprocess.run(build, check=True)
    wheel = next(wheels.glob("monklite-*.whl"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)], check=True
    )
    where = subprocess.run(
        [sys.executable, "-c", "import monklite; print(monklite.__file__)"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(site))
    assert all((site / "monklite" / name).is_file() for name in ("py.typed", "facade/row_methods.pyi"))
    done = run_example(tmp_path, *story(chest), PYTHONPATH=str(site))
    assert done.returncode == 0, done.stderr
