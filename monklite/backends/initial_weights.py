"""First weights of a user's own network as NumPy arrays, so that equal seeds give equal networks on every backend.

Shapes are those of both frameworks: outputs, inputs of a group, then the window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..catalog.backends import load
from ..catalog.initialisers import DEFAULT, INITIALISERS

# MXNet's
NORMAL_DEVIATION, UNIFORM_LIMIT = 0.01, 0.07
# the gain for ReLU, which keeps half of the variance
GAIN = math.sqrt(2)

Shape = tuple[int, ...]


def initial_weights(name: str, backend: str, seed: int, shapes: Sequence[Shape]) -> Iterator[np.ndarray]:
    """The first weights of layers with these shapes, from input to output; float32. `name`: `""` is the default initialiser."""
    draw = load(INITIALISERS[name or DEFAULT].path(backend))
    for place, shape in enumerate(shapes):
        yield draw(np.random.default_rng([seed, place]), shape).astype(np.float32)


def xavier_normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.normal(0, math.sqrt(2 / sum(_fans(shape))), shape)


def xavier_uniform(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    limit = math.sqrt(6 / sum(_fans(shape)))
    return rng.uniform(-limit, limit, shape)


def msra(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.normal(0, math.sqrt(2 / _fans(shape)[0]), shape)


def normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.normal(0, NORMAL_DEVIATION, shape)


def uniform(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.uniform(-UNIFORM_LIMIT, UNIFORM_LIMIT, shape)


def orthogonal_normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return _orthogonal(rng.normal(0, 1, (shape[0], math.prod(shape[1:])))).reshape(shape)


def orthogonal_uniform(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return _orthogonal(rng.uniform(-1, 1, (shape[0], math.prod(shape[1:])))).reshape(shape)


def _orthogonal(matrix: np.ndarray) -> np.ndarray:
    """The nearest matrix with orthogonal rows (or columns, where there are fewer), times the gain."""
    left, _, right = np.linalg.svd(matrix, full_matrices=False)
    return GAIN * left @ right


def _fans(shape: Shape) -> tuple[int, int]:
    """The numbers of inputs and of outputs of one value."""
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window
