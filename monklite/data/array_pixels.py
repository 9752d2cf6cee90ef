"""The pixels of an image that is given as an array of NumPy, PyTorch, MXNet or another library."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidType, InvalidValue

CHANNEL_COUNTS = (1, 3, 4)
# float pixels may exceed 0 and 1 by this much, through rounding
FLOAT_TOLERANCE = 1e-3


def to_numpy(value: Any) -> np.ndarray:
    """An array of any framework as NumPy's; it may share memory."""
    # MXNet
    if hasattr(value, "asnumpy"):
        return np.asarray(value.asnumpy())
    # PyTorch; NumPy has no bfloat16
    if hasattr(value, "detach"):
        tensor = value.detach().cpu()
        return np.asarray((tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy())
    # CuPy, which refuses `asarray`
    if hasattr(value, "get") and hasattr(value, "device"):
        return np.asarray(value.get())
    return np.asarray(value)


def pixels_of(array: np.ndarray, argument: str, is_tensor: bool) -> np.ndarray:
    """A copy of an array as uint8 or uint16, (height, width) or (height, width, 3 or 4).

    Args:
        array: (height, width), or with 1, 3 or 4 channels last or first; whole numbers 0 to 65535, bool, or float 0 to 1.
        argument: what errors call it. is_tensor: its channels are first where both ends could be the channels.

    Raises:
        InvalidType: numbers of another kind. InvalidValue: another shape, values outside the range, NaN.
    """
    pixels = _channels_last(array, argument, is_tensor)
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind == "f":
        return _from_float(pixels, argument)
    if pixels.dtype.kind not in "iu":
        raise InvalidType(f"{argument} is an array of {array.dtype}: pixels are uint8 (0 to 255) or float (0 to 1)")
    least, most = int(pixels.min()), int(pixels.max())
    if least < 0 or most > 65535:
        raise _wrong_range(argument, least, most)
    if pixels.dtype == np.uint8 or (most <= 255 and pixels.dtype != np.uint16):
        return pixels.astype(np.uint8)
    return pixels.astype(np.uint16)


def _from_float(pixels: np.ndarray, argument: str) -> np.ndarray:
    if not np.isfinite(pixels).all():
        raise InvalidValue(f"{argument} holds NaN or infinite pixels: pixels are float 0 to 1, or uint8 0 to 255")
    least, most = float(pixels.min()), float(pixels.max())
    if least >= -FLOAT_TOLERANCE and most <= 1 + FLOAT_TOLERANCE:
        return np.rint(np.clip(pixels.astype(np.float64), 0, 1) * 255).astype(np.uint8)
    # whole numbers up to 255, such as Keras's img_to_array gives
    if least >= 0 and most <= 255 and bool((pixels == np.rint(pixels)).all()):
        return pixels.astype(np.uint8)
    raise _wrong_range(argument, least, most)


def _wrong_range(argument: str, least: float, most: float) -> InvalidValue:
    return InvalidValue(
        f"{argument} holds values from {least:.4g} to {most:.4g}: pixels are uint8 0 to 255, or float 0 to 1. Give the image "
        "as it was before any normalization; monklite normalizes it itself"
    )


def _channels_last(array: np.ndarray, argument: str, is_tensor: bool) -> np.ndarray:
    """The array as (height, width) or (height, width, 3 or 4). Where both ends could be the channels, a tensor's are first."""
    shape = array.shape
    if array.size and array.ndim == 2:
        return array
    if array.size and array.ndim == 3:
        last, first = shape[-1] in CHANNEL_COUNTS, shape[0] in CHANNEL_COUNTS
        if first and (is_tensor or not last):
            array, last = np.moveaxis(array, 0, -1), True
        if last:
            return array[..., 0] if array.shape[-1] == 1 else array
    raise InvalidValue(
        f"{argument} is an array of shape {tuple(shape)}: an image is (height, width), or has 1, 3 or 4 channels last or first"
    )
