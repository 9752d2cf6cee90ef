"""Trained runs with tiny networks, and bundles of them, for the tests of exporting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_networks import MODELS, build_tiny

from monklite import Prototype
from monklite.exporting.bundle import Made, make
from monklite.inference import Predictor
from monklite.runs.run import Run

SIDE = 32
LEVELS = {"ill": 112, "well": 136}
LABELS = ("bright", "striped")


@dataclass(frozen=True)
class Exported:
    """A run of a backend in its workspace, and its bundle. `images`: the folder of its validation images."""

    backend: str
    folder: Path
    opened: Prototype
    images: Path
    made: Made

    @property
    def run(self) -> Run:
        return self.opened._opened.run

    @property
    def cache(self) -> Path:
        return self.folder / "workspace" / ".cache"

    @property
    def predictor(self) -> Predictor:
        return Predictor(self.run, self.cache)

    @property
    def files(self) -> list[Path]:
        return sorted(self.images.rglob("*.png"))


def exported(backend: str, folder: Path) -> Exported:
    """Train a network that tells darker from brighter pictures, with a point and unsure predictions, and export it."""
    for name, n, seed in (("train", 24, 0), ("val", 22, 1)):
        draw(folder / name, n, seed)
    opened = Prototype("p", "e", backend=backend, verbose=0, workspace=folder / "workspace")
    opened.Dataset_Params([folder / "train", folder / "val"], input_size=SIDE, batch_size=12)
    opened.Dataset()
    opened.Model_Params(MODELS[backend], freeze_base_network=False, use_pretrained=False)
    opened.Model()
    opened.optimizer_adam(0.02)
    opened.Training_Params(num_epochs=4, save_intermediate_models=False)
    opened.Train()
    opened.Set_Operating_Point(sensitivity=0.8)
    opened.Set_Unsure(coverage=0.8, distance=0.8)
    made = make(opened._opened.run, folder / "workspace" / ".cache", folder / "bundle.zip", print)
    return Exported(backend, folder, opened, folder / "val", made)


def draw(folder: Path, n: int, seed: int) -> None:
    """Pictures of two classes that overlap, of several sizes."""
    rng = np.random.default_rng(seed)
    for name, level in LEVELS.items():
        (folder / name).mkdir(parents=True)
        for i in range(n):
            pixels = rng.normal(level + rng.normal(0, 14), 20, (SIDE + i % 3, SIDE + i % 5, 1)).clip(0, 255)
            Image.fromarray(pixels.astype(np.uint8).repeat(3, axis=2)).save(folder / name / f"{name}-{i:02}.png")


def tiny_for_module(backend: str, folder: Path) -> Iterator[Exported]:
    """An exported run, whose network stays tiny until the generator is closed."""
    with pytest.MonkeyPatch.context() as patch:
        build_tiny(patch, backend)
        yield exported(backend, folder)
