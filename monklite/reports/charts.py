"""Line and bar charts, and grids of pictures, as matplotlib figures, saved as PNG files. Figures are created without pyplot's
global state.

Colours are those of Okabe and Ito (2008), which colour-blind people can distinguish; a curve's colour depends on its position
in the list only. Beyond eight curves, dashes and markers distinguish them.
"""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from ..files import write_bytes
from . import axis_limits, chart_text, line_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D00")
DASHES = ("-", "--", ":", "-.")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GREY = "#8A8A8A"
# percentiles of all values that the axes always include
AXIS_PERCENTILES = (1, 99)
# a diverging loss can exceed what matplotlib can put on an axis
MAX_DRAWN = 1e30
# of a loss over the learning rates, in multiples of the first
MAX_GROWTH = 2.0
# characters that fit below the narrowest figure
NOTE_WIDTH = 115
# grid of pictures: inches of a side, characters of a name beside each other, and columns for the width of the title
PICTURE_SIDE, PICTURE_NAME_WIDTH, MIN_COLUMNS = 1.6, 22, 3
# a side with space for several lines
LARGE_PICTURE = 2.3
# of a title; inches of a line of a name
CHARACTERS_PER_INCH, LINE_HEIGHT = 11, 0.135
# more names are put into a legend
MAX_AT_ENDS = 12
LINE_WIDTH = 1.6
# of a PNG, 1 to 9: more takes twice as long and saves little
COMPRESSION = 3


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
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw one curve per name over the epochs, counted from 1; `others` are drawn in grey behind them, without names.

    Each curve is named at its end, or in a legend beside the axes if the names have no space there.

    Args:
        percent: the values are shares; the axis has at least 10 points, and a note says where it is. limits: of the axis; by
            default they follow from the curves.
    """
    names = chart_text.labels(curves)
    figure, axes = new_figure(names.n_lines)
    scale = 100.0 if percent else 1.0
    points = [_points(values, scale) for values in curves.values()]
    for i, (curve, width) in enumerate(zip(points, _widths(points), strict=True)):
        # together with the colours, 256 combinations
        dash, marker = DASHES[i // 8 % 4], MARKERS[(i + i // 32) % 8]
        style: dict[str, Any] = {"color": COLOURS[i % 8], "linestyle": dash, "marker": marker, "linewidth": width}
        # the name is told where the curve is pointed at in a page
        style["gid"] = names.texts[i]
        axes.plot(*curve.T, markersize=max(4.0, width), markevery=max(1, len(curve) // 25), **style)
    if background := [_points(values, scale) for values in others if values]:
        _draw_background(axes, background)
    axes.set_xlabel("epoch")
    axis_limits.set_whole(axes)
    axes.set_ylabel(f"{y_label} (%)" if percent else y_label)
    notes = [note, *_equal(points, names.texts)]
    if percent:
        notes.append(axis_limits.set_percent(axes, limits))
    if curves:
        add_names(axes, names)
    return finish(figure, axes, title, " ".join([*notes, names.note]).strip())


@default_style()
def bars(
    title: str,
    x_label: str,
    values: Mapping[str, float | None],
    number: str | Callable[[float], str] = "{:.1f}",
    note: str = "",
    inner: Mapping[str, float | None] | None = None,
    maximum: float | None = None,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Draw one horizontal bar per name, with its value; names stay readable at any count.

    Args:
        values: None is shown as `not measured`; an infinite value has no bar. number: format of the values. inner: a second,
            narrow bar inside each. maximum: the largest possible value, if any. intervals: drawn over the bars.
    """
    from matplotlib.figure import Figure

    names = chart_text.labels(values)
    figure = Figure(figsize=(7.5, 1.6 + 0.34 * max(names.n_lines, 2)), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    lengths, positions = [_length(v) for v in values.values()], range(len(values))
    axes.barh(positions, lengths, color=COLOURS[0], height=0.7)
    if inner:
        axes.barh(positions, [_length(inner[name]) for name in values], color="white", alpha=0.6, height=0.25)
    form = number.format if isinstance(number, str) else number
    for i, (name, value) in enumerate(values.items()):
        text = "not measured" if value is None else form(value) if _can_be_drawn(value) else f"{value:.3g}"
        interval = (intervals or {}).get(name)
        if interval is not None:
            axes.plot(interval, (i, i), color="black", linewidth=1.2, marker="|", markersize=7)
            text += f" ({form(interval[0])} to {form(interval[1])})"
        end = lengths[i] if interval is None else interval[1]
        axes.annotate(text, (end, i), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(positions, names.texts, **names.style)
    # the first bar on top, and no gap at the ends for any number of bars
    axes.set_ylim(len(lengths) - 0.4, -0.6)
    space = 1.3 if intervals else 1.15
    axes.set_xlim(0, (maximum or max([*lengths, 1e-9])) * space)
    if maximum:
        axes.set_xticks([tick for tick in axes.get_xticks() if tick <= maximum])
    axes.set_xlabel(x_label)
    return finish(figure, axes, title, f"{note} {names.note}".strip(), grid="x")


def _widths(curves: Sequence[np.ndarray]) -> list[float]:
    """Widths of lines: of equal curves the first are wider, and so are seen behind the last one."""
    return [
        min(LINE_WIDTH + 2.5 * sum(np.array_equal(curve, c, equal_nan=True) for c in curves[i + 1 :]), 12)
        for i, curve in enumerate(curves)
    ]


def _equal(curves: Sequence[np.ndarray], texts: Sequence[str]) -> list[str]:
    """A sentence for each set of equal curves."""
    same: dict[bytes, list[str]] = {}
    for curve, text in zip(curves, texts, strict=True):
        if len(curve):
            same.setdefault(curve.tobytes(), []).append(text.replace("\n", ""))
    return [f"Equal: {', '.join(group)}." for group in same.values() if len(group) > 1]


@default_style()
def pictures(
    title: str,
    images: Sequence[np.ndarray],
    names: Sequence[str | Sequence[str]],
    side: float = PICTURE_SIDE,
    note: str = "",
) -> Figure:
    """Draw images, uint8 (side, side, 3) or grey (side, side), in a grid, each with its name above it, or with several lines.

    Args:
        side: of a picture, inches. note: below all pictures.
    """
    from matplotlib.figure import Figure

    columns = max(MIN_COLUMNS, math.ceil(math.sqrt(len(images))))
    rows = math.ceil(len(images) / columns)
    captions = [[name] if isinstance(name, str) else name for name in names]
    # a line may fill the width of its picture and no more
    texts = chart_text.labels(itertools.chain.from_iterable(captions))
    length, lines = int(PICTURE_NAME_WIDTH * side / PICTURE_SIDE), iter(texts.texts)
    wrapped = ["\n".join(fill(next(lines), length) for _ in caption) for caption in captions]
    n_lines = max(text.count("\n") + 1 for text in wrapped)
    heading = chart_text.sentence(title)
    heading_text = fill(heading.texts[0], int(CHARACTERS_PER_INCH * side * columns))
    # placed here: a layout that is found takes longer than the drawing
    foot = fill(f"{note} {texts.note}".strip(), NOTE_WIDTH)
    top, bottom = 0.3 + 0.2 * heading_text.count("\n") + 0.2, 0.3 + 0.15 * foot.count("\n") if foot else 0.05
    cell = side + LINE_HEIGHT * n_lines + 0.1
    width, height = side * columns, top + cell * rows + bottom
    figure = Figure(figsize=(width, height), dpi=120)
    for i, (image, text) in enumerate(zip(images, wrapped, strict=True)):
        row, column = divmod(i, columns)
        low = height - top - cell * (row + 1) + 0.05
        axes = figure.add_axes(((column + 0.02) / columns, low / height, 0.96 / columns, 0.96 * side / height))
        axes.imshow(image, cmap="gray")
        axes.set_axis_off()
        axes.set_title("", fontsize=8, pad=3).update({**texts.style, "text": text})
    figure.text(0.01, 1 - 0.08 / height, "", fontsize=12, va="top").update({**heading.style, "text": heading_text})
    if foot:
        figure.text(0.01, 0.05 / height, foot, fontsize=8, color="#555555")
    return figure


@default_style()
def learning_rates(
    rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], suggestion: float | None
) -> Figure:
    """Draw the loss of each step over its learning rate, on a logarithmic axis, with the suggested rate."""
    figure, axes = new_figure(1)
    axes.plot(rates, _points(losses, 1.0)[:, 1], color=GREY, linewidth=0.8, label="each step")
    axes.plot(rates, _points(smoothed, 1.0)[:, 1], color=COLOURS[0], label="smoothed")
    if suggestion is not None:
        axes.axvline(suggestion, color=COLOURS[1], linestyle="--", label=f"falls fastest at {suggestion:g}")
    axes.set_xscale("log")
    if smoothed:
        # an explosion would flatten all the rest
        low, high = min(smoothed), min(max(smoothed), MAX_GROWTH * smoothed[0])
        margin = 0.1 * (high - low or 1.0)
        axes.set_ylim(low - margin, high + margin)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("training loss")
    axes.legend(fontsize=9, framealpha=0.85)
    return finish(figure, axes, "Learning-rate range test", "")


def as_png(figure: Figure) -> bytes:
    """The figure as PNG; equal figures give equal bytes."""
    content = io.BytesIO()
    with default_style(), placed(figure):
        figure.savefig(content, format="png", metadata={"Software": None}, pil_kwargs={"compress_level": COMPRESSION})
    return content.getvalue()


@contextmanager
def placed(figure: Figure) -> Iterator[None]:
    """Find the places of everything in a figure once; matplotlib draws a figure with a layout twice otherwise."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine(None)
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


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


def new_figure(n_lines: int) -> tuple[Figure, Axes]:
    """A figure with axes, with space for so many lines of names beside them."""
    from matplotlib.figure import Figure

    # the names are beside the axes
    figure = Figure(figsize=(8.5, max(4.2, 0.24 * n_lines)), layout="constrained", dpi=120)
    return figure, figure.add_subplot()


def add_names(axes: Axes, names: chart_text.Labels, lines: Sequence[Line2D] | None = None) -> None:
    """Name the lines (by default all) at their ends, or in a legend beside the axes."""
    lines = axes.lines if lines is None else lines
    if len(names.texts) <= MAX_AT_ENDS and line_labels.fit(axes, names):
        return line_labels.add(axes, names, lines)
    place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5), "fontsize": 8, "frameon": False}
    # numbers first: matplotlib leaves out what begins with an underscore
    legend = axes.legend(lines, [str(i) for i in range(len(names.texts))], **place)
    for text, name in zip(legend.get_texts(), names.texts, strict=True):
        text.update({**names.style, "text": name})
    return None


def finish(figure: Figure, axes: Axes, title: str, note: str, grid: Any = "both") -> Figure:
    """Write the title, and a note below; `grid`: the axes that have one."""
    axes.set_title(title, fontsize=12, loc="left")
    axes.grid(axis=grid, alpha=0.3)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if note:
        figure.supxlabel(fill(note, NOTE_WIDTH), fontsize=8, color="#555555", x=0.01, ha="left")
    return figure
