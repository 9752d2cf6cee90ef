"""Numbers -> matplotlib figures -> PNG files. No global state: figures are made without pyplot.

Colours are those of Okabe and Ito (2008), which colour-blind people can tell apart; a thing keeps its colour as long as
its place in the list stays the same. Beyond eight, dashes and markers tell lines apart.
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
USUAL = (1, 99)  # percentiles of all values that the axes hold
MOST = 1e30  # a larger number, as a diverging loss takes, has no place on an axis
NOTE_WIDTH = 115  # characters that fit below the narrowest figure
LEGEND_INSIDE = 6  # more entries stand beside the axes, where they hide no line


def lines(
    title: str,
    y_label: str,
    curves: Mapping[str, Sequence[float]],
    percent: bool = False,
    note: str = "",
    others: Sequence[Sequence[float]] = (),
) -> Figure:
    """One line a name over the epochs, which count from 1; `others` stand without names in grey behind them."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure(len(curves))
    scale = 100.0 if percent else 1.0
    for i, (name, values) in enumerate(zip(_labels(curves), curves.values(), strict=True)):
        dash, marker = DASHES[i // 8 % 4], MARKERS[(i + i // 32) % 8]  # together 256 looks
        style: dict[str, Any] = {"color": COLOURS[i % 8], "linestyle": dash, "marker": marker}
        axes.plot(*_points(values, scale).T, label=name, markersize=4, **style)
    if behind := [_points(values, scale) for values in others if values]:
        _grey(axes, behind)
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
    most: float | None = None,
) -> Figure:
    """One horizontal bar a name, with its number; names stay readable at any count.

    Args:
        number: how the numbers are written; None as a value is shown as not measured, an infinite one has no bar.
        inner: a second, narrow bar inside each. most: where the axis ends, if it has an end.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 1.6 + 0.34 * max(len(values), 2)), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    lengths = [_length(v) for v in values.values()]
    places = range(len(lengths))
    axes.barh(places, lengths, color=[COLOURS[i % 8] for i in places], height=0.7)
    if inner:
        axes.barh(places, [_length(inner[name]) for name in values], color="white", alpha=0.6, height=0.25)
    for i, value in enumerate(values.values()):
        text = "not measured" if value is None else number.format(value) if _can_be_drawn(value) else f"{value:.3g}"
        axes.annotate(text, (lengths[i], i), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(places, _labels(values))
    axes.set_ylim(len(lengths) - 0.4, -0.6)  # the first on top, no gap at the ends however many
    axes.set_xlim(0, most * 1.08 if most else max([*lengths, 1e-9]) * 1.15)
    axes.set_xlabel(x_label)
    return _finish(figure, axes, title, note, grid="x")


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG; the same numbers give the same bytes."""
    with replacing(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # names in scripts that matplotlib's font lacks
        figure.savefig(temporary, format="png", metadata={"Software": None})


def _grey(axes: Axes, behind: Sequence[np.ndarray]) -> None:
    """Thin lines behind all others; the few most extreme may leave the axes, so that one that diverged hides nothing."""
    from matplotlib.collections import LineCollection

    shade = max(0.08, 0.6 / len(behind) ** 0.3)
    axes.add_collection(LineCollection(behind, colors=GREY, linewidths=0.6, alpha=shade, zorder=1), autolim=False)
    named = [np.column_stack(line.get_data()) for line in axes.lines]
    points = np.concatenate([*named, *behind]).astype(float)
    usual = np.nanpercentile(points[:, 1], USUAL) if np.isfinite(points[:, 1]).any() else np.zeros(2)
    seen = np.concatenate([usual, *(line[:, 1] for line in named)])
    low, high = np.nanmin(seen), np.nanmax(seen)
    axes.set_ylim(low - 0.05 * (high - low or 1.0), high + 0.05 * (high - low or 1.0))
    axes.set_xlim(1 - 0.02 * points[:, 0].max(), 1.02 * points[:, 0].max())


def _can_be_drawn(value: float) -> bool:
    return abs(value) < MOST  # not a number is not less either


def _length(value: float | None) -> float:
    return value if value is not None and _can_be_drawn(value) else 0.0


def _points(values: Sequence[float], scale: float) -> np.ndarray:
    """(epochs, 2): epoch and value; what cannot be drawn is a gap."""
    drawn = [v * scale if _can_be_drawn(v) else math.nan for v in values]
    return np.column_stack([np.arange(1.0, len(drawn) + 1), np.array(drawn, dtype=float)])


def _figure(n_curves: int) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    beside = n_curves > LEGEND_INSIDE
    figure = Figure(
        figsize=(9.5 if beside else 7.0, max(4.2, 0.24 * n_curves) if beside else 4.2), layout="constrained", dpi=120
    )
    return figure, figure.add_subplot()


def _legend(axes: Axes, n_curves: int) -> None:
    if n_curves > LEGEND_INSIDE:
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
    """Shortened names, unless that would make two of them equal. A `$` is no formula here."""
    names = list(names)
    short = [_short(n) for n in names]
    return [n.replace("$", r"\$") for n in (short if len(set(short)) == len(set(names)) else names)]


def _short(name: str, most: int = 42) -> str:
    """Keep both ends of a long name: experiments often differ only at the end."""
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-most // 2 :]}"
