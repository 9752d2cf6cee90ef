"""The temperature of scores, against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from monklite.statistics import temperature
from monklite.tasks import MultiLabel, SingleLabel, log_odds, sigmoid, softmax

CLASSES = ("a", "b", "c")


def drawn(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits (n, 3) whose scores are right, and labels drawn by them: of one class per image, and of several."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 3))
    one = (softmax(logits).cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return logits, one, rng.random((n, 3)) < sigmoid(logits)


@pytest.mark.parametrize("task", [SingleLabel(CLASSES), MultiLabel(CLASSES)], ids=["one", "several"])
def test_it_is_the_one_with_the_least_loss_of_a_grid(task) -> None:
    logits, one, several = drawn(300)
    labels = one if task.exclusive else several
    has = task.membership(labels)
    found = temperature.fitted(task, logits * 2.5, labels)
    grid = np.exp(np.linspace(-1, 2, 601))
    losses = []
    for value in grid:
        scores = task.scores(logits * 2.5 / value)
        likelihood = scores[has] if task.exclusive else np.where(has, scores, 1 - scores)
        losses.append(-np.log(likelihood).mean())
    assert found.value == pytest.approx(grid[np.argmin(losses)], rel=0.006)
    assert temperature.loss(task, logits * 2.5 / found.value, has) <= min(losses) + 1e-9
    assert found.value == pytest.approx(2.5, rel=0.25)
    assert (task.predicted(logits * 2.5 / found.value) == task.predicted(logits * 2.5)).all()


@pytest.mark.parametrize(
    ("labels", "n", "reason"),
    [
        ("right", 100, "no validation image is predicted wrongly"),
        ("right", 19, "19 validation images are too few, at least 20"),
        ("wrong", 100, "the scores say nothing about the labels"),
    ],
)
def test_there_is_none_where_nothing_says_how_sure_is_too_sure(labels: str, n: int, reason: str) -> None:
    logits = drawn(n)[0]
    known = logits.argmax(axis=1) if labels == "right" else logits.argmin(axis=1)
    found = temperature.fitted(SingleLabel(CLASSES), logits, known)
    assert found.value == 1.0
    assert reason in found.refusal


def test_log_odds_are_exact_where_scores_round() -> None:
    logits = drawn(50)[0]
    scores = softmax(logits)
    assert np.allclose(log_odds(logits, "softmax"), np.log(scores / (1 - scores)))
    assert np.allclose(log_odds(np.array([[2000.0, 0, 0]]), "softmax"), [[2000 - np.log(2), -2000, -2000]])
    two = logits[:, :2]
    assert np.allclose(log_odds(two, "softmax")[:, 1], two[:, 1] - two[:, 0])
    assert (log_odds(two, "sigmoid") == two).all()
