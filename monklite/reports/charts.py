"""Line and bar charts as matplotlib figures, saved as PNG files. Figures are created without pyplot's global state.

Colours are those of Okabe and Ito (2008), which colour-blind people can distinguish; a curve's colour depends on its position
in the list only. Beyond eight curves, dashes and markers distinguish them.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from ..files import write_bytes
from . import chart_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D00")
DASHES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GREY = "#8A8A8A"
# percentiles of all values that the axes always include
AXIS_PERCENTILES = (1, 99)
# a diverging loss can exceed what matplotlib can put on an axis
MAX_DRAWN = 1e30
# characters that fit below the narrowest figure
NOTE_WIDTH = 115
# longer legends are put beside the axes, where they hide no curve
MAX_LEGEND_INSIDE = 6


@contextmanager
def default_style() -> Iterator[None]:
    """matplotlib's default settings, whatever a notebook has set: a chart depends on its numbers only."""
    from matplotlib import style

    with style.context("default", after_reset=True):
        yield


def get_ready() -> None:
    """Load matplotlib, which takes longer than a chart."""
    with default_style():
        from matplotlib.backends import backend_agg
        from matplotlib.figure import Figure

        backend_agg.FigureCanvasAgg(Figure())


@default_style()
def lines(
    title: str,
    y_label: str,
    curves: Mapping[str, Sequence[float]],
    percent: bool = False,
    note: str = "",
    others: Sequence[Sequence[float]] = (),
) -> Figure:
    """Draw one curve per name over the epochs, counted from 1; `others` are drawn in grey behind them, without names."""
    from matplotlib.ticker import MaxNLocator

    names = chart_text.labels(curves)
    figure, axes = _figure(names.n_lines)
    scale = 100.0 if percent else 1.0
    for i, values in enumerate(curves.values()):
        # together with the colours, 256 combinations
        dash, marker = DASHES[i // 8 % 4], MARKERS[(i + i // 32) % 8]
        style: dict[str, Any] = {"color": COLOURS[i % 8], "linestyle": dash, "marker": marker}
        axes.plot(*_points(values, scale).T, markersize=4, **style)
    if background := [_points(values, scale) for values in others if values]:
        _draw_background(axes, background)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(f"{y_label} (%)" if percent else y_label)
    if curves:
        _add_legend(axes, names)
    return _finish(figure, axes, title, f"{note} {names.note}".strip())


@default_style()
def bars(
    title: str,
    x_label: str,
    values: Mapping[str, float | None],
    number: str = "{:.1f}",
    note: str = "",
    inner: Mapping[str, float | None] | None = None,
    maximum: float | None = None,
) -> Figure:
    """Draw one horizontal bar per name, with its value; names stay readable at any count.

    Args:
        values: None is shown as `not measured`; an infinite value has no bar.
        number: format of the values. inner: a second, narrow bar inside each. maximum: the largest possible value, if any.
    """
    from matplotlib.figure import Figure

    names = chart_text.labels(values)
    figure = Figure(figsize=(7.5, 1.6 + 0.34 * max(names.n_lines, 2)), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    lengths = [_length(v) for v in values.values()]
    positions = range(len(lengths))
    axes.barh(positions, lengths, color=[COLOURS[i % 8] for i in positions], height=0.7)
    if inner:
        axes.barh(positions, [_length(inner[name]) for name in values], color="white", alpha=0.6, height=0.25)
    for i, value in enumerate(values.values()):
        text = "not measured" if value is None else number.format(value) if _can_be_drawn(value) else f"{value:.3g}"
        axes.annotate(text, (lengths[i], i), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(positions, names.texts, **names.style)
    # the first bar on top, and no gap at the ends for any number of bars
    axes.set_ylim(len(lengths) - 0.4, -0.6)
    axes.set_xlim(0, maximum * 1.08 if maximum else max([*lengths, 1e-9]) * 1.15)
    axes.set_xlabel(x_label)
    return _finish(figure, axes, title, f"{note} {names.note}".strip(), grid="x")


def as_png(figure: Figure) -> bytes:
    """The figure as PNG; equal figures give equal bytes."""
    content = io.BytesIO()
    with default_style():
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def save(figure: Figure, path: Path) -> None:
    """Write the figure to a PNG file."""
    write_bytes(path, as_png(figure))


def _draw_background(axes: Axes, background: Sequence[np.ndarray]) -> None:
    """Draw thin grey curves; the most extreme may leave the axes, so that a diverging one does not squeeze the others."""
    from matplotlib.collections import LineCollection

    alpha = max(0.08, 0.6 / len(background) ** 0.3)
    axes.add_collection(LineCollection(background, colors=GREY, linewidths=0.6, alpha=alpha, zorder=1), autolim=False)
    foreground = [np.column_stack(line.get_data()) for line in axes.lines]
    points = np.concatenate([*foreground, *background]).astype(float)
    usual = np.nanpercentile(points[:, 1], AXIS_PERCENTILES) if np.isfinite(points[:, 1]).any() else np.zeros(2)
    included = np.concatenate([usual, *(curve[:, 1] for curve in foreground)])
    low, high = np.nanmin(included), np.nanmax(included)
    axes.set_ylim(low - 0.05 * (high - low or 1.0), high + 0.05 * (high - low or 1.0))
    axes.set_xlim(1 - 0.02 * points[:, 0].max(), 1.02 * points[:, 0].max())


def _can_be_drawn(value: float) -> bool:
    # false for NaN, too
    return abs(value) < MAX_DRAWN


def _length(value: float | None) -> float:
    return value if value is not None and _can_be_drawn(value) else 0.0


def _points(values: Sequence[float], scale: float) -> np.ndarray:
    """Points (epochs, 2): epoch and value; NaN, a gap in the curve, where a value cannot be drawn."""
    drawn = [v * scale if _can_be_drawn(v) else math.nan for v in values]
    return np.column_stack([np.arange(1.0, len(drawn) + 1), np.array(drawn, dtype=float)])


def _figure(n_names: int) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    legend_beside = n_names > MAX_LEGEND_INSIDE
    size = (9.5, max(4.2, 0.24 * n_names)) if legend_beside else (7.0, 4.2)
    figure = Figure(figsize=size, layout="constrained", dpi=120)
    return figure, figure.add_subplot()


def _add_legend(axes: Axes, names: chart_text.Labels) -> None:
    if names.n_lines > MAX_LEGEND_INSIDE:
        place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5), "fontsize": 8, "frameon": False}
    else:
        place = {"fontsize": 9, "framealpha": 0.85}
    # numbers first: matplotlib leaves out what begins with an underscore
    legend = axes.legend(axes.lines, [str(i) for i in range(len(names.texts))], **place)
    for text, name in zip(legend.get_texts(), names.texts, strict=True):
        text.update({**names.style, "text": name})


def _finish(figure: Figure, axes: Axes, title: str, note: str, grid: Any = "both") -> Figure:
    axes.set_title(title, fontsize=12, loc="left")
    axes.grid(axis=grid, alpha=0.3)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if note:
        figure.supxlabel(fill(note, NOTE_WIDTH), fontsize=8, color="#555555", x=0.01, ha="left")
    return figure
