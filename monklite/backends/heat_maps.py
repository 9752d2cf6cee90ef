"""Heat maps of a prediction, from the values and gradients that a backend has computed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# smoothing of a gradient with respect to pixels: standard deviation, as a share of the side
SMOOTHING = 1 / 32


class HeatMaps(NamedTuple):
    """Where in each image the evidence for a class is.

    `values`: float32 (n, height, width), 0 to 1; the largest of each map is 1, or all are 0 if nothing in the image speaks for
    the class. They cover the whole image, mostly with fewer points than pixels. `method`: how they were computed, in words.
    """

    values: np.ndarray
    method: str


def grad_cam(maps: np.ndarray, gradients: np.ndarray) -> HeatMaps:
    """The channels of a feature map, each weighted by its mean gradient (Selvaraju et al. 2017, Grad-CAM).

    Args:
        maps: float (n, channels, height, width). gradients: of the logit of each image's class with respect to them.
    """
    weights = gradients.mean(axis=(2, 3), keepdims=True)
    evidence = np.maximum((weights * maps).sum(axis=1), 0)
    return HeatMaps(_scaled(evidence), f"Grad-CAM of {maps.shape[2]} x {maps.shape[3]} points")


def pixel_gradients(gradients: np.ndarray) -> HeatMaps:
    """The largest gradient of each pixel (Simonyan et al. 2014), smoothed, of networks without a feature map.

    Args:
        gradients: float (n, channels, height, width), of the logit of each image's class with respect to the image.
    """
    from scipy.ndimage import gaussian_filter

    largest = np.abs(gradients).max(axis=1)
    smoothed = gaussian_filter(largest, (0, SMOOTHING * largest.shape[1], SMOOTHING * largest.shape[2]))
    return HeatMaps(_scaled(smoothed), "smoothed gradient of the pixels")


def _scaled(maps: np.ndarray) -> np.ndarray:
    largest = maps.max(axis=(1, 2), keepdims=True)
    return (maps / np.where(largest > 0, largest, 1)).astype(np.float32)
