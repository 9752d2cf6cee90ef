"""One temperature for all scores, so that a score of 0.8 is right in 80 % of the images (Guo et al. 2017)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..tasks import Task, log_odds

# fewer validation images say too little about how sure a network may be
MIN_IMAGES = 20
# of temperatures; one at an end is none: the loss falls without an end
LEAST, MOST = 0.05, 20.0


class Temperature(NamedTuple):
    """A temperature, by which logits are divided, or the reason why there is none; then `value` is 1."""

    value: float
    refusal: str = ""


def fitted(task: Task, logits: np.ndarray, labels: np.ndarray) -> Temperature:
    """The temperature with the least loss on images with known labels: the negative log-likelihood of their labels.

    The order of the scores stays, and so do the predicted classes. Of several labels per image, all have the same temperature.

    Args:
        logits: (n, classes). labels: in the form of the task.
    """
    from scipy.optimize import minimize_scalar

    if len(labels) < MIN_IMAGES:
        return Temperature(1.0, f"{len(labels)} validation images are too few, at least {MIN_IMAGES} are needed")
    has = task.membership(labels)
    found = minimize_scalar(
        lambda power: loss(task, logits / math.exp(power), has), bounds=(math.log(LEAST), math.log(MOST)), method="bounded",
        options={"xatol": 1e-4},
    )  # fmt: skip
    value = math.exp(found.x)
    # at an end within the tolerance of the search
    if value < LEAST * 1.01:
        return Temperature(1.0, "no validation image is predicted wrongly, so nothing says how sure is too sure")
    if value > MOST / 1.01:
        return Temperature(1.0, "the scores say nothing about the labels of the validation images")
    return Temperature(value)


def loss(task: Task, logits: np.ndarray, has: np.ndarray) -> float:
    """The mean negative log-likelihood of labels. `has`: whether each image has each label, bool (n, classes)."""
    odds = log_odds(logits, task.activation)
    if task.activation == "softmax":
        return float(np.logaddexp(0, -odds[has]).mean())
    return float(np.logaddexp(0, np.where(has, -odds, odds)).mean())
