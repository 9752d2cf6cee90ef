"""Sets of classes that cannot be excluded: how often they hold the true class."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_temperature import CLASSES, drawn

from monklite.statistics import conformal
from monklite.tasks import MultiLabel, SingleLabel, log_odds


@pytest.mark.parametrize(("n", "coverage"), [(19, 0.95), (30, 0.9), (200, 0.9)])
def test_the_sets_hold_the_class_of_the_share_of_images_that_was_asked_for(n: int, coverage: float) -> None:
    """On average over calibrations, also with scores that are far from right; at most 1 / (n + 1) more."""
    task, hits, sizes = SingleLabel(CLASSES), [], []
    for seed in range(400):
        logits, labels, _ = drawn(n + 50, seed)
        odds = log_odds(4 * logits, "softmax")
        found = odds[n:] >= conformal.thresholds(task, odds[:n], labels[:n], coverage)
        hits.append(found[np.arange(50), labels[n:]].mean())
        sizes.append(found.sum(axis=1).mean())
    assert coverage - 0.01 <= np.mean(hits) <= coverage + 1 / (n + 1) + 0.01
    assert np.mean(sizes) < 2.5


def test_each_label_is_held_in_that_share_of_the_images_that_have_it() -> None:
    task, hits = MultiLabel(CLASSES), []
    for seed in range(200):
        logits, _, labels = drawn(150, seed)
        odds = log_odds(logits, "sigmoid")
        found = odds[100:] >= conformal.thresholds(task, odds[:100], labels[:100], 0.9)
        hits.append((found & labels[100:]).sum(axis=0) / labels[100:].sum(axis=0))
    assert np.all(np.abs(np.mean(hits, axis=0) - 0.91) < 0.02)


def test_too_few_images_exclude_nothing() -> None:
    logits, labels, several = drawn(18)
    odds = log_odds(logits, "softmax")
    assert conformal.thresholds(SingleLabel(CLASSES), odds, labels, 0.95).tolist() == [-math.inf] * 3
    several[:, 1] = np.arange(18) == 0
    found = conformal.thresholds(MultiLabel(CLASSES), logits, several, 0.5)
    assert np.isfinite(found).all()
    assert conformal.thresholds(MultiLabel(CLASSES), logits, several, 0.6)[1] == -math.inf
    assert [conformal.beyond(n, 0.95) for n in (0, 18, 19, 39)] == [0, 0, 1, 2]
