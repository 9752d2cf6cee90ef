"""Numbers against scikit-learn, SciPy and published values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from monklite.statistics import intervals, metrics


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 4)).astype(np.float32), rng.integers(0, 4, 200)


def test_confusion_is_scikit_learns(scored: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = scored
    ours = metrics.confusion(labels, logits.argmax(1), 4)
    assert ours.tolist() == confusion_matrix(labels, logits.argmax(1)).tolist()


def test_a_class_that_never_occurs_has_its_row_and_column() -> None:
    counts = metrics.confusion(np.array([0, 2]), np.array([2, 2]), 4)
    assert counts.tolist() == [[0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_published_intervals(correct: int, total: int, low: float, high: float) -> None:
    assert intervals.wilson(correct, total) == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_is_everything() -> None:
    assert intervals.wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_inside_0_to_1(counts: tuple[int, int]) -> None:
    low, high = intervals.wilson(*counts)
    assert 0 <= low <= counts[0] / counts[1] + 1e-12
    assert counts[0] / counts[1] - 1e-12 <= high <= 1
