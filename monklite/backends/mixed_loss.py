"""The loss of mixed images, for every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def mixed_loss(loss_of: Callable[[Any], Any], targets: Sequence[tuple[float, Any]]) -> Any:
    """The sum of the losses for each of the targets, weighted with its share."""
    if len(targets) == 1:
        return loss_of(targets[0][1])
    return sum(share * loss_of(target) for share, target in targets)
