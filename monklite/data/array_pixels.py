"""The pixels of an image that is given as an array of NumPy, PyTorch, MXNet or another library."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from ..errors import InvalidType, InvalidValue, cut
from ..transient import is_transient
from .depth import UNDECIDED, Levels, own_range, to_8_bit

CHANNEL_COUNTS = (1, 3, 4)
# float pixels may exceed 0 and 1 by this much, through rounding
FLOAT_TOLERANCE = 1e-3
MOST_OF_16_BITS = 65535
# properties of PyTorch's tensors that hide their values
_REMEDIES = {
    "is_nested": "give its images one by one, as list(value.unbind())",
    "is_quantized": "give its values, as value.dequantize()",
    "is_meta": "a tensor on the device meta holds no pixels; make it on a real device",
}


def is_array(value: Any) -> bool:
    """Whether a value is an array of any framework, or a column of a table; also an array that cannot be read."""
    return _has(value, "shape") and _has(value, "dtype")


def to_numpy(value: Any, argument: str) -> np.ndarray:
    """An array of any framework as NumPy's; it may share memory.

    Args:
        argument: what errors call it.

    Raises:
        InvalidType: its framework does not give its values, as those of sparse, quantized and nested tensors.
    """
    reason = ""
    try:
        array = _as_numpy(value)
        # NumPy takes an array that it does not understand for a single object
        if array.ndim or array.dtype.kind != "O":
            return array
    # frameworks raise errors of many kinds
    except Exception as error:
        if is_transient(error):
            raise
        reason = f" ({cut(' '.join(str(error).split()))})"
    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    raise InvalidType(f"{argument} is a {cut(kind, 80)} that does not give its values{reason}: {_remedy(value)}")


def _as_numpy(value: Any) -> np.ndarray:
    # MXNet
    if hasattr(value, "asnumpy"):
        return np.asarray(value.asnumpy())
    # PyTorch, and others that follow it
    if hasattr(value, "detach"):
        tensor = value.detach().cpu()
        # of PyTorch: values that are negated or conjugated when they are read
        if hasattr(tensor, "resolve_neg"):
            tensor = tensor.resolve_neg().resolve_conj()
        # NumPy has neither
        is_short = "bfloat16" in str(tensor.dtype) or "float8" in str(tensor.dtype)
        return np.asarray((tensor.float() if is_short else tensor).numpy())
    # CuPy, which refuses `asarray`
    if hasattr(value, "get") and hasattr(value, "device"):
        return np.asarray(value.get())
    return np.asarray(value)


def _has(value: Any, name: str) -> bool:
    try:
        getattr(value, name)
    except AttributeError:
        return False
    # a nested tensor has no shape, and says so with other errors
    except Exception:
        return True
    return True


def _remedy(value: Any) -> str:
    """The remedy for an array that does not give its values."""
    for name, remedy in _REMEDIES.items():
        with contextlib.suppress(Exception):
            if getattr(value, name) is True:
                return remedy
    with contextlib.suppress(Exception):
        if "strided" not in str(value.layout):
            return "give it dense, as value.to_dense()"
    if _has(value, "toarray"):
        return "give it dense, as value.toarray()"
    return "give a NumPy array of uint8 (0 to 255) or float (0 to 1)"


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
