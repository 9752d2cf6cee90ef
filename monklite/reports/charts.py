"""Line and bar charts as matplotlib figures, saved as PNG files. Figures are created without pyplot's global state.

Colours are those of Okabe and Ito (2008), which colour-blind people can distinguish; a curve's colour depends on its position
in the list only. Beyond eight curves, dashes and markers distinguish them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from ..files import replacing

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

    figure, axes = _figure(len(curves))
    scale = 100.0 if percent else 1.0
    for i, (name, values) in enumerate(zip(_labels(curves), curves.values(), strict=True)):
        # together with the colours, 256 combinations
        dash, marker = DASHES[i // 8 % 4], MARKERS[(i + i // 32) % 8]
        style: dict[str, Any] = {"color": COLOURS[i % 8], "linestyle": dash, "marker": marker}
        axes.plot(*_points(values, scale).T, label=name, markersize=4, **style)
    if background := [_points(values, scale) for values in others if values]:
        _draw_background(axes, background)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel(f"{y_label} (%)" if percent else y_label)
    _legend(axes, len(curves))
    return _finish(figure, axes, title, note)


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

    figure = Figure(figsize=(7.5, 1.6 + 0.34 * max(len(values), 2)), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    lengths = [_length(v) for v in values.values()]
    positions = range(len(lengths))
    axes.barh(positions, lengths, color=[COLOURS[i % 8] for i in positions], height=0.7)
    if inner:
        axes.barh(positions, [_length(inner[name]) for name in values], color="white", alpha=0.6, height=0.25)
    for i, value in enumerate(values.values()):
        text = "not measured" if value is None else number.format(value) if _can_be_drawn(value) else f"{value:.3g}"
        axes.annotate(text, (lengths[i], i), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(positions, _labels(values))
    # the first bar on top, and no gap at the ends for any number of bars
    axes.set_ylim(len(lengths) - 0.4, -0.6)
    axes.set_xlim(0, maximum * 1.08 if maximum else max([*lengths, 1e-9]) * 1.15)
    axes.set_xlabel(x_label)
    return _finish(figure, axes, title, note, grid="x")


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG; equal figures give equal bytes."""
    with replacing(path) as temporary, warnings.catch_warnings():
        # names in scripts that matplotlib's font lacks
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(temporary, format="png", metadata={"Software": None})


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


def _figure(n_curves: int) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    legend_beside = n_curves > MAX_LEGEND_INSIDE
    size = (9.5, max(4.2, 0.24 * n_curves)) if legend_beside else (7.0, 4.2)
    figure = Figure(figsize=size, layout="constrained", dpi=120)
    return figure, figure.add_subplot()


def _legend(axes: Axes, n_curves: int) -> None:
    if n_curves > MAX_LEGEND_INSIDE:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8, frameon=False)
    elif n_curves:
        axes.legend(fontsize=9, framealpha=0.85)


def _finish(figure: Figure, axes: Axes, title: str, note: str, grid: Any = "both") -> Figure:
    axes.set_title(title, fontsize=12, loc="left")
    axes.grid(axis=grid, alpha=0.3)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if note:
        figure.supxlabel(fill(note, NOTE_WIDTH), fontsize=8, color="#555555", x=0.01, ha="left")
    return figure


def _labels(names: Iterable[str]) -> list[str]:
    """Shorten names unless that makes two of them equal, and escape `$`, which matplotlib takes for a formula."""
    names = list(names)
    short = [_shorten(n) for n in names]
    return [n.replace("$", r"\$") for n in (short if len(set(short)) == len(set(names)) else names)]


def _shorten(name: str, max_length: int = 42) -> str:
    """Keep both ends of a long name: experiments often differ only at the end."""
    if len(name) <= max_length:
        return name
    return f"{name[: max_length // 2 - 1]}…{name[-max_length // 2 :]}"
