"""Significance tests of two classifiers on the same images."""

from __future__ import annotations

import numpy as np


def mcnemar(correct_a: np.ndarray, correct_b: np.ndarray) -> float:
    """Exact two-sided p-value of McNemar's test that two classifiers are equally accurate (McNemar 1947).

    `correct_a`, `correct_b`: whether each image was classified correctly, bool (n,). Only images that exactly one classifier
    gets right count; without any, the p-value is 1.
    """
    only_a = int((correct_a & ~correct_b).sum())
    only_b = int((correct_b & ~correct_a).sum())
    from scipy.stats import binomtest

    return float(binomtest(only_a, only_a + only_b, 0.5).pvalue) if only_a + only_b else 1.0
