"""Names at the ends of lines and beside points: in one column right of the axes, none over another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .chart_text import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

FONT_SIZE = 9
# points from one line of text to the next, and inches of a figure above and below its axes
LINE_HEIGHT, MARGINS = 12.0, 1.1
# in axes: from the right end to the names
GAP = 0.04
NOTHING = " (no values)"


def fit(axes: Axes, names: Labels) -> bool:
    """Whether the names have space below each other beside the axes."""
    return names.n_lines * LINE_HEIGHT <= _height(axes)


def add(axes: Axes, names: Labels, lines: Sequence[Line2D]) -> None:
    """Write the name of each line beside the axes, in its colour, and lead to it from the line's last point.

    The limits of the axes are final then.
    """
    # the place of a point is known only now
    axes.set_xlim(axes.get_xlim())
    axes.set_ylim(axes.get_ylim())
    ends = [_end(line) for line in lines]
    # a line without a point is named last, below the others
    wanted = np.array([_fraction(axes, end)[1] if end else -1.0 for end in ends])
    sizes = np.array([(text.count("\n") + 1) * LINE_HEIGHT / _height(axes) for text in names.texts])
    for line, end, y, text in zip(lines, ends, spread(wanted, sizes), names.texts, strict=True):
        arrow = {"arrowstyle": "-", "color": line.get_color(), "linewidth": 0.8, "linestyle": line.get_linestyle()}
        # from the text itself to the point itself: a line that ends at their edges takes a fifth of the time of a chart
        arrow |= {"shrinkA": 0, "shrinkB": 0, "patchA": None, "relpos": (0, 0.5)}
        label = axes.annotate(
            "",
            end or (0.0, 0.0),
            (1 + GAP, y),
            textcoords="axes fraction",
            fontsize=FONT_SIZE,
            color=line.get_color(),
            va="center",
            arrowprops=arrow if end else None,
            annotation_clip=False,
        )
        label.update({**names.style, "text": text if end else text + NOTHING})


def spread(wanted: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Centres (n,) of intervals of these sizes, near the wanted centres, in 0 to 1, none over another one."""
    order = np.argsort(wanted, kind="stable")
    half, placed = sizes[order] / 2, np.clip(wanted[order], sizes[order] / 2, 1 - sizes[order] / 2)
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + half[i - 1] + half[i])
    # what was pushed over the upper end goes back, and pushes what is below
    for i in reversed(range(len(placed))):
        above = placed[i + 1] - half[i + 1] if i + 1 < len(placed) else 1.0
        placed[i] = min(placed[i], above - half[i])
    centres = np.empty(len(placed))
    centres[order] = placed
    return centres


def _height(axes: Axes) -> float:
    """The height of the axes of a figure, in points; about, because its layout is not known before it is drawn."""
    return (axes.figure.bbox.height / axes.figure.dpi - MARGINS) * 72


def _end(line: Line2D) -> tuple[float, float] | None:
    """The last point of a line that can be drawn."""
    points = np.column_stack(line.get_data()).astype(float)
    points = points[np.isfinite(points).all(axis=1)]
    return (float(points[-1, 0]), float(points[-1, 1])) if len(points) else None


def _fraction(axes: Axes, point: tuple[float, float]) -> tuple[float, float]:
    """A point of the data as a share of the axes."""
    x, y = axes.transAxes.inverted().transform(axes.transData.transform(point))
    return float(x), float(y)
