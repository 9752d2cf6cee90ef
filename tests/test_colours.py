"""Changes of colours: each does what torchvision's does, nothing where its strength is zero, and the same on both backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from extremes import ends, inner
from torchvision.transforms.v2 import functional as reference

from monklite.backends.mxnet.framework import mx
from monklite.backends.mxnet.learner import GluonLearner
from monklite.backends.pytorch.learner import TorchLearner
from monklite.catalog.transforms import TRANSFORMS
from monklite.data import colours, curves
from monklite.data.augment import Draws, policy
from monklite.data.boxes import covered
from monklite.data.colours import Colours, ColourStep
from monklite.data.decoded_colours import clahe, grayscale
from monklite.data.fixed_stream import FixedStream, keys_of
from monklite.errors import InvalidType, InvalidValue
from monklite.spec import Choice

pytestmark = pytest.mark.renders

N, SIDE = 6, 24
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.2, 0.2)
# of 255; torchvision has 0.2989 for the share of red in grey, and so on
LEVEL = 0.05
Change = Callable[[Colours], Colours]


@pytest.fixture(params=["pytorch", "mxnet"])
def learner(request: pytest.FixtureRequest) -> Any:
    """A learner without a network: all that augmenting needs."""
    if request.param == "pytorch":
        made: Any = TorchLearner.__new__(TorchLearner)
        made.device = torch.device("cpu")
    else:
        made = GluonLearner.__new__(GluonLearner)
        made.context = mx.cpu()
    return made


def images() -> np.ndarray:
    """Coloured noise over a slope, from black to white, and one grey image."""
    rng = np.random.default_rng(5)
    slope = np.linspace(0, 255, SIDE)[None, None, :, None]
    made = np.clip(slope * rng.random((N, 1, 1, 3)) + rng.normal(0, 30, (N, SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
    made[0] = made[0, :, :, :1]
    return made


def changed(learner: Any, change: Change) -> np.ndarray:
    return learner.augmented(images(), Draws(SIDE, MEAN, STD, colours=change(Colours(N, SIDE)).steps))


def expected(function: Callable[..., torch.Tensor], *arguments: Any) -> np.ndarray:
    """As torchvision computes it with values from 0 to 1, which it does not round."""
    pictures = torch.from_numpy(images()).permute(0, 3, 1, 2) / 255
    return 255 * torch.stack([function(p, *arguments) for p in pictures]).permute(0, 2, 3, 1).numpy()


def each(value: float) -> np.ndarray:
    return np.full(N, value)


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_factors_are_torchvisions(learner: Any, name: str, factor: float) -> None:
    found = changed(learner, lambda c: getattr(c, name)(each(factor)))
    assert np.abs(found - expected(getattr(reference, f"adjust_{name}"), factor)).max() <= LEVEL
    if factor == 1:
        assert np.abs(found - images()).max() < 1e-3
    else:
        assert np.abs(found - images()).max() > 20


@pytest.mark.parametrize("turns", [-0.5, -0.2, 0.0, 0.3])
def test_hue_is_torchvisions(learner: Any, turns: float) -> None:
    found = changed(learner, lambda c: c.then("hue", each(turns)))
    assert np.abs(found - expected(reference.adjust_hue, turns)).max() <= LEVEL
    assert np.abs(found[0] - images()[0]).max() < 1e-3, "a grey image has no hue"
    if turns == 0:
        assert np.abs(found - images()).max() < 1e-3


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.2])
def test_gamma_is_torchvisions(learner: Any, exponent: float) -> None:
    found = changed(learner, lambda c: c.then_curve(curves.gamma(each(exponent))))
    assert np.abs(found - expected(reference.adjust_gamma, exponent)).max() <= LEVEL
    if exponent == 1:
        assert np.abs(found - images()).max() < 1e-3


def test_autocontrast_is_torchvisions_for_the_chosen_images(learner: Any) -> None:
    found = changed(learner, lambda c: c.then("autocontrast", np.arange(N) % 2))
    assert np.array_equal(found[::2], images()[::2])
    assert np.abs(found[1::2] - expected(reference.autocontrast)[1::2]).max() <= LEVEL
    flat = np.full((2, SIDE, SIDE, 3), 9, np.uint8)
    step = ColourStep("autocontrast", np.ones(2))
    assert np.array_equal(learner.augmented(flat, Draws(SIDE, MEAN, STD, colours=(step,))), flat)


def of_levels(function: Callable[..., torch.Tensor], *arguments: Any) -> np.ndarray:
    """As torchvision computes it with whole levels."""
    return function(torch.from_numpy(images()).permute(0, 3, 1, 2), *arguments).permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("bits", [2, 5, 8])
def test_posterize_is_torchvisions(learner: Any, bits: int) -> None:
    found = changed(learner, lambda c: c.then_curve(curves.posterize(each(bits))))
    assert np.array_equal(found, of_levels(reference.posterize, bits))


@pytest.mark.parametrize("threshold", [0.0, 100.4, 254.5, 255.0])
def test_solarize_is_torchvisions(learner: Any, threshold: float) -> None:
    found = changed(learner, lambda c: c.then_curve(curves.solarize(each(threshold))))
    assert np.array_equal(found, of_levels(reference.solarize, threshold))


def test_equalize_is_torchvisions_for_the_chosen_images(learner: Any) -> None:
    found = changed(learner, lambda c: c.then("equalize", np.arange(N) % 2))
    assert np.array_equal(found[::2], images()[::2])
    assert np.array_equal(found[1::2], of_levels(reference.equalize)[1::2])
    # too few pixels that are darker than the lightest: they stay
    few = np.full((2, SIDE, SIDE, 3), 9, np.uint8)
    few[:, 0, :3] = 5
    assert np.array_equal(
        learner.augmented(few, Draws(SIDE, MEAN, STD, colours=(ColourStep("equalize", np.ones(2)),))), few
    )


@pytest.mark.parametrize("factor", [0.01, 1.0, 1.99])
def test_sharpness_is_torchvisions(learner: Any, factor: float) -> None:
    found = changed(learner, lambda c: c.then("sharpness", each(factor)))
    assert np.abs(found - expected(reference.adjust_sharpness, factor)).max() <= LEVEL
    tiny = images()[:, :2, :2]
    draws = Draws(2, MEAN, STD, colours=(ColourStep("sharpness", each(factor)),))
    assert np.array_equal(learner.augmented(tiny, draws), tiny)


def test_several_curves_are_one_and_do_what_they_do_one_by_one(learner: Any) -> None:
    tables = [curves.gamma(np.linspace(0.5, 2, N)), curves.solarize(each(128)), curves.posterize(np.arange(N) + 3)]
    composed, pixels = Colours(N, SIDE), images().astype(float)
    for table in tables:
        composed = composed.then_curve(table)
        pixels = np.stack(
            [np.interp(p, curves.VALUES, t) for p, t in zip(np.rint(pixels * 16) / 16, table, strict=True)]
        )
    assert [step.kind for step in composed.steps] == ["curve"]
    assert np.abs(changed(learner, lambda c: composed) - pixels).max() <= LEVEL


def test_values_between_levels_keep_their_shade(learner: Any) -> None:
    half = ColourStep("affine", np.tile(np.eye(3, 7) / 2, (N, 1, 1)))
    steps = (half, ColourStep("curve", curves.gamma(each(0.8))))
    found = learner.augmented(images(), Draws(SIDE, MEAN, STD, colours=steps))
    assert np.abs(found - 255 * (images() / 510) ** 0.8).max() <= LEVEL


@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.4])
def test_blur_is_torchvisions(learner: Any, sigma: float) -> None:
    kernel = 2 * int(np.ceil(3 * sigma)) + 1
    found = changed(learner, lambda c: c.then("blur", each(sigma / SIDE)))
    assert np.abs(found - expected(reference.gaussian_blur, [kernel, kernel], [sigma, sigma])).max() <= LEVEL


def test_images_that_are_not_chosen_stay_sharp(learner: Any) -> None:
    found = changed(learner, lambda c: c.then("blur", np.where(np.arange(N) < 3, 0, 2 / SIDE)))
    assert np.array_equal(found[:3], images()[:3])
    assert (np.abs(found[3:] - images()[3:]).max(axis=(1, 2, 3)) > 5).all()
    # wider than the picture
    assert np.isfinite(changed(learner, lambda c: c.then("blur", each(3.0)))).all()


def test_a_box_is_filled_with_the_mean_colour(learner: Any) -> None:
    boxes = np.zeros((N, 4))
    boxes[1] = 0.25, 0.5, 0.75, 1.0
    found, pixels = changed(learner, lambda c: c.then("erase", boxes)), images().astype(np.float32)
    pixels[1, SIDE // 2 :, SIDE // 4 : 3 * SIDE // 4] = np.array(MEAN) * 255
    assert np.abs(found - pixels).max() < 1e-3


def test_several_affine_changes_are_one_and_do_what_they_do_one_by_one(learner: Any) -> None:
    values = np.linspace(0.9, 1.1, N)
    steps = [lambda c: c.brightness(values * 0.6), lambda c: c.contrast(values * 0.8), lambda c: c.saturation(values)]
    composed = Colours(N, SIDE)
    pixels = images()
    for step in steps:
        composed = step(composed)
        pixels = learner.augmented(pixels, Draws(SIDE, MEAN, STD, colours=step(Colours(N, SIDE)).steps))
        pixels = np.rint(pixels).astype(np.uint8)
    assert [step.kind for step in composed.steps] == ["affine"]
    # each rounds
    assert np.abs(changed(learner, lambda c: composed) - pixels).max() <= 2


def test_noise_along_the_colours_of_imagenet_adds_one_colour_to_each_image(learner: Any) -> None:
    made = colours.random_lighting(Colours(4000, SIDE), np.random.default_rng(0), 0.1)
    offsets = made.steps[0].values[:, :, 6]
    assert np.array_equal(made.steps[0].values[:, :, :6], np.broadcast_to(np.eye(3, 6), (4000, 3, 6)))
    spread = np.cov(offsets.T)
    wanted = colours.EIGENVECTORS @ np.diag((0.1 * colours.EIGENVALUES) ** 2) @ colours.EIGENVECTORS.T
    assert np.abs(spread - wanted).max() < 0.1 * wanted.max()
    still = colours.random_lighting(Colours(N, SIDE), np.random.default_rng(0), 0.0)
    assert np.abs(changed(learner, lambda c: still) - images()).max() < 1e-3


def step(name: str, **params: Any) -> Choice:
    return TRANSFORMS[name].choose("pytorch", params)


ALL = [
    step("color_jitter", brightness=0.4, contrast=(0.5, 1.5), saturation=0.3, hue=0.1),
    step("random_lighting", alpha=0.1),
    step("random_gamma"),
    step("random_autocontrast"),
    step("random_blur"),
    step("random_erasing"),
    step("trivial_augment"),
]
NOTHING = [
    step("color_jitter"),
    step("random_autocontrast", probability=0.0),
    step("random_blur", probability=0.0),
    step("random_erasing", probability=0.0),
    step("random_gamma", gamma=(1, 1)),
]


@pytest.mark.parametrize("chosen", NOTHING, ids=lambda c: c.name)
def test_zero_strength_and_probability_change_nothing(learner: Any, chosen: Choice) -> None:
    how = policy([chosen], SIDE)
    draws = how.draw(np.full((N, 2), SIDE), np.random.default_rng(0))
    assert draws.matrix is None
    assert np.abs(learner.augmented(images(), draws) - images()).max() < 1e-3


@pytest.mark.parametrize("chosen", ALL, ids=lambda c: c.name)
def test_random_colours_change_images_each_time_anew(learner: Any, chosen: Choice) -> None:
    how = policy([step("random_horizontal_flip"), chosen], SIDE)
    # an image has not few pictures, so nothing may be kept of them
    assert how.faces == ()
    rng = np.random.default_rng(1)
    side = how.stored_size
    pixels = rng.integers(0, 256, (N, side, side, 3), np.uint8)
    one, two = (learner.augmented(pixels, how.draw(np.full((N, 2), 50), rng)) for _ in range(2))
    assert one.shape == (N, SIDE, SIDE, 3)
    assert (one >= -1e-3).all() and (one <= 255.001).all()
    assert np.abs(one - two).max() > 20


def draws_equal(one: Draws, two: Draws) -> bool:
    return len(one.colours) == len(two.colours) and all(
        a.kind == b.kind and np.array_equal(a.values, b.values) for a, b in zip(one.colours, two.colours, strict=True)
    )


def test_views_include_the_colours_and_are_fixed() -> None:
    how = policy(ALL, SIDE, views=3)
    assert how.faces == (0, 1, 2)
    names = np.array([f"image {i}".encode() for i in range(N)], "S16")
    sizes, faces = np.full((N, 2), 40), np.arange(N) % 3
    one, two = (how.showing(faces, sizes, names, 7) for _ in range(2))
    assert draws_equal(one, two)
    assert not draws_equal(one, how.showing(faces, sizes, names, 8))
    assert how.face_key(0, 7) != policy(ALL[1:], SIDE, views=3).face_key(0, 7)
    alone = how.showing(faces[2:3], sizes[2:3], names[2:3], 7)
    assert draws_equal(alone, one.take(np.array([2])))


def test_draws_of_some_images_are_theirs() -> None:
    draws = policy(ALL, SIDE).draw(np.full((N, 2), 40), np.random.default_rng(0))
    taken = draws.take(slice(1, 3))
    assert [len(s.values) for s in taken.colours] == [2] * len(draws.colours)
    assert np.array_equal(taken.colours[0].values, draws.colours[0].values[1:3])
    assert draws_equal(draws.resized(12, N), draws)


def test_jitter_stays_within_its_limits() -> None:
    stream = FixedStream(keys_of(3, np.array([b"x"] * 2000, "S16"), np.arange(2000)))
    made = colours.color_jitter(Colours(2000, SIDE), stream, 0.5, 0.0, 0.0, (-0.1, 0.3))
    factors, turns = made.steps[0].values[:, 0, 0], made.steps[1].values
    assert 0.5 <= factors.min() < 0.51 and 1.49 < factors.max() <= 1.5
    assert -0.1 <= turns.min() < -0.09 and 0.29 < turns.max() <= 0.3
    # more than 1: the smallest factor is 0
    wide = colours.color_jitter(Colours(2000, SIDE), stream, 3.0, 0.0, 0.0, 0.0)
    assert wide.steps[0].values[:, 0, 0].min() >= 0 and [s.kind for s in wide.steps] == ["affine"]


def test_boxes_have_the_shares_and_shapes_that_are_asked_for() -> None:
    made = colours.random_erasing(Colours(2000, SIDE), np.random.default_rng(0), 0.5, (0.1, 0.3), (0.5, 2.0))
    boxes = made.steps[0].values
    used = boxes[boxes[:, 2] > 0]
    assert 900 < len(used) < 1100
    width, height = used[:, 2] - used[:, 0], used[:, 3] - used[:, 1]
    assert (width * height).min() >= 0.0999 and (width * height).max() <= 0.3001
    assert (height / width).min() >= 0.4999 and (height / width).max() <= 2.0001
    assert used.min() >= 0 and used.max() <= 1 + 1e-9


def test_a_box_that_fits_nowhere_erases_nothing() -> None:
    made = colours.random_erasing(Colours(5, SIDE), np.random.default_rng(0), 1.0, (0.9, 1.0), (50.0, 60.0))
    assert not made.steps[0].values.any()
    assert not covered(made.steps[0].values, SIDE).any()


@pytest.mark.parametrize(
    ("name", "values", "error", "match"),
    [
        (
            "grayscale",
            {"num_output_channels": 1},
            InvalidValue,
            "must be 3 .networks take images of three channels., not 1",
        ),
        ("color_jitter", {"hue": 0.6}, InvalidValue, "hue must be a number at least 0 and at most 0.5, or a list"),
        ("color_jitter", {"brightness": (1.5, 0.5)}, InvalidValue, "the smallest first"),
        ("color_jitter", {"brightness": "much"}, InvalidType, "brightness must be a number"),
        ("random_affine", {"degrees": 5, "shear": (1, 2, 3)}, InvalidValue, "or of 4 values, for x and for y"),
        ("random_affine", {"degrees": (-200, 5)}, InvalidValue, "degrees must be"),
        ("random_erasing", {"scale": (0, 1)}, InvalidValue, "scale must be"),
    ],
)
def test_wrong_values_are_refused(name: str, values: dict, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        step(name, **values)


# At decoding


def test_grayscale_is_torchvisions_and_done_at_decoding() -> None:
    wanted = expected(lambda p: reference.rgb_to_grayscale(p, num_output_channels=3))
    for i, image in enumerate(images()):
        assert np.abs(grayscale(image, 3) - wanted[i]).max() <= 1
    assert np.array_equal(grayscale(images()[0], 3), images()[0])
    how = policy([step("random_horizontal_flip"), step("grayscale"), step("clahe")], 32)
    assert [s.name for s in how.prefix] == ["grayscale", "clahe"]
    assert [s.name for s in how.steps] == ["random_horizontal_flip"]
    # kept values of a frozen part are told apart by how images are decoded
    assert how.faces == (0, 1) and how.decoding != policy([step("random_horizontal_flip")], 32).decoding
    both = policy([step("clahe"), step("resize", input_size=40), step("center_crop", input_size=32)], 32)
    assert [s.name for s in both.prefix] == ["resize", "center_crop", "clahe"]


def test_clahe_with_one_tile_and_no_limit_equalises_the_whole_picture() -> None:
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.integers(100, 120, (64, 64, 1), np.uint8), 3, axis=2)
    found = clahe(grey, 256.0, 1)
    counts = np.cumsum(np.bincount(grey[..., 0].ravel(), minlength=256)) / grey[..., 0].size
    assert np.array_equal(found[..., 0], np.rint(counts[grey[..., 0]] * 255).astype(np.uint8))


def test_clahe_gains_contrast_up_to_its_limit_and_keeps_the_tint() -> None:
    y, x = np.mgrid[:96, :96]
    grey = (100 + 10 * np.sin(x / 5) * np.sin(y / 7) + x / 4).astype(np.uint8)
    spread = [float(clahe(np.stack([grey] * 3, axis=2), limit, 4)[..., 0].std()) for limit in (1.0, 2.0, 4.0)]
    assert spread[0] == pytest.approx(grey.std(), rel=0.02)
    assert spread[0] < spread[1] < spread[2]
    coloured = np.stack([grey, grey + 20, grey - 20], axis=2)
    found = clahe(coloured, 2.0, 4).astype(int)
    inside = (found > 0).all(axis=2) & (found < 255).all(axis=2)
    assert np.abs((found[..., 1] - found[..., 0])[inside] - 20).max() <= 1
    # smaller than its tiles
    assert clahe(coloured[:3, :3], 2.0, 8).shape == (3, 3, 3)


RANDOM = [row for row in TRANSFORMS.values() if row.random]


@pytest.mark.parametrize("row", RANDOM, ids=lambda row: row.name)
def test_the_ends_of_each_range_give_images(learner: Any, row: Any) -> None:
    right = {"input_size": SIDE, "degrees": 10.0}
    for parameter in row.parameters:
        for value in (*ends(parameter.rule), *inner(parameter.rule)):
            if parameter.name == "input_size" and value > 4 * SIDE:
                continue
            needed = {p.name: right[p.name] for p in row.parameters if p.name in right}
            how = policy([row.choose("pytorch", {**needed, parameter.name: value})], SIDE)
            pixels = np.random.default_rng(1).integers(0, 256, (3, how.stored_size, how.stored_size, 3), np.uint8)
            found = learner.augmented(pixels, how.draw(np.full((3, 2), 50), np.random.default_rng(2)))
            assert np.isfinite(found).all(), (parameter.name, value)
            assert found.min() >= -0.01 and found.max() <= 255.01, (parameter.name, value)
