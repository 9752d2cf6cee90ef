"""The preparation of test images as ONNX gives the pixels that decoding gives."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from monklite.catalog.transforms import TRANSFORMS
from monklite.data import decode
from monklite.data.augment import Policy, policy
from monklite.errors import InvalidValue
from monklite.exporting.graph import Graph, value
from monklite.exporting.manifest import PICTURES
from monklite.exporting.model_file import FORMAT, normalized, resizing, split_prefix, squeezed
from monklite.exporting.onnx_session import loaded
from monklite.spec import Choice
from monklite.testing.datasets import soft_noise

SIDE = 48
SIZES = ((1, 1), (1, 130), (51, 20), (47, 49), (200, 30), (SIDE, SIDE))


def step(name: str, **values: Any) -> Choice:
    return TRANSFORMS[name].choose("pytorch", values)


def prepared_by(how: Policy, output: Any, dtype: Any = np.uint8) -> Any:
    """A session of the nodes that `output(graph)` adds."""
    from onnx import helper

    graph = Graph()
    last = output(graph)
    inputs, outputs = (
        [value(PICTURES, np.uint8, ["n", "h", "w", 3])],
        [value(last, dtype, ["n", 3, how.stored_size, how.stored_size])],
    )
    made = helper.make_graph(graph.nodes, "test", inputs, outputs, graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=FORMAT)
    return loaded(model.SerializeToString())


def picture(width: int, height: int) -> np.ndarray:
    rng = np.random.default_rng(width * 1000 + height)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def as_decoded(pixels: np.ndarray, how: Policy) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    found = decode.decode(file.getvalue(), how.stored_size, how.prefix).pixels
    assert found is not None
    return found


@pytest.mark.parametrize(
    "chain",
    [
        [],
        [step("resize", input_size=60), step("center_crop", input_size=SIDE)],
        [step("center_crop", input_size=30)],
        [step("grayscale")],
    ],
    ids=str,
)
@pytest.mark.parametrize("size", SIZES)
def test_pixels_differ_by_one_of_255_at_most(chain, size):
    how = policy((*chain, step("normalize")), SIDE)
    pixels = picture(*size)
    (found,) = prepared_by(how, lambda graph: squeezed(graph, PICTURES, how)).run(None, {PICTURES: pixels[None]})
    # what has its size already passes unchanged, as if it had been cropped
    is_stored = size == (SIDE, SIDE) and bool(split_prefix(how)[0])
    expected = pixels if is_stored else as_decoded(pixels, how)
    assert np.abs(found[0].transpose(1, 2, 0).astype(int) - expected).max() <= (0 if size == (SIDE, SIDE) else 1)


@pytest.mark.parametrize(("clip_limit", "grid"), [(2.0, 8), (1.0, 3), (40.0, 5), (3.3, 64)])
def test_clahe_of_several_pictures_is_that_of_decoding(clip_limit, grid):
    how = policy((step("clahe", clip_limit=clip_limit, grid=grid), step("normalize")), SIDE)
    smooth = soft_noise(np.random.default_rng(0), SIDE)
    pictures = np.stack([picture(SIDE, SIDE), smooth, np.full((SIDE, SIDE, 3), 77, np.uint8)])
    (found,) = prepared_by(how, lambda graph: squeezed(graph, PICTURES, how)).run(None, {PICTURES: pictures})
    for one, pixels in zip(found, pictures, strict=True):
        difference = np.abs(one.transpose(1, 2, 0).astype(int) - as_decoded(pixels, how))
        # sums in another order may turn a rounding
        assert difference.max() <= 1 and (difference > 0).mean() < 0.02


def test_pixels_are_normalized_as_by_the_backends():
    how = policy((step("normalize", mean=[0.1, 0.2, 0.3], std=[0.5, 0.25, 1.0]),), SIDE)
    pixels = picture(SIDE, SIDE)
    run = prepared_by(how, lambda graph: normalized(graph, squeezed(graph, PICTURES, how), how), np.float32)
    (found,) = run.run(None, {PICTURES: pixels[None]})
    expected = (pixels / 255 - np.array([0.1, 0.2, 0.3])) / np.array([0.5, 0.25, 1.0])
    assert np.allclose(found[0].transpose(1, 2, 0), expected, atol=1e-5)


def test_the_resizing_alone_leaves_the_pixels_as_they_are():
    how = policy((step("grayscale"), step("normalize")), SIDE)
    pixels = picture(33, 70)
    (found,) = loaded(resizing(how)).run(None, {PICTURES: pixels[None]})
    plain = as_decoded(pixels, policy((step("normalize"),), SIDE))
    assert np.abs(found[0].transpose(1, 2, 0).astype(int) - plain).max() <= 1


@pytest.mark.parametrize("chain", [[step("random_horizontal_flip")], [step("color_jitter", brightness=0.5)]])
def test_what_draws_at_random_is_refused(chain):
    with pytest.raises(InvalidValue, match=f"apply_{chain[0].name} prepares the test images .* nothing is left out"):
        split_prefix(policy((*chain, step("normalize")), SIDE))


def test_what_is_resampled_after_decoding_is_refused():
    chain = (step("random_rotation", degrees=5), step("resize", input_size=30))
    with pytest.raises(InvalidValue, match="cannot be written into an ONNX file"):
        split_prefix(policy(chain, SIDE))
