"""The drawn image sets: their layout, and the same pixels for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from monklite.data import discover
from monklite.testing.datasets import draw_chest_xrays, draw_patterns


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_patterns_have_one_folder_a_class(tmp_path: Path) -> None:
    samples = discover.from_folders(draw_patterns(tmp_path / "p", {"rings": 3, "dots": 2}, side=24))
    assert (samples.classes, samples.counts(), samples.strays) == (("dots", "rings"), (2, 3), ())


def test_patterns_have_the_asked_side(tmp_path: Path) -> None:
    draw_patterns(tmp_path, {"a": 1, "b": 1}, side=24)
    with Image.open(tmp_path / "a" / "a-000.png") as image:
        assert (image.size, image.mode) == ((24, 24), "RGB")


def test_chest_xrays_have_the_layout_of_the_kermany_set(tmp_path: Path) -> None:
    draw_chest_xrays(tmp_path, n_train=4, n_test=2)
    for part, counts in (("train", (2, 2)), ("test", (1, 1))):
        samples = discover.from_folders(tmp_path / part)
        assert (samples.classes, samples.counts()) == (("NORMAL", "PNEUMONIA"), counts)
    assert sorted(p.name for p in (tmp_path / "infer").iterdir()) == ["normal-1.jpeg", "pneumonia-1.jpeg"]


def test_chest_xrays_given_as_a_whole_are_refused(tmp_path: Path) -> None:
    draw_chest_xrays(tmp_path, n_train=2, n_test=2)
    with pytest.raises(discover.DatasetError, match="holds 'test', 'train', which are parts of a dataset"):
        discover.from_folders(tmp_path)


@pytest.mark.parametrize(
    "draw",
    [
        lambda folder, seed: draw_patterns(folder, {"a": 2, "b": 2}, side=16, seed=seed),
        lambda folder, seed: draw_chest_xrays(folder, n_train=2, n_test=2, seed=seed),
    ],
    ids=["patterns", "chest_xrays"],
)
def test_the_seed_decides_every_byte(tmp_path: Path, draw: Callable[[Path, int], Path]) -> None:
    seeds = (("1", 7), ("2", 7), ("3", 8))
    first, again, other = (contents(draw(tmp_path / name, seed)) for name, seed in seeds)
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


def test_no_two_drawn_images_are_the_same(patterns: Path) -> None:
    drawn = contents(patterns)
    assert len(set(drawn.values())) == len(drawn) == 36
