"""The table of blocks: Monk's names for lists of layers, such as a residual block, with its numbers of channels.

A block is a plain function from its parameters to a nested list of layers, the same for every backend. Where Monk's own lists
could not work or contradicted their names, they are as in the paper: see `docs/decisions/0031-networks-of-your-own.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidValue
from ..rules import Flag, Number, OneOf, OrNone, Whole
from ..setting_ranges import AT_LEAST_1, MAX_COUNT
from .activations import ALL_LAYERS
from .layer_rules import IN_EQ_OUT, Padding, Sizes
from .layers import UID
from .rows import Parameter, Row, table

Layers = list[Any]


@dataclass(frozen=True)
class BlockRow(Row):
    """A block. `layers`: the function that makes its list."""

    layers: Callable[..., Layers] = list


def layer(name: str, **params: Any) -> dict[str, Any]:
    """A layer as in a user's list; parameters that are left out have their defaults."""
    defaults = {p.name: p.default for p in ALL_LAYERS[name].parameters if p is not UID}
    return {"uid": None, "name": name, "params": {**defaults, **params}}


def _convolution(
    channels: int, kernel: Any = 1, stride: Any = 1, padding: Any = None, groups: int = 1
) -> dict[str, Any]:
    """A convolution; without `padding` a window of 3 or 5 px keeps the size at stride 1 and halves it at stride 2."""
    if padding is None:
        padding = IN_EQ_OUT if kernel == 1 or stride == 1 else (kernel - 1) // 2
    return layer(
        "convolution2d", output_channels=channels, kernel_size=kernel, stride=stride, padding=padding, groups=groups
    )


NORM, RELU = layer("batch_normalization"), layer("relu")
ADD, CONCATENATE, IDENTITY = layer("add"), layer("concatenate"), layer("identity")


def _shortcut(channels: int, stride: Any, downsample: bool, normalized: bool) -> Layers:
    if not downsample:
        return [IDENTITY]
    return [_convolution(channels, 1, stride), *([NORM] if normalized else [])]


def resnet_v1_block(output_channels: int, stride: Any, downsample: bool) -> Layers:
    c = output_channels
    branch = [_convolution(c, 3, stride), NORM, RELU, _convolution(c, 3), NORM]
    return [[branch, _shortcut(c, stride, downsample, True), ADD], RELU]


def resnet_v2_block(output_channels: int, stride: Any, downsample: bool) -> Layers:
    c = output_channels
    branch = [_convolution(c, 3, stride), NORM, RELU, _convolution(c, 3)]
    return [NORM, RELU, [branch, _shortcut(c, stride, downsample, False), ADD]]


def resnet_v1_bottleneck_block(output_channels: int, stride: Any, downsample: bool) -> Layers:
    c = output_channels // 4
    branch = [
        _convolution(c, 1, stride),
        NORM,
        RELU,
        _convolution(c, 3),
        NORM,
        RELU,
        _convolution(output_channels),
        NORM,
    ]
    return [[branch, _shortcut(output_channels, stride, downsample, True), ADD], RELU]


def resnet_v2_bottleneck_block(output_channels: int, stride: Any, downsample: bool) -> Layers:
    c = output_channels // 4
    branch = [_convolution(c), NORM, RELU, _convolution(c, 3, stride), NORM, RELU, _convolution(output_channels)]
    return [NORM, RELU, [branch, _shortcut(output_channels, stride, downsample, False), ADD]]


def resnext_block(
    output_channels: int, cardinality: int, bottleneck_width: int, stride: Any, downsample: bool
) -> Layers:
    group_channels = output_channels // 4 * bottleneck_width // 64
    if not group_channels:
        raise InvalidValue(
            f"resnext_block: output_channels x bottleneck_width must be at least 256, not {output_channels} x {bottleneck_width}"
        )
    width = cardinality * group_channels
    grouped = _convolution(width, 3, stride, groups=cardinality)
    branch = [_convolution(width), NORM, RELU, grouped, NORM, RELU, _convolution(output_channels), NORM]
    return [[branch, _shortcut(output_channels, stride, downsample, True), ADD], RELU]


def _with_shortcut(branch: Layers, stride: Any) -> Layers:
    """With a stride, the image is smaller than before, and there is no shortcut (Sandler et al. 2018)."""
    return [[branch, [IDENTITY], ADD]] if stride in (1, (1, 1)) else branch


def mobilenet_v2_linear_bottleneck_block(output_channels: int, bottleneck_width: int, stride: Any) -> Layers:
    c = output_channels * bottleneck_width
    first = [_convolution(c)] if bottleneck_width != 1 else []
    branch = [*first, NORM, RELU, _convolution(c, 3, stride), NORM, RELU, _convolution(output_channels), NORM]
    return _with_shortcut(branch, stride)


def mobilenet_v2_inverted_linear_bottleneck_block(output_channels: int, bottleneck_width: int, stride: Any) -> Layers:
    c = output_channels // bottleneck_width
    first = [_convolution(c)] if bottleneck_width != 1 else []
    separable = separable_convolution_block(c, c, 3, stride, 1)
    branch = [*first, NORM, RELU, separable, NORM, RELU, _convolution(output_channels), NORM]
    return _with_shortcut(branch, stride)


def separable_convolution_block(
    input_channels: int, output_channels: int, kernel_size: Any, stride: Any, padding: Any
) -> Layers:
    each = _convolution(input_channels, kernel_size, stride, IN_EQ_OUT if padding is None else padding, input_channels)
    return [each, _convolution(output_channels)]


def squeezenet_fire_block(squeeze_channels: int, expand_channels_1x1: int, expand_channels_3x3: int) -> Layers:
    small, large = _convolution(expand_channels_1x1), _convolution(expand_channels_3x3, 3)
    return [_convolution(squeeze_channels), RELU, [[small, RELU], [large, RELU], CONCATENATE]]


def densenet_block(bottleneck_size: int, growth_rate: int, dropout: float) -> Layers:
    first, second = _convolution(bottleneck_size * growth_rate), _convolution(growth_rate, 3)
    branch = [NORM, RELU, first, NORM, RELU, second, layer("dropout", drop_probability=dropout)]
    return [[branch, [IDENTITY], CONCATENATE]]


def conv_bn_relu_block(output_channels: int, kernel_size: Any = 1, stride: Any = 1, padding: Any = None) -> Layers:
    return [_convolution(output_channels, kernel_size, stride, IN_EQ_OUT if padding is None else padding), NORM, RELU]


def _wide(channels: int) -> Layers:
    return conv_bn_relu_block(channels, (1, 7), padding=(0, 3))


def _tall(channels: int) -> Layers:
    return conv_bn_relu_block(channels, (7, 1), padding=(3, 0))


def _pooling(pool_type: str, **params: Any) -> dict[str, Any]:
    return layer({"avg": "average_pooling2d", "max": "max_pooling2d"}[pool_type], kernel_size=3, **params)


def inception_a_block(pooling_branch_channels: int, pool_type: str) -> Layers:
    conv = conv_bn_relu_block
    pooled = [_pooling(pool_type, stride=1, padding=1), conv(pooling_branch_channels)]
    return [[[conv(64)], [conv(48), conv(64, 5)], [conv(64), conv(96, 3), conv(96, 3)], pooled, CONCATENATE]]


def inception_b_block(pool_type: str) -> Layers:
    conv = conv_bn_relu_block
    pooled = [_pooling(pool_type, stride=1, padding=1)]
    return [[[conv(384, 3)], [conv(64), conv(96, 3), conv(96, 3)], pooled, CONCATENATE]]


def inception_c_block(channels_7x7: int, pool_type: str) -> Layers:
    conv, c = conv_bn_relu_block, channels_7x7
    pooled = [_pooling(pool_type, stride=1, padding=1), conv(192)]
    twice = [conv(c), _wide(c), _tall(c), _wide(c), _tall(192)]
    return [[[conv(192)], [conv(c), _wide(c), _tall(192)], twice, pooled, CONCATENATE]]


def inception_d_block(pool_type: str) -> Layers:
    conv = conv_bn_relu_block
    pooled = [_pooling(pool_type, stride=2)]
    long = [conv(192), _wide(192), _tall(192), conv(192, 3, 2)]
    return [[[conv(192), conv(320, 3, 2)], long, pooled, CONCATENATE]]


def subbranch_block() -> Layers:
    conv = conv_bn_relu_block
    return [[conv(384, (1, 3), padding=(0, 1))], [conv(384, (3, 1), padding=(1, 0))], CONCATENATE]


def inception_e_block(pool_type: str) -> Layers:
    conv = conv_bn_relu_block
    pooled = [_pooling(pool_type, stride=1, padding=1), conv(192)]
    long = [conv(448), conv(384, 3), subbranch_block()]
    return [[[conv(320)], [conv(384), subbranch_block()], long, pooled, CONCATENATE]]


AT_LEAST_4 = Whole(least=4, limit=MAX_COUNT)
SIZES, PADDING = Sizes(2), Padding(2)
POOL = Parameter("pool_type", "avg", OneOf(("avg", "max")), "pooling of one branch")


def _channels(default: int, rule: Whole = AT_LEAST_1) -> Parameter:
    return Parameter("output_channels", default, rule, "channels of the result")


STRIDE = Parameter("stride", 1, SIZES, "step of the window; 2 halves the image")
RESIDUAL = (STRIDE, Parameter("downsample", True, Flag(), "a convolution in the shortcut; False: the input itself"))
WIDTH = Parameter("bottleneck_width", 4, AT_LEAST_1, "factor between the channels inside and outside")

_ROWS = (
    BlockRow("resnet_v1_block", "Residual block (He et al. 2016).", (_channels(16), *RESIDUAL), resnet_v1_block),
    BlockRow("resnet_v2_block", "Residual block, normalized first (He et al. 2016b).", (_channels(16), *RESIDUAL),
             resnet_v2_block),
    BlockRow("resnet_v1_bottleneck_block", "Residual block with fewer channels inside (He et al. 2016).",
             (_channels(16, AT_LEAST_4), *RESIDUAL), resnet_v1_bottleneck_block),
    BlockRow("resnet_v2_bottleneck_block", "The same, normalized first (He et al. 2016b).",
             (_channels(16, AT_LEAST_4), *RESIDUAL), resnet_v2_bottleneck_block),
    BlockRow("resnext_block", "Residual block with groups of channels (Xie et al. 2017).",
             (_channels(256, AT_LEAST_4), Parameter("cardinality", 8, AT_LEAST_1, "number of groups"), WIDTH,
              *RESIDUAL), resnext_block),
    BlockRow("mobilenet_v2_linear_bottleneck_block", "Residual block with more channels inside (Sandler et al. 2018).",
             (_channels(32), WIDTH, STRIDE), mobilenet_v2_linear_bottleneck_block),
    BlockRow("mobilenet_v2_inverted_linear_bottleneck_block", "Residual block with fewer, separate channels inside.",
             (_channels(32), WIDTH, STRIDE), mobilenet_v2_inverted_linear_bottleneck_block),
    BlockRow("separable_convolution_block", "Convolve each channel on its own, then mix them (Chollet 2017).",
             (Parameter("input_channels", 16, AT_LEAST_1, "channels that the block is given"), _channels(32),
              Parameter("kernel_size", 3, SIZES, "size of the window"), STRIDE,
              Parameter("padding", 1, OrNone(PADDING), "zeros on both sides")), separable_convolution_block),
    BlockRow("squeezenet_fire_block", "Few channels, then more of two windows (Iandola et al. 2016).",
             (Parameter("squeeze_channels", 16, AT_LEAST_1, "channels inside"),
              Parameter("expand_channels_1x1", 32, AT_LEAST_1, "channels of the window of 1 px"),
              Parameter("expand_channels_3x3", 64, AT_LEAST_1, "channels of the window of 3 px")),
             squeezenet_fire_block),
    BlockRow("densenet_block", "Append new channels to those that the block is given (Huang et al. 2017).",
             (Parameter("bottleneck_size", 4, AT_LEAST_1, "channels inside, as a multiple of the new ones"),
              Parameter("growth_rate", 16, AT_LEAST_1, "new channels"),
              Parameter("dropout", 0.2, Number(least=0, below=1), "share of the new values that is dropped")),
             densenet_block),
    BlockRow("conv_bn_relu_block", "Convolution, batch normalization, ReLU.",
             (_channels(64), Parameter("kernel_size", 1, SIZES, "size of the window"), STRIDE,
              Parameter("padding", None, OrNone(PADDING), f"zeros on both sides; None: {IN_EQ_OUT!r}")),
             conv_bn_relu_block),
    BlockRow("inception_a_block", "Inception's first block (Szegedy et al. 2016).",
             (Parameter("pooling_branch_channels", 32, AT_LEAST_1, "channels after the pooling"), POOL),
             inception_a_block),
    BlockRow("inception_b_block", "Inception's second block.", (POOL,), inception_b_block),
    BlockRow("inception_c_block", "Inception's third block, with windows of 1 x 7 px.",
             (Parameter("channels_7x7", 3, AT_LEAST_1, "channels inside"), POOL), inception_c_block),
    BlockRow("inception_d_block", "Inception's fourth block, which halves the image.", (POOL,), inception_d_block),
    BlockRow("inception_e_block", "Inception's last block.", (POOL,), inception_e_block),
    BlockRow("subbranch_block", "The two ends of a branch of Inception's last block.", (), subbranch_block),
)  # fmt: skip

BLOCKS: dict[str, BlockRow] = table(_ROWS)
