"""Images of more than 8 bits given to `Infer`: equal pixels are scaled alike, whatever shows them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from test_depth import deep_patterns  # noqa: F401 (a fixture)
from test_prototype import expert
from tiffs import tiff

from monklite import Prototype
from monklite.data import decode
from monklite.data.depth import UNDECIDED, Levels, Range
from monklite.data.image_input import image_input
from monklite.data.picture_files import png
from monklite.errors import InvalidValue

RNG = np.random.default_rng(0)
SIDE = 16
TWELVE_BITS = Levels((Range("integer", 0, 4095),))
FLOATS = Levels((Range("float", -0.5, 1.5),))
# darker than 8 bits could tell
DARK = RNG.integers(0, 200, (20, 30)).astype(np.uint16)
COLOURS = {n: RNG.integers(0, 4096, (20, 30, n)).astype(np.uint16) for n in (3, 4)}


def decoded(value: Any, levels: Levels) -> np.ndarray:
    found = decode.decode(image_input(value, "image", levels=levels).content(), SIDE, levels=levels)
    assert not found.problem
    return found.pixels


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize(
    ("file", "same"),
    [
        (png(DARK), [DARK, DARK.astype(np.int32), DARK.astype(np.float32), torch.from_numpy(DARK.astype(int))]),
        (png(DARK), [DARK[..., None], DARK[None], opened(png(DARK)), Image.fromarray(DARK)]),
        (tiff(DARK), [DARK, opened(tiff(DARK))]),
        (tiff(DARK, photometric=0), [opened(tiff(DARK, photometric=0))]),
        (tiff(DARK.astype(np.int32) * 100_000), [DARK.astype(np.int64) * 100_000]),
        (tiff(DARK.astype(np.int32) - 50), [DARK.astype(np.int16) - 50]),
        (png(COLOURS[3]), [COLOURS[3], COLOURS[3].astype(float), COLOURS[3].transpose(2, 0, 1)]),
        (png(COLOURS[3]), [opened(png(COLOURS[3])), opened(tiff(COLOURS[3])), tiff(COLOURS[3])]),
        (png(COLOURS[4]), [COLOURS[4], COLOURS[4].astype(np.int64), opened(png(COLOURS[4]))]),
        (png(DARK, 7), [opened(png(DARK, 7))]),
    ],
)
def test_equal_values_are_scaled_by_the_levels_of_the_training_images(file: bytes, same: list[Any]) -> None:
    expected = decoded(file, TWELVE_BITS)
    for value in same:
        assert np.array_equal(decoded(value, TWELVE_BITS), expected), value


def test_a_picture_that_was_read_already_is_scaled_as_its_file() -> None:
    for content in (png(DARK), png(DARK, 7), tiff(DARK)):
        picture = opened(content)
        picture.load()
        assert np.array_equal(decoded(picture, TWELVE_BITS), decoded(content, TWELVE_BITS))


def test_floats_are_scaled_as_the_float_files_of_training() -> None:
    values = (RNG.random((20, 30)) * 3 - 1).astype(np.float32)
    values[0, 0] = np.nan
    for array in (values, values.astype(float), torch.from_numpy(values), Image.fromarray(values)):
        assert np.array_equal(decoded(array, FLOATS), decoded(tiff(values), FLOATS))
    # every channel alike, and the alpha is a share
    colours = np.dstack([values] * 3)
    assert np.array_equal(decoded(colours, FLOATS), decoded(values, FLOATS))
    assert np.array_equal(decoded(np.dstack([colours, np.ones_like(values)]), FLOATS), decoded(values, FLOATS))


def test_pictures_of_8_bits_stay_what_they_are() -> None:
    shallow = RNG.integers(0, 256, (20, 30, 3), np.uint8)
    for levels in (TWELVE_BITS, UNDECIDED, Levels(per_file=True)):
        for value in (shallow, shallow / 255, Image.fromarray(shallow)):
            assert np.array_equal(decoded(value, levels), decoded(shallow, UNDECIDED))
    # whole numbers of another type mean 8 bits unless the training images had more
    assert np.array_equal(decoded(shallow.astype(int), UNDECIDED), decoded(shallow, UNDECIDED))
    assert decoded(shallow.astype(int), TWELVE_BITS).max() < 20


@pytest.mark.parametrize("levels", [TWELVE_BITS, UNDECIDED, Levels(per_file=True)])
def test_values_that_no_file_of_training_could_have_are_refused(levels: Levels) -> None:
    for array in (COLOURS[3] / 3.3, RNG.normal(size=(20, 30)), np.full((4, 4, 3), 70_000), np.full((4, 4, 3), -1)):
        with pytest.raises(InvalidValue, match="holds values from"):
            image_input(array, "img_name", levels=levels)


def test_a_picture_whose_colours_pillow_has_cut_is_refused(tmp_path: Path) -> None:
    for name, content in (("a.png", png(COLOURS[3])), ("a.tif", tiff(COLOURS[3]))):
        (tmp_path / name).write_bytes(content)
        picture = Image.open(tmp_path / name)
        picture.load()
        with pytest.raises(InvalidValue, match=r"^img_name is a picture of more than 8 bits .*: give the path or"):
            image_input(picture, "img_name", levels=TWELVE_BITS)
        # at full range, 8 bits of each colour are nearly all of it
        assert image_input(picture, "img_name").source.size == (30, 20)


def test_a_network_answers_equal_pixels_equally(workspace: Path, deep_patterns: Path) -> None:  # noqa: F811
    expert(deep_patterns).Train()
    ptf = Prototype("p", "e", eval_infer=True, verbose=0)
    path = sorted(deep_patterns.rglob("*.png"))[0]
    values = np.asarray(Image.open(path))
    assert values.dtype == np.uint16
    assert values.max() < 1024

    def logits(answer: dict[str, Any]) -> list[float]:
        return list(answer["raw"].values())

    expected = logits(ptf.Infer(img_name=path, return_raw=True))
    with path.open("rb") as file:
        given = [path.read_bytes(), file, Image.open(path), values, values.astype(np.int32), values.astype(np.float32)]
        for value in given:
            assert logits(ptf.Infer(img_name=value, return_raw=True)) == expected
        several = ptf.Infer(img_name=given, return_raw=True)
    assert all(np.allclose(logits(answer), expected, atol=1e-5) for answer in several)
    assert logits(ptf.Infer(img_name=(values // 16).astype(np.uint8), return_raw=True)) != expected
    stacked = list(ptf.Infer(img_name=values[None, ..., None], return_raw=True, stream=True))
    assert np.allclose(logits(stacked[0]), expected, atol=1e-5)
