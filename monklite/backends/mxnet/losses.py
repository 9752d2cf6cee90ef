"""Losses that MXNet has no class for, or none with class weights."""

from __future__ import annotations

from typing import Any

from ...catalog.backends import load
from ...catalog.losses import LOSSES
from ...spec import Choice
from ...tasks import Activation, Task
from .. import losses
from .framework import mx, nd


def criterion(choice: Choice, task: Task, context: mx.Context) -> Any:
    """The loss of a choice, on a device."""
    keywords = losses.keywords(choice, task, "mxnet")
    arrays = {k: nd.array([v], ctx=context) if isinstance(v, tuple) else v for k, v in keywords.items()}
    return load(LOSSES[choice.name].path("mxnet"))(**arrays)


class FormulaLoss:
    """A formula of `backends/losses.py`. `weight`, `positive_weight`: (1, classes)."""

    def __init__(
        self, formula: str, activation: Activation, weight: Any = None, positive_weight: Any = None, **parameters: Any
    ) -> None:
        self.weight, self.positive_weight = weight, positive_weight
        self.formula = losses.Formula(formula, activation, weight, positive_weight, parameters)

    def __call__(self, logits: Any, targets: Any) -> Any:
        """The mean loss, (1,), of logits (n, classes); targets: class numbers or a row of 0 and 1 per image."""
        rows = nd.one_hot(targets, logits.shape[1]) if targets.ndim == 1 else targets
        return self.formula(logits, rows)
