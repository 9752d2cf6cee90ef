"""Convolutions and poolings of an image, to be looked at: computed as networks do, without a framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..errors import InvalidValue

# of the random weights; the same in every study
SEED = 0
CHANNELS = 3
# the settings of a study that are neither its arguments nor fixed in its row
USUAL = {"num_filters": 1, "kernel_size": 3, "stride": 1, "padding": 0, "groups": 1, "dilation": 1}


def results(image: np.ndarray, values: Mapping[str, Any], pools: bool) -> list[np.ndarray]:
    """The results of a convolution or a pooling of an image.

    Args:
        image: uint8 (height, width, 3). values: the settings that are not the usual ones; `factor` is a name of `dilation`.
        pools: a pooling, which gives one picture in colour; a convolution gives one in grey per filter.

    Returns:
        float32 (height, width, 3) from 0 to 1, or float32 (height, width).

    Raises:
        InvalidValue: the windows are larger than the image, or the groups do not divide its channels.
    """
    settings = {**USUAL, **values}
    settings["dilation"] = max(1, settings.get("factor", settings["dilation"]))
    pixels = image.transpose(2, 0, 1).astype(np.float32) / 255
    _check(settings, min(pixels.shape[1:]) + 2 * settings["padding"])
    if pools:
        kind = np.max if settings["type"] == "max" else np.mean
        return [kind(_windows(pixels, settings), axis=(-2, -1)).transpose(1, 2, 0)]
    return list(convolution(pixels, _filters(settings), settings))


def _check(settings: Mapping[str, int], side: int) -> None:
    reach = _reach(settings)
    if reach > side:
        raise InvalidValue(f"a window of {reach} px does not fit into an image of {side} px: take smaller ones")
    if CHANNELS % settings["groups"]:
        raise InvalidValue(f"groups must divide the {CHANNELS} channels of an image, and {settings['groups']} does not")


def _reach(settings: Mapping[str, int]) -> int:
    """The side of a window with the pixels between those that it takes, px."""
    return settings["dilation"] * (settings["kernel_size"] - 1) + 1


def convolution(pixels: np.ndarray, filters: np.ndarray, settings: Mapping[str, int]) -> np.ndarray:
    """Cross-correlation, which networks call convolution.

    Args:
        pixels: (channels, height, width). filters: (outputs, channels of a group, side, side).

    Returns:
        (outputs, height, width), smaller by the kernel and the stride.
    """
    windows, groups = _windows(pixels, settings), settings["groups"]
    inputs = np.split(windows, groups)
    outputs = np.split(filters, groups)
    parts = [
        np.einsum("chwij,ocij->ohw", x, weights, optimize=True) for x, weights in zip(inputs, outputs, strict=True)
    ]
    return np.concatenate(parts)


def _windows(pixels: np.ndarray, settings: Mapping[str, int]) -> np.ndarray:
    """The windows of each channel: (channels, height, width, side, side), the height and width of the result."""
    padding, dilation, stride = (settings[name] for name in ("padding", "dilation", "stride"))
    padded = np.pad(pixels, ((0, 0), (padding, padding), (padding, padding)))
    windows = sliding_window_view(padded, (1, *[_reach(settings)] * 2))
    return windows[:, ::stride, ::stride, 0, ::dilation, ::dilation]


def _filters(settings: Mapping[str, int]) -> np.ndarray:
    """Random weights whose sum is 0 in each filter, so that they respond to edges and not to brightness."""
    side, groups = settings["kernel_size"], settings["groups"]
    shape = (settings["num_filters"], CHANNELS // groups, side, side)
    weights = np.random.default_rng(SEED).normal(size=shape).astype(np.float32)
    # a single weight has no edge to respond to
    return weights if weights[0].size == 1 else weights - weights.mean(axis=(1, 2, 3), keepdims=True)
