"""Which epoch is the best, and whether training is over; from the history alone, so that going on needs no counter."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..records import ACCURACY, EpochRow


def best_of(history: Sequence[EpochRow], figure: str = ACCURACY) -> EpochRow:
    """The epoch that is best on validation by a figure; among equals the one with the lower loss, then the earlier."""
    return max(history, key=lambda row: _rank(row, figure))


def ended(history: Sequence[EpochRow], epochs: int, patience: int, figure: str = ACCURACY) -> bool:
    """Whether training is over: all epochs are done, or the last `patience` (if any) brought nothing better."""
    early = patience > 0 and len(history) > 0 and len(history) - best_of(history, figure).epoch >= patience
    return early or len(history) >= epochs


def _rank(row: EpochRow, figure: str) -> tuple[bool, float, float]:
    """A validation loss that is NaN is worse than any, whatever the figure: the weights may be NaN too."""
    sound, value = math.isfinite(row.val_loss), row.figure(figure)
    return sound, value if math.isfinite(value) else -math.inf, -row.val_loss if sound else 0.0
