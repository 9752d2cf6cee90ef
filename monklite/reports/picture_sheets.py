"""Sheets of pictures in groups, such as an image beside what a network sees in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import chart_text
from .charts import default_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# inches: the side of a picture, what is between pictures and around groups, the height of a line of text, the narrowest sheet
SIDE, GAP, MARGIN, LINE, MIN_WIDTH = 1.8, 0.08, 0.3, 0.14, 6.0
# characters of the title, the captions and the other texts that fit into an inch
TITLE_DENSITY, CAPTION_DENSITY, DENSITY = 10, 16.7, 15


class Picture(NamedTuple):
    """An image, uint8 (height, width, 3), and the lines of text above it."""

    image: np.ndarray
    lines: Sequence[str]


class Group(NamedTuple):
    """Pictures side by side and the text above them."""

    heading: str
    pictures: Sequence[Picture]


@default_style()
def sheet(title: str, note: str, groups: Sequence[Group]) -> Figure:
    """Draw groups, of the same number of pictures each, side by side and below each other; the sheet is about square."""
    return _Sheet(groups).draw(title, note)


class _Sheet:
    """Where everything stands, in inches from the upper left corner."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = groups
        lines = [line for group in groups for picture in group.pictures for line in picture.lines]
        names = list(dict.fromkeys([*(group.heading for group in groups), *lines]))
        self.labels = chart_text.labels(names)
        self.texts = dict(zip(names, self.labels.texts, strict=True))
        self.group_width = len(groups[0].pictures) * (SIDE + GAP) - GAP
        self.heading_height = max(_height(self._heading(group)) for group in groups)
        captions = (self._caption(picture) for group in groups for picture in group.pictures)
        self.caption_height = max(_height(caption) for caption in captions)
        self.group_height = self.heading_height + self.caption_height + SIDE
        self.columns = max(1, round(math.sqrt(len(groups) * self.group_height / self.group_width)))
        self.width = max(MIN_WIDTH, MARGIN + self.columns * (self.group_width + MARGIN))

    def draw(self, title: str, note: str) -> Figure:
        from matplotlib.figure import Figure

        title = fill(title, int(self.width * TITLE_DENSITY))
        note = fill(f"{note} {self.labels.note}".strip(), int(self.width * DENSITY))
        top = MARGIN + 2 * _height(title)
        bottom = top + math.ceil(len(self.groups) / self.columns) * (self.group_height + MARGIN)
        height = bottom + _height(note) + MARGIN / 2
        figure = Figure(figsize=(self.width, height), dpi=110)
        # one for all, in inches: axes of its own for each picture take several times as long
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        _text(axes, MARGIN, MARGIN / 2, title, fontsize=12)
        _text(axes, MARGIN, bottom, note, fontsize=8, color="#555555")
        for place, group in enumerate(self.groups):
            row, column = divmod(place, self.columns)
            x, y = MARGIN + column * (self.group_width + MARGIN), top + row * (self.group_height + MARGIN)
            self._group(axes, group, x, y)
        axes.set(xlim=(0, self.width), ylim=(height, 0))
        return figure

    def _group(self, axes: Axes, group: Group, x: float, y: float) -> None:
        _text(axes, x, y, self._heading(group), fontsize=8, weight="bold", **self.labels.style)
        y += self.heading_height + self.caption_height
        for picture in group.pictures:
            caption = self._caption(picture)
            _text(axes, x, y - _height(caption), caption, fontsize=8, **self.labels.style)
            axes.imshow(picture.image, extent=(x, x + SIDE, y + SIDE, y), aspect="auto")
            x += SIDE + GAP

    def _heading(self, group: Group) -> str:
        return fill(self.texts[group.heading], int(self.group_width * DENSITY * 0.9))

    def _caption(self, picture: Picture) -> str:
        return "\n".join(fill(self.texts[line], int(SIDE * CAPTION_DENSITY)) for line in picture.lines)


def _text(axes: Axes, x: float, y: float, text: str, **style: Any) -> None:
    axes.text(x, y, text, va="top", linespacing=1.1, **style)


def _height(text: str) -> float:
    return LINE * (text.count("\n") + 1) + LINE / 4
