"""The curves of a training: accuracy and loss over the epochs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..records import EpochRow
from . import charts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def accuracy(rows: Sequence[EpochRow]) -> Figure:
    """Accuracy, and the task's other figures, of training and validation."""
    curves = {"training": [r.train_accuracy for r in rows], "validation": [r.val_accuracy for r in rows]}
    curves |= {f"validation, {name}": [r.figure(name) for r in rows] for name in (rows[-1].val_figures if rows else ())}
    return charts.lines("Accuracy", "accuracy", curves, percent=True)


def loss(rows: Sequence[EpochRow]) -> Figure:
    """Loss of training and validation."""
    curves = {"training": [r.train_loss for r in rows], "validation": [r.val_loss for r in rows]}
    return charts.lines("Loss", "loss", curves)


def described(rows: Sequence[EpochRow]) -> Iterator[tuple[str, Figure, str]]:
    """Name and figure of each, and what it shows in words; nothing without an epoch."""
    if not rows:
        return
    last = rows[-1]
    for name, figure, of_train, of_val in (
        ("accuracy", accuracy(rows), last.train_accuracy, last.val_accuracy),
        ("loss", loss(rows), last.train_loss, last.val_loss),
    ):
        yield name, figure, f"after {last.epoch} epochs: training {of_train:.3f}, validation {of_val:.3f}"
