"""Random numbers of images that depend on nothing but a key of each image: not on the other images, nor on what was drawn before.

A counter is mixed with the key by the finaliser of SplitMix64 (Steele, Lea and Flood 2014). Unlike those of NumPy's generators,
the numbers stay the same in every version of NumPy, so what is kept on the disk for them stays valid.
"""

from __future__ import annotations

import math

import numpy as np

# in the keys of what is kept; another one for other numbers, or where a transform makes something else of them
VERSION = 2
_STEP = np.uint64(0x9E3779B97F4A7C15)


class FixedStream:
    """In place of a NumPy generator, for functions that draw for `len(keys)` images at once. `keys`: uint64 (N,)."""

    def __init__(self, keys: np.ndarray) -> None:
        self._keys, self._n_drawn = keys, 0

    def random(self, size: int | tuple[int, ...]) -> np.ndarray:
        """Numbers from 0 to 1, without 1. The last axis of `size` is that of the images."""
        shape = (size,) if isinstance(size, int) else size
        count = math.prod(shape[:-1])
        places = np.arange(self._n_drawn + 1, self._n_drawn + count + 1, dtype=np.uint64)
        self._n_drawn += count
        bits = _mixed(self._keys + places[:, None] * _STEP)
        # 53 bits, as many as a float has
        return ((bits >> np.uint64(11)) * 2.0**-53).reshape(shape)

    def uniform(self, low: float, high: float, size: int | tuple[int, ...]) -> np.ndarray:
        """Numbers from `low` to `high`; `size` as in `random`."""
        return low + (high - low) * self.random(size)


def keys_of(seed: int, names: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The keys of views, uint64 (N,). Args: `names`: of the images, S16 (N,). `numbers`: of their views, int64 (N,)."""
    halves = np.ascontiguousarray(names, "S16").view("<u8").astype(np.uint64).reshape(len(names), 2)
    image = _mixed(halves[:, 0] + _mixed(halves[:, 1] + _STEP))
    return _mixed(image + _mixed((np.uint64(seed) << np.uint64(32)) + numbers.astype(np.uint64)))


def _mixed(bits: np.ndarray) -> np.ndarray:
    """Other numbers, of which half the bits differ where one bit of `bits` does; uint64."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
