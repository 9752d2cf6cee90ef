"""The layers of a user's own network in torch. Each function takes the shape that the layer is given, without the batch, and the
values of its row's parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn
from torch.nn import functional

from ...catalog.layer_shapes import Shape, Values, window

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
MAXIMA = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
MEANS = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
GLOBAL_MAXIMA = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
GLOBAL_MEANS = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
INSTANCE_NORMS = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
# of fewer channels torch 2.14's own convolution of single points with a stride may never end (oneDNN, backward, channels last)
FEW_CHANNELS = 8
# the share of the newest batch in the statistics of batch normalization
NORM_MOMENTUM = 0.1


def convolution(shape: Shape, values: Values) -> nn.Module:
    kernel, stride, padding, dilation = window(values, len(shape) - 1)
    groups, bias = values["groups"], values["use_bias"]
    layer = CONVOLUTIONS[len(kernel) - 1]
    if kernel == (1, 1) and stride != (1, 1) and not any(padding) and shape[0] < FEW_CHANNELS:
        layer = PointConvolution
    return layer(shape[0], values["output_channels"], kernel, stride, padding, dilation, groups, bias)


def transposed_convolution(shape: Shape, values: Values) -> nn.Module:
    kernel, stride, padding, dilation = window(values, len(shape) - 1)
    groups, bias, extra = values["groups"], values["use_bias"], values["output_padding"]
    layer = TRANSPOSED[len(kernel) - 1]
    return layer(shape[0], values["output_channels"], kernel, stride, padding, extra, groups, bias, dilation)


def max_pooling(shape: Shape, values: Values) -> nn.Module:
    kernel, stride, padding, dilation = window(values, len(shape) - 1)
    return MAXIMA[len(kernel) - 1](kernel, stride, padding, dilation, ceil_mode=values["ceil_mode"])


def average_pooling(shape: Shape, values: Values) -> nn.Module:
    kernel, stride, padding, _ = window(values, len(shape) - 1)
    counted = values["include_padding_in_calculation"]
    return MEANS[len(kernel) - 1](kernel, stride, padding, values["ceil_mode"], counted)


def global_max_pooling(shape: Shape, values: Values) -> nn.Module:
    return GLOBAL_MAXIMA[len(shape) - 2](1)


def global_average_pooling(shape: Shape, values: Values) -> nn.Module:
    return GLOBAL_MEANS[len(shape) - 2](1)


def fully_connected(shape: Shape, values: Values) -> nn.Module:
    if not values["flatten"] or len(shape) == 1:
        return nn.Linear(shape[-1], values["units"], values["use_bias"])
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), values["units"], values["use_bias"]))


def dropout(shape: Shape, values: Values) -> nn.Module:
    share = values["drop_probability"]
    return SharedDropout(share, values["axes"]) if values["axes"] else nn.Dropout(share)


def flatten(shape: Shape, values: Values) -> nn.Module:
    return nn.Flatten()


def identity(shape: Shape, values: Values) -> nn.Module:
    return nn.Identity()


def batch_normalization(shape: Shape, values: Values) -> nn.Module:
    momentum = values["moving_average_momentum"] or NORM_MOMENTUM
    return BATCH_NORMS[len(shape) - 1](shape[0], values["epsilon"], momentum, values["use_trainable_parameters"])


def instance_normalization(shape: Shape, values: Values) -> nn.Module:
    layer = INSTANCE_NORMS[len(shape) - 2]
    return layer(shape[0], values["epsilon"], affine=values["use_trainable_parameters"])


def layer_normalization(shape: Shape, values: Values) -> nn.Module:
    return nn.LayerNorm(shape, values["epsilon"], values["use_trainable_parameters"])


class PointConvolution(nn.Conv2d):
    """A convolution of single points with a stride, without padding: the points are taken first, and convolved without stride."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, columns = self.stride
        return functional.conv2d(x[:, :, ::rows, ::columns], self.weight, self.bias, groups=self.groups)


class SharedDropout(nn.Module):
    """Dropout that keeps or drops all values along some axes together."""

    def __init__(self, share: float, axes: Iterable[int]) -> None:
        super().__init__()
        self.share, self.axes = share, tuple(axes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        one = x
        for axis in self.axes:
            one = one.narrow(axis, 0, 1)
        return x * functional.dropout(torch.ones_like(one), self.share, self.training)


class Swish(nn.Module):
    """`x * sigmoid(beta * x)`."""

    def __init__(self, beta: float) -> None:
        super().__init__()
        self.beta = beta

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.beta * x)


class Merge(nn.Module):
    """Branches that are given the same values, and their sum or, with `concatenate`, their channels one after the other."""

    def __init__(self, branches: Iterable[tuple[str, nn.Module]], concatenates: bool) -> None:
        super().__init__()
        self.concatenates = concatenates
        for name, branch in branches:
            self.add_module(name, branch)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, *others = [branch(x) for branch in self.children()]
        if self.concatenates:
            return torch.cat([first, *others], 1)
        for other in others:
            first = first + other
        return first
