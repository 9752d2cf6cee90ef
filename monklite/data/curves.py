"""Curves of values: the new value of each old one, 0 to 255, as tables of which several are composed into one.

A table has a value for each 16th of a level, so that what lies between levels, as resampled pixels do, keeps its shade, and one
look-up per pixel does what any number of curves do one after the other. Where a curve jumps, it does so halfway between two
levels: pixels that have not been resampled are on the same side on every device.
"""

from __future__ import annotations

import numpy as np

PER_LEVEL = 16
# the values that a table has places for, (4081,); as a table, it changes nothing
VALUES = (np.arange(255 * PER_LEVEL + 1) / PER_LEVEL).astype(np.float32)


def gamma(exponents: np.ndarray) -> np.ndarray:
    """Raise the values, as shares of 255, to a power each. Args: `exponents`: (N,). Returns: tables, float32 (N, 4081)."""
    return (255 * (VALUES / 255) ** exponents[:, None]).astype(np.float32)


def posterize(bits: np.ndarray) -> np.ndarray:
    """Keep the highest bits of each value. Args: `bits`: (N,), 0 to 8; 8: nothing is changed."""
    step = 2.0 ** (8 - bits[:, None])
    return np.where(step > 1, np.floor((VALUES + 0.5) / step) * step, VALUES).astype(np.float32)


def solarize(threshold: np.ndarray) -> np.ndarray:
    """Turn values from a threshold on into their negative. Args: `threshold`: (N,); above 255: nothing is changed."""
    return np.where(np.ceil(threshold[:, None]) - 0.5 <= VALUES, 255 - VALUES, VALUES).astype(np.float32)


def composed(first: np.ndarray, then: np.ndarray) -> np.ndarray:
    """The tables that do what two do one after the other, (N, 4081)."""
    return np.take_along_axis(then, np.rint(first * PER_LEVEL).astype(np.intp), axis=1)
