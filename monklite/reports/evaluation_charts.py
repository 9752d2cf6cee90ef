"""The charts of an evaluation: confusion matrix, ROC, precision and recall, calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..figures import (
    AUC,
    AVERAGE_PRECISION,
    BRIER_SCORE,
    CALIBRATION_ERROR,
    MACRO_AUC,
    Curve,
    Estimate,
    Figures,
)
from ..records import ACCURACY
from ..runs.file_names import CALIBRATION_CHART, CONFUSION_CHART, PRECISION_RECALL_CHART, ROC_CHART
from . import chart_text, charts
from .charts import COLOURS, DASHES, GREY, default_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# classes with a line of their own; of more, the worst ones have one, and the mean of all
MAX_LINES, WORST_LINES = 8, 6
# classes whose counts and names are written in a confusion matrix, and those whose shares are, too
MAX_WRITTEN, MAX_WITH_SHARES = 30, 12
# characters of a name beside a matrix
MAX_CLASS_NAME = 28
# inches: below the axes of curves, and of each line of their legend
BELOW, LEGEND_LINE = 1.0, 0.185
# points of a mean curve
GRID = np.linspace(0, 1, 201)


def write(figures: Figures, folder: Path) -> None:
    """Write the charts into the folder of the evaluation; a curve that no class has is left out.

    Raises:
        StorageError: the folder cannot be written.
    """
    if figures.confusion:
        charts.save(confusion(figures), folder / CONFUSION_CHART)
    if any(c.roc.x for c in figures.classes.values()):
        charts.save(roc(figures), folder / ROC_CHART)
        charts.save(precision_recall(figures), folder / PRECISION_RECALL_CHART)
    charts.save(calibration(figures), folder / CALIBRATION_CHART)


def interval_text(estimate: Estimate, scale: float = 1.0, digits: int = 2) -> str:
    """`0.98 (0.95 to 0.99)`: a figure with its 95 % interval; `-` where there is none."""
    value, interval = in_parts(estimate, scale, digits)
    return f"{value} ({interval})" if interval else value


def in_parts(estimate: Estimate, scale: float = 1.0, digits: int = 2) -> tuple[str, str]:
    """`0.98` and `0.95 to 0.99`; `-` for a figure that there is none of, and "" for an interval."""
    value, low, high = (f"{scale * x:.{digits}f}" for x in (estimate.value, estimate.low, estimate.high))
    if np.isnan(estimate.value):
        return "-", ""
    return value, "" if np.isnan(estimate.low) else f"{low} to {high}"


@default_style()
def confusion(figures: Figures) -> Figure:
    """Draw the counts, and the share of each true class, which is also the colour."""
    from matplotlib.figure import Figure

    counts = np.array(figures.confusion)
    n, totals = len(counts), counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    names = chart_text.labels(figures.classes)
    texts = [chart_text.shorten(text, MAX_CLASS_NAME) for text in names.texts]
    cell = 0.85 if n <= 4 else 0.62 if n <= MAX_WITH_SHARES else 0.4 if n <= MAX_WRITTEN else 8 / n
    margin = 0.085 * max(map(len, texts)) + 1.4 if n <= MAX_WRITTEN else 1.2
    figure = Figure(figsize=(max(5.2, n * cell + margin), n * cell + margin), layout="constrained", dpi=120)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if n <= MAX_WRITTEN:
        _write_counts(axes, counts, shares)
        rows = [f"{text}  (n = {total:,})" for text, total in zip(texts, totals, strict=True)]
        axes.set_yticks(range(n), rows, fontsize=9 if n <= MAX_WITH_SHARES else 8, **names.style)
        upright = max(map(len, texts)) * 0.085 > cell
        turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if upright else {}
        axes.set_xticks(range(n), texts, fontsize=9 if n <= MAX_WITH_SHARES else 8, **turned, **names.style)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    accuracy = interval_text(figures.overall[ACCURACY], 100, 1)
    what = "rows: share of each true class" if n > MAX_WITH_SHARES else "count, and share of the true class"
    return _titled(figure, f"Confusion matrix, {_images(figures)}", f"accuracy {accuracy} %; {what}. {names.note}")


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    with_shares = len(counts) <= MAX_WITH_SHARES
    for (row, column), count in np.ndenumerate(counts):
        # zeros would hide where the errors are
        if not count and len(counts) > MAX_WITH_SHARES:
            continue
        share = shares[row, column]
        text = f"{count:,}\n{100 * share:.0f} %" if with_shares and count else f"{count:,}"
        size = (11 if len(counts) <= 4 else 9) if with_shares else 7
        axes.text(
            column, row, text, ha="center", va="center", fontsize=size, color="white" if share > 0.55 else "black"
        )


@default_style()
def roc(figures: Figures) -> Figure:
    """Draw sensitivity over 1 - specificity, one line per class with its area."""

    def mean_of(curves: Sequence[Curve]) -> np.ndarray:
        return np.mean([np.interp(GRID, curve.x, curve.y) for curve in curves], axis=0)

    figure, axes = _square(figures)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xlabel("1 - specificity: share of the other images that are taken for the class")
    axes.set_ylabel("sensitivity: share of the class's images that are found")
    names = _draw(axes, figures, "roc", AUC, mean_of, figures.overall.get(MACRO_AUC), "default")
    return _titled(figure, f"ROC curves, {_images(figures)}", f"Area under each curve with its 95 % interval. {names}")


@default_style()
def precision_recall(figures: Figures) -> Figure:
    """Draw precision over recall, one line per class with its average precision."""

    def mean_of(curves: Sequence[Curve]) -> np.ndarray:
        return np.mean([np.array(c.y)[np.searchsorted(c.x, GRID)] for c in curves], axis=0)

    figure, axes = _square(figures)
    axes.set_xlabel("recall: share of the class's images that are found")
    axes.set_ylabel("precision: share of the images taken for the class that are of it")
    names = _draw(axes, figures, "precision_recall", AVERAGE_PRECISION, mean_of, None, "steps-pre")
    note = f"Average precision of each class with its 95 % interval. {names}"
    return _titled(figure, f"Precision and recall, {_images(figures)}", note)


def _draw(
    axes: Axes,
    figures: Figures,
    curve: str,
    figure: str,
    mean_of: Callable[[Sequence[Curve]], np.ndarray],
    mean: Estimate | None,
    drawstyle: str,
) -> str:
    """Draw one line per class, the worst first if there are many; returns a note on how the names are written."""
    known = {name: c for name, c in figures.classes.items() if getattr(c, curve).x}
    drawn = list(known)
    if len(known) > MAX_LINES:
        drawn = sorted(known, key=lambda name: known[name].figures[figure].value)[:WORST_LINES]
    labels = chart_text.labels(drawn)
    entries = []
    for i, (name, text) in enumerate(zip(drawn, labels.texts, strict=True)):
        points = getattr(known[name], curve)
        style: dict[str, Any] = {"color": COLOURS[i % 8], "linestyle": DASHES[i % 4], "drawstyle": drawstyle}
        entries.append(
            (axes.plot(points.x, points.y, linewidth=1.6, gid=name, **style)[0], _entry(text, known[name], figure))
        )
    if len(known) > MAX_LINES:
        line = axes.plot(
            GRID, mean_of([getattr(c, curve) for c in known.values()]), color="black", linewidth=2.4, gid="mean"
        )[0]
        values = [c.figures[figure].value for c in known.values()]
        shown = interval_text(mean, digits=3) if mean else f"{np.mean(values):.3f}"
        entries.append((line, f"mean of {len(known)} classes: {shown}"))
        labels_note = f"The {WORST_LINES} worst of {len(known)} classes. {labels.note}"
    else:
        labels_note = labels.note
    # numbers first: matplotlib leaves out what begins with an underscore
    # below the axes, where it hides no curve however long the names are
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (-0.02, -0.1), "fontsize": 9, "frameon": False}
    legend = axes.legend([line for line, _ in entries], [str(i) for i in range(len(entries))], **place)
    for text_artist, (_, text) in zip(legend.get_texts(), entries, strict=True):
        text_artist.update({**labels.style, "text": text})
    return labels_note.strip()


def _entry(text: str, of_class: Any, figure: str) -> str:
    return f"{text}: {interval_text(of_class.figures[figure], digits=3)}, n = {of_class.positives:,}"


@default_style()
def calibration(figures: Figures) -> Figure:
    """Draw which share is right over the score, with intervals, above how many images have such a score."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.2, 6.8), dpi=120)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    figure.subplots_adjust(left=0.12, right=0.97, top=0.93, bottom=0.15, hspace=0.06)
    filled = [b for b in figures.calibration if b.share.count]
    x, share = [b.confidence for b in filled], np.array([b.share.value for b in filled])
    errors = [[b.share.value - b.share.low for b in filled], [b.share.high - b.share.value for b in filled]]
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    axes.errorbar(x, share, errors, color=COLOURS[0], marker="o", markersize=5, linewidth=1.2, capsize=3)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("share that is right, with its 95 % interval")
    widths = [b.high - b.low for b in figures.calibration]
    counts = [b.share.count for b in figures.calibration]
    below.bar([b.low for b in figures.calibration], counts, widths, align="edge", color=COLOURS[5], edgecolor="white")
    several = not figures.confusion
    below.set_ylabel("labels" if several else "images")
    below.set_xlabel("score of the label" if several else "score of the predicted class")
    for each in (axes, below):
        _plain(each)
    error = interval_text(figures.overall[CALIBRATION_ERROR], digits=3)
    brier = interval_text(figures.overall[BRIER_SCORE], digits=3)
    note = (
        f"Expected calibration error {error}, Brier score {brier}. On the dotted line, scores are true probabilities."
    )
    return _titled(figure, f"Calibration, {_images(figures)}", note)


def _images(figures: Figures) -> str:
    """The title's end: how many images, and of how many groups the intervals are."""
    of_groups = f" of {figures.n_groups:,} groups" if figures.n_groups is not None else ""
    return f"{figures.n_images:,} images{of_groups}"


def _square(figures: Figures) -> tuple[Figure, Axes]:
    """Square axes with space for the legend below; placed by hand, because matplotlib's own layout takes twice as long."""
    from matplotlib.figure import Figure

    n_lines = len(figures.classes) if len(figures.classes) <= MAX_LINES else WORST_LINES + 1
    side, left, top, below = 5.4, 0.72, 0.45, BELOW + LEGEND_LINE * n_lines
    width, height = left + side + 0.15, top + side + below
    figure = Figure(figsize=(width, height), dpi=120)
    axes = figure.add_axes((left / width, below / height, side / width, side / height))
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    _plain(axes)
    return figure, axes


def _plain(axes: Axes) -> None:
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _titled(figure: Figure, title: str, note: str) -> Figure:
    from textwrap import fill

    figure.suptitle(title, fontsize=12, x=0.01, ha="left")
    width = int(figure.get_figwidth() * 15.5)
    figure.supxlabel(fill(note.strip(), width), fontsize=8, color="#555555", x=0.01, ha="left")
    return figure
