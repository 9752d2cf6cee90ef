"""Which epoch is the best, and whether training is over; from the history alone, so that going on needs no counter."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..records import EpochRow


def best_of(history: Sequence[EpochRow]) -> EpochRow:
    """The epoch with the best validation accuracy; among equals the one with the lower loss, then the earlier."""
    return max(history, key=_rank)


def ended(history: Sequence[EpochRow], epochs: int, patience: int) -> bool:
    """Whether training is over: all epochs are done, or the last `patience` (if any) brought nothing better. It follows from
    the history alone, so that going on needs no counter."""
    early = patience > 0 and len(history) > 0 and len(history) - best_of(history).epoch >= patience
    return early or len(history) >= epochs


def _rank(row: EpochRow) -> tuple[bool, float, float]:
    """A validation loss that is no number is worse than any, whatever the accuracy: the weights may be none either."""
    sound = math.isfinite(row.val_loss)
    return sound, row.val_accuracy, -row.val_loss if sound else 0.0
