"""Policies, their draws, and geometry as matrices against Pillow and NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from monklite.catalog.transforms import TRANSFORMS
from monklite.data import geometry
from monklite.data.augment import Draws, Policy, policy
from monklite.errors import InvalidValue
from monklite.spec import Choice


def step(name: str, **params: object) -> Choice:
    return TRANSFORMS[name].choose("pytorch", params)


FLIP = step("random_horizontal_flip")
ALWAYS = step("random_horizontal_flip", probability=1.0)
UPSIDE_DOWN = step("random_vertical_flip", probability=1.0)
TURN = step("random_rotation", degrees=10)
NORMALIZE = step("normalize")


class Fixed(np.random.Generator):
    """A generator that draws one value only, to reach the exact angle or place that has a known answer."""

    def __init__(self, value: float) -> None:
        super().__init__(np.random.PCG64(0))
        self.value = value

    def random(self, size: object = None, **_: object) -> np.ndarray:  # type: ignore[override]
        return np.full(size, self.value)  # type: ignore[arg-type]

    def uniform(self, low: float = 0, high: float = 1, size: object = None) -> np.ndarray:  # type: ignore[override]
        return np.full(size, self.value)  # type: ignore[arg-type]


def picture(width: int, height: int, edge: int = 0) -> np.ndarray:
    """Smooth, without symmetry, with a black edge of so many px."""
    y, x = np.mgrid[:height, :width]
    pixels = 120 + 60 * np.sin(x / 3) + 50 * np.cos(y / 4 + x / 9)
    inside = (x >= edge) & (x < width - edge) & (y >= edge) & (y < height - edge)
    return np.where(inside, pixels, 0)


def resample(pixels: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Bilinear, black outside: what a matrix of `Draws` means."""
    height, width = pixels.shape
    centre = (2 * np.arange(size) + 1) / size - 1
    x, y = np.meshgrid(centre, centre)
    unit = matrix @ np.stack([x.ravel(), y.ravel(), np.ones(size * size)])
    column, row = ((unit[0] + 1) * width - 1) / 2 + 1, ((unit[1] + 1) * height - 1) / 2 + 1
    padded = np.pad(pixels, 1)
    left, top = np.clip(np.floor(column), 0, width).astype(int), np.clip(np.floor(row), 0, height).astype(int)
    a, b = np.clip(column - left, 0, 1), np.clip(row - top, 0, 1)
    upper = padded[top, left] * (1 - a) + padded[top, left + 1] * a
    lower = padded[top + 1, left] * (1 - a) + padded[top + 1, left + 1] * a
    return (upper * (1 - b) + lower * b).reshape(size, size)


def drawn(pixels: np.ndarray, size: int, *steps: Choice, seed: int = 0) -> np.ndarray:
    """The picture after a chain that needs resampling."""
    sizes = np.array([pixels.shape[::-1]])
    draws = policy(steps, size).draw(sizes, np.random.default_rng(seed))
    assert draws.matrix is not None
    return resample(pixels, draws.matrix[0], size)


def extent(pixels: np.ndarray, box: tuple[float, ...], size: int) -> np.ndarray:
    image = Image.fromarray(pixels.astype(np.float32))
    return np.asarray(image.transform((size, size), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR))


@pytest.mark.parametrize(
    ("transforms", "n_prefix", "n_steps", "stored_size"),
    [
        ((), 0, 0, 32),
        ((NORMALIZE,), 0, 0, 32),
        ((FLIP, NORMALIZE), 0, 1, 32),
        ((step("resize", input_size=32), FLIP), 1, 1, 32),
        ((step("resize", input_size=40), step("center_crop", input_size=32), FLIP, NORMALIZE), 2, 1, 32),
        ((step("resize", input_size=40), step("random_crop", input_size=32)), 1, 1, 40),
        ((step("random_resized_crop", input_size=32), FLIP), 0, 2, 64),
        ((TURN,), 0, 1, 64),
        ((step("random_crop", input_size=32),), 0, 1, 128),
        ((FLIP, step("resize", input_size=32)), 0, 2, 64),
    ],
)
def test_transforms_are_sorted_by_where_they_are_done(
    transforms: tuple[Choice, ...], n_prefix: int, n_steps: int, stored_size: int
) -> None:
    made = policy(transforms, 32)
    geometric = tuple(t for t in transforms if t.name != "normalize")
    assert (made.prefix, made.steps) == (geometric[:n_prefix], geometric[n_prefix:])
    assert (len(made.steps), made.stored_size, made.input_size) == (n_steps, stored_size, 32)


def test_normalize_gives_mean_and_deviation() -> None:
    made = policy((FLIP, step("normalize", mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))), 8)
    draws = made.draw(np.array([[8, 8]]), np.random.default_rng(0))
    assert (draws.mean, draws.std, draws.size) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), 8)


def test_without_normalize_values_stay_as_they_are() -> None:
    made = policy((FLIP,), 8)
    assert (made.mean, made.std) == ((0, 0, 0), (1, 1, 1))


def test_only_what_changes_the_stored_pixels_is_part_of_decoding() -> None:
    assert policy((FLIP, NORMALIZE), 32).decoding == policy((), 32).decoding
    others = [(step("resize", input_size=32),), (step("center_crop", input_size=32),), (TURN,)]
    assert len({policy(t, 32).decoding for t in [(), *others]}) == 4


def draws_of(made: Policy, n: int, seed: int) -> Draws:
    return made.draw(np.full((n, 2), 50), np.random.default_rng(seed))


def test_nothing_is_drawn_where_nothing_is_random() -> None:
    draws = draws_of(policy((NORMALIZE,), 32), 4, 0)
    assert (draws.flip_x, draws.flip_y, draws.matrix) == (None, None, None)


def test_flips_alone_need_no_resampling() -> None:
    draws = draws_of(policy((FLIP, step("random_vertical_flip", probability=1.0)), 32), 1000, 0)
    assert draws.matrix is None
    assert draws.flip_x is not None and 400 < draws.flip_x.sum() < 600
    assert draws.flip_y is not None and draws.flip_y.all()


@pytest.mark.parametrize(("probability", "share"), [(0.0, 0), (1.0, 1)])
def test_a_probability_is_the_share_of_images(probability: float, share: int) -> None:
    draws = draws_of(policy((step("random_horizontal_flip", probability=probability),), 32), 50, 0)
    assert draws.flip_x is not None and draws.flip_x.mean() == share


def test_a_transform_of_a_kind_that_cannot_be_applied_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is never passed over without a word."""
    row = replace(TRANSFORMS["random_rotation"], name="jitter", kind="sound")
    monkeypatch.setitem(TRANSFORMS, "jitter", row)
    with pytest.raises(InvalidValue, match="jitter is a transform of kind 'sound'"):
        policy([row.choose("pytorch", {"degrees": 5})], 32)


def test_two_flips_of_one_kind_cancel() -> None:
    draws = draws_of(policy((ALWAYS, ALWAYS), 32), 5, 0)
    assert draws.flip_x is not None and not draws.flip_x.any()


CHAINS = [
    (FLIP,),
    (step("random_resized_crop", input_size=32), FLIP),
    (TURN, FLIP),
    (step("random_crop", input_size=32),),
]


@pytest.mark.parametrize("transforms", CHAINS)
def test_the_same_generator_gives_the_same_draws(transforms: tuple[Choice, ...]) -> None:
    made = policy(transforms, 32)
    values = [
        (d.matrix if d.matrix is not None else d.flip_x).tolist() for d in (draws_of(made, 9, s) for s in (1, 1, 2))
    ]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize("transforms", CHAINS[1:])
def test_matrices_are_one_set_an_image(transforms: tuple[Choice, ...]) -> None:
    matrix = draws_of(policy(transforms, 32), 9, 1).matrix
    assert matrix is not None and (matrix.shape, matrix.dtype) == ((9, 2, 3), np.float32)
    assert len(np.unique(matrix, axis=0)) == 9


def test_the_whole_picture_is_the_unit_matrix() -> None:
    sizes = np.array([[30, 20], [7, 9]])
    assert geometry.to_unit(geometry.Frame.whole(sizes), sizes).tolist() == [[[1, 0, 0], [0, 1, 0]]] * 2


def test_flips_in_a_matrix_are_numpys() -> None:
    pixels, resize = picture(16, 16), step("resize", input_size=16)
    assert drawn(pixels, 16, ALWAYS, resize) == pytest.approx(pixels[:, ::-1], abs=1e-3)
    assert drawn(pixels, 16, UPSIDE_DOWN, resize) == pytest.approx(pixels[::-1], abs=1e-3)


def test_center_crop_is_pillows() -> None:
    pixels = picture(30, 20)
    cropped = np.asarray(Image.fromarray(pixels.astype(np.float32)).crop((9, 4, 21, 16)))
    got = drawn(pixels, 12, step("random_vertical_flip", probability=0.0), step("center_crop", input_size=12))
    assert got == pytest.approx(cropped, abs=1e-2)


@pytest.mark.parametrize("seed", range(5))
def test_random_crop_cuts_whole_pixels_out(seed: int) -> None:
    pixels = picture(30, 20)
    got = drawn(pixels, 12, step("random_crop", input_size=12), seed=seed)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (12, 12)).reshape(-1, 12, 12)
    assert np.abs(windows - got).max(axis=(1, 2)).min() < 1e-2


def test_random_crop_reaches_every_place() -> None:
    frame = geometry.random_crop(geometry.Frame.whole(np.full((500, 2), 14)), np.random.default_rng(0), 12)
    assert set(map(tuple, frame.to_source[:, :2, 2].tolist())) == {(x, y) for x in range(2) for y in range(2)}


@pytest.mark.parametrize("name", ["random_crop", "center_crop"])
def test_a_crop_larger_than_the_picture_takes_all_of_it(name: str) -> None:
    frame = geometry.Frame.whole(np.array([[30, 8]]))
    got = getattr(geometry, name)(frame, np.random.default_rng(0), 12)
    assert (got.width.tolist(), got.height.tolist(), got.to_source[0, 1, 2]) == ([12], [8], 0)


@pytest.mark.parametrize(("angle", "turns"), [(90, 1), (-90, -1), (180, 2), (0, 0)])
def test_rotation_by_right_angles_is_numpys(angle: float, turns: int) -> None:
    pixels, sizes = picture(16, 16), np.array([[16, 16]])
    frame = geometry.random_rotation(geometry.Frame.whole(sizes), Fixed(angle), degrees=180)
    got = resample(pixels, geometry.to_unit(frame, sizes)[0], 16)
    assert got == pytest.approx(np.rot90(pixels, turns), abs=1e-2)


@pytest.mark.parametrize("angle", [-33.0, 7.5, 60.0])
def test_rotation_of_an_oblong_picture_keeps_its_shape(angle: float) -> None:
    pixels, sizes = picture(48, 30, edge=1), np.array([[48, 30]])
    frame = geometry.random_rotation(geometry.Frame.whole(sizes), Fixed(angle), degrees=180)
    rotated = Image.fromarray(pixels.astype(np.float32)).rotate(angle, Image.Resampling.BILINEAR)
    expected = extent(np.asarray(rotated), (0, 0, 48, 30), 24)
    got = resample(pixels, geometry.to_unit(frame, sizes)[0], 24)
    assert np.abs(got - expected)[2:-2, 2:-2].mean() < 3


def test_angles_stay_within_the_limit() -> None:
    frame = geometry.random_rotation(geometry.Frame.whole(np.full((500, 2), 20)), np.random.default_rng(0), 15)
    angles = np.degrees(np.arctan2(frame.to_source[:, 1, 0], frame.to_source[:, 0, 0]))
    assert -15 <= angles.min() < -12 and 12 < angles.max() <= 15


@pytest.mark.parametrize("seed", range(5))
def test_random_resized_crop_is_pillows_resampling_of_its_box(seed: int) -> None:
    pixels, sizes = picture(40, 28, edge=1), np.array([[40, 28]])
    frame = geometry.random_resized_crop(
        geometry.Frame.whole(sizes), np.random.default_rng(seed), 24, (0.1, 1.0), (0.5, 2.0)
    )
    (left, top), (scale_x, scale_y) = frame.to_source[0, :2, 2], np.diag(frame.to_source[0])[:2]
    expected = extent(pixels, (left, top, left + 24 * scale_x, top + 24 * scale_y), 24)
    got = resample(pixels, geometry.to_unit(frame, sizes)[0], 24)
    assert np.abs(got - expected)[1:-1, 1:-1].max() < 1


@given(
    width=st.integers(1, 2000),
    height=st.integers(1, 2000),
    scale=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(sorted),
    ratio=st.tuples(st.floats(0.2, 5), st.floats(0.2, 5)).map(sorted),
    seed=st.integers(0, 2**31),
)
def test_random_resized_crop_stays_inside_and_keeps_its_limits(
    width: int, height: int, scale: list[float], ratio: list[float], seed: int
) -> None:
    whole = geometry.Frame.whole(np.array([[width, height]] * 3))
    frame = geometry.random_resized_crop(whole, np.random.default_rng(seed), 32, tuple(scale), tuple(ratio))
    wide, high = frame.to_source[:, 0, 0] * 32, frame.to_source[:, 1, 1] * 32
    left, top = frame.to_source[:, 0, 2], frame.to_source[:, 1, 2]
    assert (np.minimum(left, top) >= 0).all()
    assert (left + wide <= width * (1 + 1e-9)).all() and (top + high <= height * (1 + 1e-9)).all()
    everything = np.isclose(wide, width) & np.isclose(high, height)
    share, shape = wide * high / (width * height), wide / high
    assert (everything | ((scale[0] * 0.999 <= share) & (share <= scale[1] * 1.001))).all()
    assert (everything | ((ratio[0] * 0.999 <= shape) & (shape <= ratio[1] * 1.001))).all()


def test_random_resized_crop_takes_all_where_no_box_fits() -> None:
    whole = geometry.Frame.whole(np.array([[1000, 2]]))
    frame = geometry.random_resized_crop(whole, np.random.default_rng(0), 10, (0.9, 1.0), (1.0, 1.0))
    assert frame.to_source[0].tolist() == [[100, 0, 0], [0, 0.2, 0], [0, 0, 1]]


def test_a_chain_is_done_in_its_order() -> None:
    pixels = picture(30, 20)
    crop, resize = step("center_crop", input_size=20), step("resize", input_size=20)
    flipped_then_cropped = drawn(pixels, 20, ALWAYS, crop, resize)
    assert flipped_then_cropped == pytest.approx(pixels[:, ::-1][:, 5:25], abs=1e-2)
    squeezed_then_cropped = drawn(pixels, 20, ALWAYS, resize, crop)
    assert squeezed_then_cropped == pytest.approx(extent(pixels[:, ::-1], (0, 0, 30, 20), 20), abs=1)
