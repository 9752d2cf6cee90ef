"""Limits of the axes of charts that do not make small differences look large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# least length of an axis in %; beyond its ends, so that a line at 0 or 100 % is seen
MIN_POINTS, BEYOND = 10.0, 1.0
# ratio of values from which an axis is logarithmic
MAX_RATIO = 20.0


def wide_enough(low: float, high: float) -> tuple[float, float]:
    """Limits of an axis in %, at least `MIN_POINTS` apart, and hardly beyond 0 and 100."""
    missing = max(0.0, MIN_POINTS - (high - low)) / 2
    low, high = max(-BEYOND, low - missing), min(100 + BEYOND, high + missing)
    return max(-BEYOND, min(low, high - MIN_POINTS)), min(100 + BEYOND, max(high, low + MIN_POINTS))


def set_percent(axes: Axes, limits: tuple[float, float] | None = None) -> str:
    """Set the limits of the upward axis, in %, by default to those of its content; returns a sentence that says what they are."""
    low, high = wide_enough(*(limits or axes.get_ylim()))
    axes.set_ylim(low, high)
    return f"The axis goes from {max(0, low):.0f} to {min(100, high):.0f} %."


def set_whole(axes: Axes) -> None:
    """Write whole numbers alone at the axis to the right, also where its content is at a single one."""
    from matplotlib.ticker import MaxNLocator

    low, high = axes.dataLim.intervalx
    if low == high:
        axes.set_xlim(low - 0.5, high + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def set_from_zero(axes: Axes, values: Sequence[float]) -> None:
    """Set the limits of the axis to the right: from 0, or logarithmic where positive values are far apart."""
    positive = [value for value in values if value > 0]
    if positive and len(positive) == len(values) and max(positive) > MAX_RATIO * min(positive):
        axes.set_xscale("log")
    else:
        axes.set_xlim(0, 1.08 * max([*positive, 1e-9]))
