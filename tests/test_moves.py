"""Affine and projective moves of pictures against torchvision's, on both backends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from test_augment import Fixed, step
from test_colours import learner  # noqa: F401 (a fixture)
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from monklite.backends.pytorch.learner import TorchLearner
from monklite.data import geometry, trivial_augment
from monklite.data.augment import Draws, policy
from monklite.data.colours import Colours

SIDE = 40


def smooth() -> np.ndarray:
    """One image without symmetry, uint8 (1, side, side, 3)."""
    y, x = np.mgrid[:SIDE, :SIDE]
    waves = [128 + 60 * np.sin(x / a) + 50 * np.cos(y / b + x / 11) for a, b in ((5, 6), (7, 4), (6, 9))]
    return np.stack(waves, axis=2).astype(np.uint8)[None]


def moved(learner: Any, frame: geometry.Frame) -> np.ndarray:  # noqa: F811
    matrix = geometry.to_unit(frame, np.array([[SIDE, SIDE]]))
    return learner.augmented(smooth(), Draws(SIDE, (0.0,) * 3, (1.0,) * 3, matrix=matrix))[0]


def whole(n: int = 1) -> geometry.Frame:
    return geometry.Frame.whole(np.full((n, 2), SIDE))


def compare(found: np.ndarray, function: Any, *arguments: Any) -> None:
    """Equal within a grey level away from the edges, where torchvision mixes in black."""
    pictures = torch.from_numpy(np.concatenate([smooth(), np.full_like(smooth(), 255)])).permute(0, 3, 1, 2).float()
    wanted, full = (function(p, *arguments, interpolation=InterpolationMode.BILINEAR) for p in pictures)
    inside, outside = (full == 255).all(0).numpy(), (full == 0).all(0).numpy()
    assert inside.sum() > 100
    difference = np.abs(found - wanted.permute(1, 2, 0).numpy()).max(axis=2)
    assert difference[inside].max() <= 1
    assert np.abs(found[outside]).max(initial=0) == 0


@pytest.mark.parametrize(
    ("angle", "translate", "scale", "shear"),
    [(0, (0, 0), 1, (0, 0)), (30, (0, 0), 1, (0, 0)), (-20, (5, -3), 0.8, (0, 0)), (15, (2, 4), 1.3, (10, -25))],
)
def test_affine_is_torchvisions(learner: Any, angle: float, translate: tuple, scale: float, shear: tuple) -> None:  # noqa: F811
    slants = (np.deg2rad([s]) for s in shear)
    frame = geometry.affine(
        whole(), np.deg2rad([angle]), *map(np.array, zip(translate, strict=True)), np.array([scale]), *slants
    )
    compare(moved(learner, frame), reference.affine, angle, translate, scale, shear)


CORNERS = [(0, 0), (SIDE, 0), (SIDE, SIDE), (0, SIDE)]


@pytest.mark.parametrize("ends", [CORNERS, [(4, 6), (37, 2), (33, 36), (1, 39)], [(15, 0), (25, 0), (40, 40), (0, 40)]])
def test_perspective_is_torchvisions(learner: Any, ends: list) -> None:  # noqa: F811
    corners = np.array(ends, float).T[:, :, None] / SIDE * 2 - 1
    half = np.diag((SIDE / 2, SIDE / 2, 1))
    frame = whole().moved(half @ geometry.from_corners(*corners) @ np.linalg.inv(half))
    compare(moved(learner, frame), reference.perspective, CORNERS, ends)


def test_rotation_and_affine_turn_as_torchvisions_do() -> None:
    turned = geometry.random_rotation(whole(), Fixed(20.0), (20, 20)).to_source
    other = geometry.random_affine(whole(), np.random.default_rng(0), (20, 20), None, None, None).to_source
    assert geometry.random_affine(whole(), np.random.default_rng(0), 0, None, None, None).to_source == pytest.approx(
        whole().to_source, abs=1e-12
    )
    angles = [np.rad2deg(np.arctan2(found[0, 1, 0], found[0, 0, 0])) for found in (turned, other)]
    # counterclockwise, and clockwise
    assert angles == pytest.approx([20, -20])


def test_ranges_of_an_affine_move_are_kept() -> None:
    frame = geometry.random_affine(whole(3000), np.random.default_rng(0), 0, (0.1, 0.2), (0.5, 2.0), None)
    forward = np.linalg.inv(frame.to_source)
    scale = forward[:, 0, 0]
    assert 0.5 <= scale.min() < 0.51 and 1.99 < scale.max() <= 2.0
    right, down = ((forward @ (SIDE / 2, SIDE / 2, 1))[:, :2] - SIDE / 2).T
    assert 0.098 * SIDE < np.abs(right).max() <= 0.1 * SIDE and 0.195 * SIDE < np.abs(down).max() <= 0.2 * SIDE
    slanted = np.linalg.inv(
        geometry.random_affine(whole(3000), np.random.default_rng(0), 0, None, None, (5, 10)).to_source
    )
    slant = np.rad2deg(np.arctan(-slanted[:, 0, 1]))
    assert 5 <= slant.min() < 5.1 and 9.9 < slant.max() <= 10 and np.abs(slanted[:, 1, 0]).max() < 1e-9
    both = np.linalg.inv(
        geometry.random_affine(whole(3000), np.random.default_rng(0), 0, None, None, (0, 0, -3, 3)).to_source
    )
    assert np.abs(both[:, 0, 1]).max() < 1e-9 and 2.9 < np.rad2deg(np.arctan(-both[:, 1, 0])).max() <= 3


def test_only_projective_maps_have_a_third_row_and_some_images_stay() -> None:
    how = policy([step("random_perspective", distortion_scale=0.6, probability=0.5)], 16)
    matrix = how.draw(np.full((400, 2), 50), np.random.default_rng(0)).matrix
    assert matrix is not None and matrix.shape == (400, 3, 3)
    still = (np.abs(matrix - np.eye(3)) < 1e-6).all(axis=(1, 2))
    assert 160 < still.sum() < 240
    never = policy([step("random_perspective", probability=0.0)], 16)
    none = never.draw(np.full((4, 2), 50), np.random.default_rng(0)).matrix
    assert none is not None and none.tolist() == [[[1, 0, 0], [0, 1, 0]]] * 4
    affine = policy([step("random_affine", degrees=10, scale=(0.8, 1.2), shear=5)], 16)
    assert affine.draw(np.full((4, 2), 50), np.random.default_rng(0)).matrix.shape == (4, 2, 3)  # type: ignore[union-attr]


def test_corners_move_inwards_by_at_most_half_the_distortion() -> None:
    frame = geometry.random_perspective(whole(2000), np.random.default_rng(0), 0.5, 1.0)
    corners = np.array([(*corner, 1.0) for corner in CORNERS]).T
    ends = np.linalg.inv(frame.to_source) @ corners
    ends = ends[:, :2] / ends[:, 2:]
    distance = np.abs(ends - corners[:2])
    assert distance.max() <= 0.25 * SIDE + 1e-6 and distance.max() > 0.24 * SIDE
    assert (ends >= -1e-6).all() and (ends <= SIDE + 1e-6).all()


@pytest.mark.parametrize("distortion", [0.99, 1.0])
def test_extreme_perspectives_are_finite(learner: Any, distortion: float) -> None:  # noqa: F811
    rng = np.random.default_rng(0)
    matrix = geometry.to_unit(geometry.random_perspective(whole(200), rng, distortion, 1.0), np.full((200, 2), SIDE))
    assert np.isfinite(matrix).all()
    found = learner.augmented(np.repeat(smooth(), 200, axis=0), Draws(SIDE, (0.0,) * 3, (1.0,) * 3, matrix=matrix))
    assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 255.01


def test_trivial_augment_does_one_thing_to_each_image() -> None:
    n = 2000
    frame, colours = trivial_augment.trivial_augment(whole(n), Colours(n, SIDE), np.random.default_rng(0))
    moves = (np.abs(frame.to_source - np.eye(3)) > 1e-9).any(axis=(1, 2))
    changes = {step.kind: np.bincount(step.rows, minlength=n) for step in colours.steps}
    assert list(changes) == ["affine", "sharpness", "curve", "autocontrast", "equalize"]
    assert (moves + sum(changes.values())).max() == 1
    # five of its fourteen move, three are affine in the colours, two are curves, and one does nothing
    for changed, share in ((moves, 5), *zip(changes.values(), (3, 1, 2, 1, 1), strict=True)):
        assert changed.mean() == pytest.approx(share / 14, abs=0.04)


def test_smaller_pictures_are_the_same_ones(learner: Any) -> None:  # noqa: F811
    """Progressive resizing shows a projective map at another size."""
    frame = geometry.random_perspective(whole(), np.random.default_rng(3), 0.3, 1.0)
    matrix = geometry.to_unit(frame, np.array([[SIDE, SIDE]]))
    draws = Draws(SIDE, (0.0,) * 3, (1.0,) * 3, matrix=matrix)
    large, small = (learner.augmented(smooth(), d)[0] for d in (draws, draws.resized(SIDE // 2, 1)))
    mean = large.reshape(SIDE // 2, 2, SIDE // 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(mean - small)[4:-4, 4:-4].mean() < 4
    assert replace(draws, size=SIDE).matrix is matrix


def test_places_and_colours_are_float32_where_the_network_is_not() -> None:
    """In bfloat16 a place has 8 bits, half a pixel in 128."""
    made: Any = TorchLearner.__new__(TorchLearner)
    made.device = torch.device("cpu")
    steps = Colours(1, SIDE).brightness(np.array([0.7])).contrast(np.array([0.9])).steps
    matrix = geometry.to_unit(geometry.random_rotation(whole(), np.random.default_rng(0), 30), np.array([[SIDE, SIDE]]))
    draws = Draws(SIDE, (0.5,) * 3, (0.5,) * 3, matrix=matrix, colours=steps)
    expected = made.inputs(smooth(), draws)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(made.inputs(smooth(), draws), expected)
