"""Charts of points with names, such as accuracy against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import axis_limits, chart_text, charts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@charts.default_style()
def draw(
    title: str,
    x_label: str,
    y_label: str,
    places: Mapping[str, tuple[float, float]],
    intervals: Mapping[str, tuple[float, float]],
    note: str = "",
    others: Sequence[tuple[float, float]] = (),
) -> Figure:
    """Draw one point per name, with the interval of its height; `others` are drawn in grey behind them, without names.

    Args:
        places: x, at least 0, and y in %. intervals: of y, by name.
    """
    names = chart_text.labels(places)
    figure, axes = charts.new_figure(names.n_lines)
    if others:
        axes.plot(*np.array(others).T, "o", color=charts.GREY, alpha=0.6, markersize=5, zorder=1)
    marked = []
    for i, (name, (x, y)) in enumerate(places.items()):
        style: dict[str, Any] = {"color": charts.COLOURS[i % 8], "marker": charts.MARKERS[(i // 8 + i) % 8]}
        marked += axes.plot([x], [y], markersize=8, linestyle="-", **style)
        axes.plot((x, x), intervals.get(name, (y, y)), color=charts.COLOURS[i % 8], linewidth=1, alpha=0.7)
    axis_limits.set_from_zero(axes, [x for x, _ in (*places.values(), *others)])
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    where = axis_limits.set_percent(axes)
    charts.add_names(axes, names, marked)
    return charts.finish(figure, axes, title, " ".join([note, where, names.note]).strip())
