"""Optimizers over named arrays. `memory`: what they remember per parameter, `count`: their steps."""

from __future__ import annotations

import numpy as np

from .network import Parameters


class Optimizer:
    slots: tuple[str, ...] = ()

    def __init__(self, learning_rate: float, weight_decay: float) -> None:
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.memory: Parameters = {}
        self.count = 0

    def step(self, parameters: Parameters, gradients: Parameters) -> None:
        """Update the parameters that have a gradient, in place."""
        self.count += 1
        for name, gradient in gradients.items():
            array = parameters[name]
            slots = [self.memory.setdefault(f"{name}.{slot}", np.zeros_like(array)) for slot in self.slots]
            array -= self.learning_rate * self.direction(gradient + self.weight_decay * array, *slots)

    def direction(self, gradient: np.ndarray, *slots: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class SGD(Optimizer):
    slots = ("momentum",)

    def __init__(self, learning_rate: float, momentum: float, weight_decay: float) -> None:
        super().__init__(learning_rate, weight_decay)
        self.momentum = momentum

    def direction(self, gradient: np.ndarray, *slots: np.ndarray) -> np.ndarray:
        (momentum,) = slots
        momentum[...] = self.momentum * momentum + gradient
        return momentum


class Adam(Optimizer):
    slots = ("first", "second")

    def __init__(self, learning_rate: float, beta1: float, beta2: float, epsilon: float, weight_decay: float) -> None:
        super().__init__(learning_rate, weight_decay)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def direction(self, gradient: np.ndarray, *slots: np.ndarray) -> np.ndarray:
        first, second = slots
        first[...] = self.beta1 * first + (1 - self.beta1) * gradient
        second[...] = self.beta2 * second + (1 - self.beta2) * gradient**2
        first_mean, second_mean = first / (1 - self.beta1**self.count), second / (1 - self.beta2**self.count)
        return first_mean / (np.sqrt(second_mean) + self.epsilon)
