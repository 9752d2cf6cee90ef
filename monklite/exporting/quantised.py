"""A network in int8: weights and values between its layers are whole numbers of 8 bits.

Static quantisation (Jacob et al. 2018): the range of the values is taken from images, that of the weights from each output
channel. What comes before and after the network stays in float.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..data.augment import Policy
from ..data.decode import read_file
from ..data.depth import Levels
from ..errors import InvalidValue, MonkliteError, cut
from ..processors import saturates
from ..regular_files import read_regular
from . import comparing
from .reading import MAX_FILE_BYTES
from .run_images import RunImages

# training images that the ranges are taken from; more change them little
MOST_IMAGES = 256
# that are given to the network at a time
BATCH = 8


def calibration(images: RunImages, policy: Policy, levels: Levels) -> Iterator[np.ndarray]:
    """Yield training images as the network takes them, float32 (n, 3, side, side), a few at a time.

    Raises:
        UnreadableImage: one of them cannot be read any more.
    """
    mean, std = (np.array(values, np.float32) * 255 for values in (policy.mean, policy.std))
    files = iter(images.evenly(MOST_IMAGES).files)
    while batch := list(islice(files, BATCH)):
        contents = [read_file(file)[0] for file in batch]
        pixels = comparing.decoded(contents, policy.stored_size, policy.prefix, levels)
        yield ((pixels.astype(np.float32) - mean) / std).transpose(0, 3, 1, 2)


def int8(network: bytes, pictures: Iterable[np.ndarray]) -> bytes:
    """A network of `backends.base.WritesOnnx` in int8. `pictures`: batches by which the ranges of its values are found.

    On a processor whose sums saturate the weights have 7 bits, so that they do not; such a file is right everywhere.

    Raises:
        InvalidValue: it cannot be quantised.
    """
    from onnxruntime.quantization import QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory(prefix="monklite-int8-") as folder, _quiet():
        before, ready, after = (Path(folder, f"{name}.onnx") for name in ("network", "prepared", "int8"))
        before.write_bytes(network)
        try:
            quant_pre_process(str(before), str(ready), skip_symbolic_shape=True)
            quantize_static(
                str(ready),
                str(after),
                _Reader(network, pictures),
                per_channel=True,
                reduce_range=saturates(),
                weight_type=QuantType.QInt8,
                activation_type=QuantType.QUInt8,
            )
        except MonkliteError:
            raise
        # its errors have no class in common
        except Exception as error:
            raise InvalidValue(f"the network cannot be written in int8: {cut(str(error))}") from None
        return read_regular(after, MAX_FILE_BYTES)


class _Reader:
    """The pictures in batches, as ONNX Runtime asks for them."""

    def __init__(self, network: bytes, pictures: Iterable[np.ndarray]) -> None:
        import onnx

        name = onnx.load_from_string(network).graph.input[0].name
        self._batches = ({name: batch} for batch in pictures)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._batches, None)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the remarks that ONNX Runtime logs about its own work."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
