"""Losses that torch has no class for."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ...catalog.backends import load
from ...catalog.losses import LOSSES
from ...spec import Choice
from ...tasks import Activation, Task
from .. import losses


def criterion(choice: Choice, task: Task, device: torch.device) -> nn.Module:
    """The loss of a choice, on a device."""
    keywords = losses.keywords(choice, task, "pytorch")
    tensors = {k: torch.tensor(v, device=device) if isinstance(v, tuple) else v for k, v in keywords.items()}
    return load(LOSSES[choice.name].path("pytorch"))(**tensors)


class FormulaLoss(nn.Module):
    """A formula of `backends/losses.py`. `weight`, `positive_weight`: (classes,)."""

    def __init__(
        self,
        formula: str,
        activation: Activation,
        weight: torch.Tensor | None = None,
        positive_weight: torch.Tensor | None = None,
        **parameters: Any,
    ) -> None:
        super().__init__()
        self.weight, self.positive_weight = weight, positive_weight
        self.formula = losses.Formula(formula, activation, _row(weight), _row(positive_weight), parameters)

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The mean loss of logits (n, classes); targets: a row of 0 and 1 per image."""
        return self.formula(logits, targets)


def _row(factors: torch.Tensor | None) -> torch.Tensor | None:
    return None if factors is None else factors.reshape(1, -1)
