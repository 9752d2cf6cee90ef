"""The pixels of an image that is given as an array of NumPy, PyTorch, MXNet or another library."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidType, InvalidValue
from .depth import UNDECIDED, Levels, own_range, to_8_bit

CHANNEL_COUNTS = (1, 3, 4)
# float pixels may exceed 0 and 1 by this much, through rounding
FLOAT_TOLERANCE = 1e-3
MOST_OF_16_BITS = 65535


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


def pixels_of(array: np.ndarray, argument: str, is_tensor: bool, levels: Levels = UNDECIDED) -> np.ndarray:
    """A copy of an array as uint8, or uint16 that is still to be scaled; (height, width) or (height, width, 3 or 4).

    Whole numbers and floats are taken as 0 to 255 and 0 to 1, unless the training images had deep pictures of that kind: then
    they are values such as those had.

    Args:
        array: (height, width), or with 1, 3 or 4 channels last or first; whole numbers 0 to 65535, bool, or float 0 to 1.
        argument: what errors call it. is_tensor: its channels are first where both ends could be the channels.
        levels: by which the training images of more than 8 bits were scaled.

    Raises:
        InvalidType: numbers of another kind. InvalidValue: another shape, values outside the range, NaN.
    """
    pixels = _channels_last(array, argument, is_tensor)
    if pixels.dtype.kind == "b":
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind == "f":
        return _scaled(pixels, levels) if levels.decided_kind("float") else _from_float(pixels, argument, levels)
    if pixels.dtype.kind not in "iu":
        raise InvalidType(f"{argument} is an array of {array.dtype}: pixels are uint8 (0 to 255) or float (0 to 1)")
    return _from_whole(pixels, argument, levels)


def _from_whole(pixels: np.ndarray, argument: str, levels: Levels) -> np.ndarray:
    is_deep = levels.decided_kind("integer") and pixels.dtype.itemsize > 1
    least, most = int(pixels.min()), int(pixels.max())
    # a file of 32 bits may hold others, but with an alpha of 16 bits only these
    if (least < 0 or most > MOST_OF_16_BITS) and not (is_deep and pixels.ndim == 2):
        raise _wrong_range(argument, least, most)
    if is_deep:
        return pixels.astype(np.uint16) if least >= 0 and most <= MOST_OF_16_BITS else _scaled(pixels, levels)
    if pixels.dtype == np.uint8 or (most <= 255 and pixels.dtype != np.uint16):
        return pixels.astype(np.uint8)
    return pixels.astype(np.uint16)


def _from_float(pixels: np.ndarray, argument: str, levels: Levels) -> np.ndarray:
    if not np.isfinite(pixels).all():
        raise InvalidValue(f"{argument} holds NaN or infinite pixels: pixels are float 0 to 1, or uint8 0 to 255")
    least, most = float(pixels.min()), float(pixels.max())
    if least >= -FLOAT_TOLERANCE and most <= 1 + FLOAT_TOLERANCE:
        return np.rint(np.clip(pixels.astype(np.float64), 0, 1) * 255).astype(np.uint8)
    is_deep = levels.decided_kind("integer")
    # whole numbers, such as Keras's img_to_array gives
    if least >= 0 and most <= (MOST_OF_16_BITS if is_deep else 255) and bool((pixels == np.rint(pixels)).all()):
        return pixels.astype(np.uint16 if is_deep else np.uint8)
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


def _scaled(pixels: np.ndarray, levels: Levels) -> np.ndarray:
    """Values as uint8, scaled exactly as a file with these values is; an alpha of floats is a share."""
    has_alpha = pixels.ndim == 3 and pixels.shape[2] == 4
    values = pixels[..., :3] if has_alpha else pixels
    scaled = to_8_bit(values, levels.range_for(own_range(values)))
    if not has_alpha:
        return scaled
    return np.dstack([scaled, np.rint(np.clip(np.nan_to_num(pixels[..., 3]), 0, 1) * 255).astype(np.uint8)])
