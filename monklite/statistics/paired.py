"""Significance tests of two classifiers on the same images."""

from __future__ import annotations

import math

import numpy as np


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> float:
    """Exact two-sided p-value of McNemar's test that two classifiers are equally accurate (McNemar 1947).

    `correct_a`, `correct_b`: whether each image was classified correctly, bool (n,). Only images that exactly one classifier
    gets right count; without any, the p-value is 1.
    """
    only_a = int((correct_a & ~correct_b).sum())
    only_b = int((correct_b & ~correct_a).sum())
    n, smaller = only_a + only_b, min(only_a, only_b)
    tail = sum(math.comb(n, k) for k in range(smaller + 1))
    return min(1.0, 2 * tail / 2**n)
