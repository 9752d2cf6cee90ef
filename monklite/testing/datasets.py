"""Small image folders drawn in code, the same for the same seed: nothing is downloaded and nothing is anybody's data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

XRAY_CLASSES = ("NORMAL", "PNEUMONIA")
PATTERNS = ("stripes", "dots", "rings", "plain")


def draw_patterns(folder: Path, counts: dict[str, int], side: int = 40, seed: int = 0) -> Path:
    """Draw one folder per class with PNG files of a pattern that is easy to distinguish from the others.

    Args:
        folder: made if need be. counts: class name -> number of images. side: of the square images, px.
    """
    rng = np.random.default_rng(seed)
    for k, (name, count) in enumerate(sorted(counts.items())):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.fromarray(_pattern(k, side, rng)).save(folder / name / f"{name}-{i:03d}.png")
    return folder


def draw_noise(folder: Path, counts: dict[str, int], side: int = 40, seed: int = 0) -> Path:
    """Draw one folder per class with PNG files of soft noise, whose class nothing tells; arguments as of `draw_patterns`."""
    rng = np.random.default_rng(seed)
    for name, count in sorted(counts.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            Image.fromarray(soft_noise(rng, side)).save(folder / name / f"{name}-{i:03d}.png")
    return folder


def soft_noise(rng: np.random.Generator, side: int) -> np.ndarray:
    """A picture of clouds, uint8 (side, side, 3): like a photo, it has the more of a frequency the lower it is."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side))
    frequency[0, 0] = 1
    spectrum = rng.normal(size=(3, side, side)) + 1j * rng.normal(size=(3, side, side))
    clouds = np.fft.ifft2(spectrum / frequency).real.transpose(1, 2, 0)
    clouds = (clouds - clouds.mean((0, 1))) / clouds.std((0, 1))
    return np.clip(128 + 50 * clouds, 0, 255).astype(np.uint8)


def _pattern(kind: int, side: int, rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:side, :side] / side
    phase, turn = rng.random(2) * 2 * np.pi
    waves = (
        np.sin(20 * (x * np.cos(turn / 8) + y * np.sin(turn / 8)) + phase),
        np.sin(25 * x + phase) * np.sin(25 * y + turn),
        np.sin(40 * np.hypot(x - 0.5, y - 0.5) + phase),
        np.zeros_like(x),
    )
    colour = np.eye(3)[kind % 3] * 0.5 + 0.5
    picture = 110 + 80 * waves[kind % len(waves)][..., None] * colour + rng.normal(0, 12, (side, side, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)


def draw_chest_xrays(folder: Path, n_train: int = 60, n_test: int = 24, seed: int = 0) -> Path:
    """A stand-in for the Kermany set: `train`, `test` with NORMAL and PNEUMONIA, and `infer` with single images.

    Ribs, lungs and heart are ellipses and arcs; a sick lung has soft white spots. For trying the program out: what a
    network learns here says nothing about real lungs.
    """
    rng = np.random.default_rng(seed)
    for part, count in (("train", n_train), ("test", n_test)):
        for name in XRAY_CLASSES:
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            for i in range(count // 2):
                _save(_chest(name == "PNEUMONIA", rng), folder / part / name / f"{name.lower()}-{i + 1}.jpeg")
    (folder / "infer").mkdir(exist_ok=True)
    for name in XRAY_CLASSES:
        _save(_chest(name == "PNEUMONIA", rng), folder / "infer" / f"{name.lower()}-1.jpeg")
    return folder


def _chest(sick: bool, rng: np.random.Generator) -> np.ndarray:
    height, width = int(rng.integers(240, 300)), int(rng.integers(280, 360))
    y, x = np.mgrid[:height, :width].astype(np.float64)
    y, x = y / height - 0.5 + rng.normal(0, 0.01), x / width - 0.5 + rng.normal(0, 0.01)
    picture = 20 + 150 * _soft(x, y, 0, 0.05, 0.46, 0.62, 12)  # body
    lungs = np.zeros_like(x)
    for side in (-1, 1):
        lungs = np.maximum(lungs, _soft(x, y, side * rng.normal(0.2, 0.008), 0.0, 0.14, 0.36, 14))
    picture -= 95 * lungs
    ribs = np.sin(46 * (y - 1.1 * x * x) + rng.random() * 6)
    picture += 16 * np.clip(ribs, 0, 1) * _soft(x, y, 0, 0, 0.42, 0.45, 12)
    picture += 55 * _soft(x, y, 0, 0, 0.045, 0.6, 20)  # spine
    picture += 60 * _soft(x, y, 0.07, 0.17, 0.13, 0.16, 10)  # heart
    if sick:
        for _ in range(int(rng.integers(2, 5))):
            side, size = rng.choice((-1, 1)), rng.uniform(0.05, 0.1)
            spot = np.exp(
                -(((x - side * rng.normal(0.2, 0.04)) / size) ** 2 + ((y - rng.uniform(-0.1, 0.25)) / size) ** 2)
            )
            picture += rng.uniform(45, 80) * spot * (0.3 + 0.7 * lungs)
    picture = picture * rng.uniform(0.85, 1.1) + rng.normal(0, 6, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _soft(x: np.ndarray, y: np.ndarray, cx: float, cy: float, rx: float, ry: float, edge: float) -> np.ndarray:
    """1 inside an ellipse, 0 outside, with a soft edge."""
    distance = np.hypot((x - cx) / rx, (y - cy) / ry)
    return 1 / (1 + np.exp(np.clip(edge * (distance - 1), -50, 50)))


def _save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).save(path, quality=90)
