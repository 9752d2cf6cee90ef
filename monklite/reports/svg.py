"""matplotlib figures as SVG for a page: in the colours of the page, dark or light, with the points that can be pointed at."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from .charts import default_style, placed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# SVG counts in points
POINTS_PER_INCH = 72
# inches of a figure in a page
MAX_WIDTH = 5.4
# inches below the lowest part of a figure: its note stands in the page, not in the space that was left for it
BELOW = 0.05
# points of a curve that can be pointed at
MAX_POINTS = 200
# matplotlib's colour of texts and axes, and of the note below a chart -> those of the page
PAGE_COLOURS = {"#000000": "currentColor", "#555555": "var(--muted)", "#b0b0b0": "var(--grid)"}
_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r' (?:width|height)="[\d.]+pt"')
_BOX = re.compile(r'(viewBox="0 0 [\d.]+ )([\d.]+)"')
_ID = re.compile(r'(\bid="|xlink:href="#|url\(#)')


def of_figure(figure: Figure, prefix: str) -> tuple[str, list[list[Any]]]:
    """The figure as an SVG element, and the points of its named curves as `[x, y, text]` in the element's coordinates.

    Args:
        prefix: of the names of its parts, which must be unique in a page.
    """
    with default_style():
        from matplotlib import rc_context

        # texts of a larger one could not be read on a telephone
        width, height = figure.get_size_inches()
        figure.set_size_inches(min(width, MAX_WIDTH), height)
        figure.patch.set_alpha(0)
        for axes in figure.axes:
            axes.patch.set_alpha(0)
        content = io.StringIO()
        with (
            rc_context({"svg.fonttype": "none", "svg.hashsalt": "monklite", "font.family": "sans-serif"}),
            placed(figure),
        ):
            figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
        points = [point for axes in figure.axes for point in _points(figure, axes)]
        unused = max(0.0, figure.get_tightbbox().y0 - BELOW) * POINTS_PER_INCH
    text = _SIZE.sub("", _METADATA.sub("", _HEAD.sub("", content.getvalue())), count=2)
    text = _BOX.sub(lambda match: f'{match[1]}{float(match[2]) - unused:g}"', text, count=1)
    text = _ID.sub(lambda match: f"{match[0]}{prefix}-", text)
    for colour, own in PAGE_COLOURS.items():
        text = text.replace(colour, own)
    # the figure's text says what it shows; a reader hears the title that the page gives
    return text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1), points


def _points(figure: Figure, axes: Axes) -> list[list[Any]]:
    found: list[list[Any]] = []
    height = figure.bbox.height
    for line in axes.lines:
        name = str(line.get_gid() or "")
        if not name:
            continue
        x, y = (np.asarray(values, float) for values in line.get_data())
        shown = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        shown = shown[:: max(1, len(shown) // MAX_POINTS)]
        places = line.get_transform().transform(np.column_stack([x[shown], y[shown]])) * POINTS_PER_INCH / figure.dpi
        for (left, bottom), i in zip(places, shown, strict=True):
            top = height * POINTS_PER_INCH / figure.dpi - bottom
            found.append([round(left, 1), round(top, 1), _told(name, axes, x[i], y[i])])
    return found


def _told(name: str, axes: Axes, x: float, y: float) -> str:
    return f"{name}: {axes.get_xlabel()} {x:.4g}, {axes.get_ylabel()} {y:.4g}"
