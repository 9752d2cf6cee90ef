"""Arrays and tensors of every kind, given to `Infer`: read rightly, or refused with the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from monklite.data.array_pixels import to_numpy
from monklite.data.image_input import image_input, images_in
from monklite.errors import InvalidType

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
TENSOR = torch.from_numpy(PIXELS).permute(2, 0, 1) / 255
# of few values, so that 8-bit floats hold them
COARSE = torch.from_numpy(PIXELS).permute(2, 0, 1) // 64 / 4


def negated(values: torch.Tensor) -> torch.Tensor:
    """A view with these values, of which PyTorch notes that they are to be negated when they are read."""
    view = torch.imag(torch.conj(torch.complex(values, -values)))
    assert view.is_neg()
    return view


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (negated(TENSOR), TENSOR),
        (COARSE.to(torch.float8_e4m3fn), COARSE),
        (COARSE.to(torch.float8_e5m2), COARSE),
        (COARSE.bfloat16(), COARSE),
        (torch.real(torch.conj(torch.complex(TENSOR, TENSOR))), TENSOR),
        (torch.nn.Parameter(TENSOR), TENSOR),
    ],
)
def test_tensors_of_every_kind_that_holds_values(value: torch.Tensor, expected: torch.Tensor) -> None:
    pixels = image_input(expected.contiguous().numpy(), "image").source
    assert np.array_equal(image_input(value, "image").source, pixels)
    several = list(images_in(value[None], "images"))
    assert len(several) == 1
    assert np.array_equal(several[0].source, pixels)


def fake() -> torch.Tensor:
    with FakeTensorMode():
        return torch.zeros(3, 8, 9)


class Broken:
    """An array whose framework fails with a very long message."""

    shape, dtype = (8, 9), "float32"

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise RuntimeError("no values\n" * 9000)


REFUSED: dict[str, tuple[Any, str]] = {
    "sparse": (TENSOR.to_sparse(), r"torch\.Tensor that .* give it dense, as value\.to_dense\(\)$"),
    "sparse rows": (TENSOR[0].to_sparse_csr(), r"give it dense, as value\.to_dense\(\)$"),
    "several sparse": (TENSOR[None].to_sparse(), r"give it dense, as value\.to_dense\(\)$"),
    "quantized": (torch.quantize_per_tensor(TENSOR, 1 / 255, 0, torch.quint8), r"as value\.dequantize\(\)$"),
    "meta": (TENSOR.to("meta"), r"a tensor on the device meta holds no pixels; make it on a real device$"),
    "nested": (torch.nested.nested_tensor([TENSOR, TENSOR]), r"one by one, as list\(value\.unbind\(\)\)$"),
    "jagged": (torch.nested.nested_tensor([TENSOR[0]], layout=torch.jagged), r"as list\(value\.unbind\(\)\)$"),
    "fake": (fake(), r"give a NumPy array of uint8 \(0 to 255\) or float \(0 to 1\)$"),
    "four bits": (torch.empty(3, 8, 9, dtype=torch.uint4), r"give a NumPy array of uint8 "),
    "failing": (Broken(), r"Broken that does not give its values \(no values no .*\.\.\..*\): give a NumPy array"),
    "conjugated": (torch.conj(torch.complex(TENSOR, TENSOR)), r"array of complex64: pixels are uint8"),
    "objects": (np.full((4, 4), None, object), r"array of object: pixels are uint8"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_arrays_that_do_not_give_their_values_are_refused_with_the_remedy(name: str) -> None:
    value, message = REFUSED[name]
    for given, argument in ((value, r"img_name"), ([PIXELS, value], r"img_name\[1\]")):
        with pytest.raises(InvalidType, match=rf"^{argument} is an? .*{message}") as caught:
            images = images_in(given, "img_name")
            list(images) if images is not None else image_input(given, "img_name")
        assert len(str(caught.value)) <= 500


def test_a_sparse_matrix_of_scipy_is_refused_with_the_remedy() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(
        InvalidType, match=r"^img_name is a scipy\.csr_matrix that .*: give it dense, as value\.toarray"
    ):
        image_input(sparse.csr_matrix(PIXELS[..., 0]), "img_name")


def test_too_little_memory_is_not_the_arrays_fault() -> None:
    class Large(Broken):
        def __array__(self, *_: object, **__: object) -> np.ndarray:
            raise MemoryError

    with pytest.raises(MemoryError):
        to_numpy(Large(), "image")


def test_mxnet_arrays_dense_and_sparse_give_their_values() -> None:
    pytest.importorskip("monklite.backends.mxnet.framework")
    import mxnet as mx

    dense = mx.nd.array(TENSOR.numpy())
    for value in (dense, dense.tostype("row_sparse"), dense.astype("float16"), mx.np.array(TENSOR.numpy())):
        assert np.abs(image_input(value, "image").source.astype(int) - PIXELS).max() <= (value.dtype == np.float16)
    assert np.array_equal(image_input(dense[0].tostype("csr"), "image").source, PIXELS[..., 0])
    assert np.array_equal([i.source for i in images_in(dense.expand_dims(0), "images")], [PIXELS])
