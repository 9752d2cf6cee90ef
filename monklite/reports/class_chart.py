"""The chart of how many images each class has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import charts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# of more classes, the largest and the smallest are drawn
MAX_CLASSES = 120


def images_per_class(totals: Mapping[str, int], unlabelled: int = 0) -> Figure:
    """Draw one bar per class, in the order of the classes. `unlabelled`: images without a label, for the note."""
    note = f"{unlabelled} images have no label." if unlabelled else ""
    drawn = dict(totals)
    if len(totals) > MAX_CLASSES:
        ordered = sorted(totals, key=totals.__getitem__, reverse=True)
        drawn = {name: totals[name] for name in (*ordered[: MAX_CLASSES // 2], *ordered[-MAX_CLASSES // 2 :])}
        note = f"The {MAX_CLASSES // 2} largest and the {MAX_CLASSES // 2} smallest of {len(totals)} classes. {note}".strip()
    return charts.bars("Images per class", "images", drawn, "{:,.0f}", note)
