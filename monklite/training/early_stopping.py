"""The best epoch, and the end of training. Both depend on the history alone, so that resuming needs no counter."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..records import EpochRow


def best_of(history: Sequence[EpochRow], figure: str) -> EpochRow:
    """The epoch with the best figure on validation; ties go to the lower loss, then to the earlier epoch."""
    return max(history, key=lambda row: _rank(row, figure))


def ended(history: Sequence[EpochRow], epochs: int, patience: int, figure: str, head_epochs: int = 0) -> bool:
    """Whether training is over: all epochs are done, or the last `patience` (0: off) epochs brought no improvement.

    Epochs count once all layers are trained, after `head_epochs`.
    """
    if patience > 0 and history and len(history) - max(best_of(history, figure).epoch, head_epochs) >= patience:
        return True
    return len(history) >= epochs


def _rank(row: EpochRow, figure: str) -> tuple[bool, float, float]:
    """Sort key. A validation loss that is not finite ranks last whatever the figure, because the weights may be NaN too."""
    finite, value = math.isfinite(row.val_loss), row.figure(figure)
    return finite, value if math.isfinite(value) else -math.inf, -row.val_loss if finite else 0.0
