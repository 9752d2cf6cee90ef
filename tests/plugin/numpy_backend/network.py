"""Average pooling, a scale and a shift per feature, dropout in one of the models, and a linear head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CELLS = {"linear": 16, "linear_dropout": 16, "linear_fine": 32}  # model -> cells per side that are averaged
Parameters = dict[str, np.ndarray]


class Linear:
    """`parameters`: weights by name, float32. `frozen`: the names that training leaves as they are."""

    def __init__(self, name: str, n_classes: int, seed: int) -> None:
        self.cells, self.dropout = CELLS[name], 0.2 if name == "linear_dropout" else 0.0
        features = 3 * self.cells**2
        weight = np.random.default_rng(seed).normal(0, 0.01, (features, n_classes))
        self.parameters: Parameters = {
            "base.scale": np.ones(features, np.float32),
            "base.shift": np.zeros(features, np.float32),
            "head.weight": weight.astype(np.float32),
            "head.bias": np.zeros(n_classes, np.float32),
        }
        self.frozen: set[str] = set()

    def layers(self) -> list[tuple[str, tuple[str, ...]]]:
        """Name of each layer with the names of its parameters."""
        return [("base", ("base.scale", "base.shift")), ("head", ("head.weight", "head.bias"))]

    def pooled(self, pixels: np.ndarray) -> np.ndarray:
        """Features (n, features) of images (n, side, side, 3): means of the cells of a grid."""
        edges = np.linspace(0, pixels.shape[1], self.cells + 1).astype(int)[:-1]
        sums = np.add.reduceat(np.add.reduceat(pixels, edges, axis=1), edges, axis=2)
        heights = np.diff([*edges, pixels.shape[1]])
        means = sums / (heights[:, None, None] * heights[None, :, None])
        return means.reshape(len(pixels), -1).astype(np.float32)

    def forward(self, features: np.ndarray) -> np.ndarray:
        """Logits (n, classes)."""
        p = self.parameters
        return (features * p["base.scale"] + p["base.shift"]) @ p["head.weight"] + p["head.bias"]

    def gradients(self, features: np.ndarray, slope: np.ndarray) -> Parameters:
        """Gradients of the loss, from its gradient with respect to the logits."""
        p = self.parameters
        hidden = features * p["base.scale"] + p["base.shift"]
        back = slope @ p["head.weight"].T
        every = {
            "base.scale": (back * features).sum(axis=0),
            "base.shift": back.sum(axis=0),
            "head.weight": hidden.T @ slope,
            "head.bias": slope.sum(axis=0),
        }
        return {name: gradient for name, gradient in every.items() if name not in self.frozen}


class NetworkArrays:
    """See `monklite.backends.averaging.Arrays`."""

    def __init__(self, network: Linear) -> None:
        self.network = network

    def live(self) -> list[np.ndarray]:
        return list(self.network.parameters.values())

    def copies(self) -> list[np.ndarray]:
        return [array.copy() for array in self.live()]

    def put(self, arrays: Sequence[np.ndarray]) -> None:
        for live, array in zip(self.live(), arrays, strict=True):
            live[...] = array

    def copy_to(self, destinations: Sequence[np.ndarray]) -> None:
        for destination, live in zip(destinations, self.live(), strict=True):
            destination[...] = live

    def blend(self, averages: Sequence[np.ndarray], decay: float) -> None:
        for live, average in zip(self.live(), averages, strict=True):
            average[...] = decay * average + (1 - decay) * live
