"""The shapes that layers give, the same for every backend, so that a network is checked before it is built.

Shapes are without the batch, channels first: `(channels, height, width)` of images, `(features,)` after `flatten`. Each function
takes the values of a layer's parameters and the shape that it is given, and returns the shape that it gives.

Raises:
    InvalidValue: the layer cannot take that shape; the message does not name the layer, which its caller knows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import InvalidValue
from .layer_rules import IN_EQ_OUT

# of the weights of a layer, and of what it makes of an image
MAX_NUMBERS = 2**29

Shape = tuple[int, ...]
Values = Mapping[str, Any]


class Window(NamedTuple):
    """The window that a layer moves over an image: one number for each direction."""

    kernel: Shape
    stride: Shape
    padding: Shape
    dilation: Shape


def window(values: Values, n: int) -> Window:
    """The window of a layer in `n` directions, its padding in numbers."""
    kernel = _each(values["kernel_size"], n)
    stride = kernel if values["stride"] is None else _each(values["stride"], n)
    dilation = _each(values["dilation"], n)
    return Window(kernel, stride, _padding(values, kernel, stride, dilation), dilation)


def _each(value: int | Shape, n: int) -> Shape:
    return value if isinstance(value, tuple) else (value,) * n


def _padding(values: Values, kernel: Shape, stride: Shape, dilation: Shape) -> Shape:
    """The padding; `in_eq_out` keeps the size at stride 1 and, as in Monk, is no padding at any other."""
    if values["padding"] != IN_EQ_OUT:
        return _each(values["padding"], len(kernel))
    if any(s != 1 for s in stride):
        return (0,) * len(kernel)
    extra = _each(values.get("output_padding", 0), len(kernel))
    added = [d * (k - 1) + e for k, d, e in zip(kernel, dilation, extra, strict=True)]
    if any(total % 2 for total in added):
        raise InvalidValue(
            f"padding={IN_EQ_OUT!r} cannot keep the size with kernel_size={_plain(kernel)}: take an odd kernel_size, or give "
            "the padding as a number"
        )
    return tuple(total // 2 for total in added)


def _plain(sizes: Sequence[int]) -> str:
    """`3` for (3, 3), `3 x 5` for (3, 5)."""
    return str(sizes[0]) if len(set(sizes)) == 1 else " x ".join(map(str, sizes))


def shape_text(shape: Shape) -> str:
    """A shape as messages and drawings show it."""
    return " x ".join(map(str, shape)) if len(shape) > 1 else f"{shape[0]} values"


def same(values: Values, shape: Shape) -> Shape:
    return shape


def convolution(values: Values, shape: Shape) -> Shape:
    channels, *sides = shape
    kernel, stride, padding, dilation = window(values, len(sides))
    _check_groups(values, channels)
    _check_weights(channels * values["output_channels"] // values["groups"] * math.prod(kernel))
    given = zip(sides, kernel, stride, padding, dilation, strict=True)
    after = tuple((side + 2 * p - d * (k - 1) - 1) // s + 1 for side, k, s, p, d in given)
    return (values["output_channels"], *_not_empty(after, shape))


def transposed_convolution(values: Values, shape: Shape) -> Shape:
    channels, *sides = shape
    kernel, stride, padding, dilation = window(values, len(sides))
    extra = _each(values["output_padding"], len(sides))
    _check_groups(values, channels)
    _check_weights(channels * values["output_channels"] // values["groups"] * math.prod(kernel))
    if any(e and e >= s for e, s in zip(extra, stride, strict=True)):
        raise InvalidValue(f"output_padding={_plain(extra)} must be smaller than stride={_plain(stride)}")
    given = zip(sides, kernel, stride, padding, dilation, extra, strict=True)
    after = tuple((side - 1) * s - 2 * p + d * (k - 1) + e + 1 for side, k, s, p, d, e in given)
    return (values["output_channels"], *_not_empty(after, shape))


def _check_groups(values: Values, channels: int) -> None:
    for name, count in (("input", channels), ("output", values["output_channels"])):
        if count % values["groups"]:
            raise InvalidValue(f"groups={values['groups']} must divide the {count} {name} channels")


def _check_weights(count: int) -> None:
    if count > MAX_NUMBERS:
        raise InvalidValue(f"it would have {count:,} weights: take fewer channels or units, or pool the image before")


def _not_empty(sides: Shape, before: Shape) -> Shape:
    if min(sides) < 1:
        raise InvalidValue(
            f"nothing is left of an image of {shape_text(before)}: take a larger input, a smaller kernel_size, or more padding"
        )
    return sides


def pooling(values: Values, shape: Shape) -> Shape:
    channels, *sides = shape
    kernel, stride, padding, dilation = window(values, len(sides))
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise InvalidValue(f"padding={_plain(padding)} must be at most half of kernel_size={_plain(kernel)}")
    if values["ceil_mode"] and (any(padding) or any(s > r for s, r in zip(stride, reach, strict=True))):
        raise InvalidValue(
            "ceil_mode=True needs padding=0 and a stride of at most kernel_size: without, frameworks count the last window "
            "differently"
        )
    rounded = math.ceil if values["ceil_mode"] else math.floor
    given = [(side + 2 * p - r, s) for side, r, s, p in zip(sides, reach, stride, padding, strict=True)]
    after = tuple(rounded(rest / s) + 1 if rest >= 0 else 0 for rest, s in given)
    return (channels, *_not_empty(after, shape))


def global_pooling(values: Values, shape: Shape) -> Shape:
    return (shape[0], *(1 for _ in shape[1:]))


def flatten(values: Values, shape: Shape) -> Shape:
    return (math.prod(shape),)


def fully_connected(values: Values, shape: Shape) -> Shape:
    _check_weights(values["units"] * (math.prod(shape) if values["flatten"] else shape[-1]))
    return (values["units"],) if values["flatten"] else (*shape[:-1], values["units"])


def dropout(values: Values, shape: Shape) -> Shape:
    if beyond := [axis for axis in values["axes"] if axis > len(shape)]:
        raise InvalidValue(f"axes has {beyond[0]}, and there are the axes 0 (images) to {len(shape)}")
    return shape


def instance_normalization(values: Values, shape: Shape) -> Shape:
    if math.prod(shape[1:]) < 2:
        raise InvalidValue(f"it normalizes each channel of an image, and {shape_text(shape)} has one value per channel")
    return shape


def prelu(values: Values, shape: Shape) -> Shape:
    if values["num_parameters"] not in (1, shape[0]):
        raise InvalidValue(f"num_parameters must be 1 or the {shape[0]} channels, not {values['num_parameters']}")
    return shape


def hardtanh(values: Values, shape: Shape) -> Shape:
    return _ordered(values, shape, "min_val", "max_val")


def rrelu(values: Values, shape: Shape) -> Shape:
    return _ordered(values, shape, "lower", "upper")


def _ordered(values: Values, shape: Shape, low: str, high: str) -> Shape:
    if values[low] >= values[high]:
        raise InvalidValue(f"{low}={values[low]:g} must be below {high}={values[high]:g}")
    return shape


def add(shapes: Sequence[Shape]) -> Shape:
    """The shape of the sum of branches, which must all have it."""
    if len(set(shapes)) > 1:
        raise InvalidValue(f"add() needs branches of one shape, not {_listed(shapes)}")
    return shapes[0]


def concatenate(shapes: Sequence[Shape]) -> Shape:
    """The shape of branches put one after the other by channels; their sides must be equal."""
    if len({shape[1:] for shape in shapes}) > 1:
        raise InvalidValue(f"concatenate() needs branches of one height and width, not {_listed(shapes)}")
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])


def _listed(shapes: Sequence[Shape]) -> str:
    return " and ".join(map(shape_text, shapes))
