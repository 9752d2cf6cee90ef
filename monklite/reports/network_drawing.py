"""Draw a user's own network as a graph: layers from top to bottom, branches side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..catalog.custom_networks import Node
from ..catalog.layer_shapes import shape_text
from ..errors import cut
from .charts import COLOURS, default_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# inches
BOX_WIDTH, BOX_HEIGHT, GAP, COLUMN_GAP, MARGIN, TITLE_HEIGHT = 2.7, 0.44, 0.24, 0.3, 0.25, 0.5
# of the two lines in a box: font size in points, and the characters that fit
LINES = ((8.5, 40), (6.8, 58))
# px; a larger picture could not be opened
MAX_PIXELS, DPI = 30_000, 110
# the beginning of a layer's name -> colour; others are activations
KINDS = {
    "convolution": COLOURS[0],
    "transposed": COLOURS[5],
    "max_pooling": COLOURS[2],
    "average_pooling": COLOURS[2],
    "global": COLOURS[2],
    "fully_connected": COLOURS[3],
    "batch": "#8A8A8A",
    "instance": "#8A8A8A",
    "layer": "#8A8A8A",
    "dropout": COLOURS[7],
    "flatten": "#C8C8C8",
    "identity": "#C8C8C8",
    "add": COLOURS[6],
    "concatenate": COLOURS[6],
}
ACTIVATION = COLOURS[4]
# parameters that are always told -> how; others are told where they differ from their defaults
ALWAYS = {
    "output_channels": "{} channels",
    "units": "{} units",
    "kernel_size": "window {}",
    "drop_probability": "share {:g}",
}
NEVER = ("uid", "layout")


class Point(NamedTuple):
    x: float
    y: float


@default_style()
def draw(root: Node, title: str) -> Figure:
    """The network as a figure. Each box names a layer, its parameters and the shape of its result."""
    from matplotlib.figure import Figure

    width, height = _size(root)
    width, height = width + 2 * MARGIN, height + 2 * MARGIN + TITLE_HEIGHT + BOX_HEIGHT + GAP
    figure = Figure(figsize=(max(width, 4.0), height), dpi=min(DPI, MAX_PIXELS / max(width, height)))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, figure.get_figwidth())
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    axes.text(MARGIN, MARGIN + 0.1, cut(title, 60), fontsize=11, va="center")
    centre, top = figure.get_figwidth() / 2, MARGIN + TITLE_HEIGHT
    end = _box(axes, Point(centre, top), "images", shape_text(root.before) if root.before else "", "#FFFFFF")
    start = Point(centre, end.y + GAP)
    (_line if _begins_with_branches(root) else _arrow)(axes, end, start)
    _draw(axes, root, start)
    return figure


def _size(node: Node) -> tuple[float, float]:
    """Width and height of what is drawn for a node."""
    if not node.children:
        return BOX_WIDTH, BOX_HEIGHT
    sizes = [_size(child) for child in node.children]
    if node.choice is None:
        return max(width for width, _ in sizes), sum(height + GAP for _, height in sizes) - GAP
    widths = sum(width + COLUMN_GAP for width, _ in sizes) - COLUMN_GAP
    return max(widths, BOX_WIDTH), max(height for _, height in sizes) + 3 * GAP + BOX_HEIGHT


def _draw(axes: Axes, node: Node, top: Point) -> Point:
    """Draw a node below `top`, the middle of its upper side; returns the middle of its lower side."""
    if not node.children:
        return _layer(axes, node, top)
    if node.choice is not None:
        return _branches(axes, node, top)
    end = top
    for i, child in enumerate(node.children):
        if i:
            start = Point(end.x, end.y + GAP)
            (_line if _begins_with_branches(child) else _arrow)(axes, end, start)
            end = start
        end = _draw(axes, child, end)
    return end


def _begins_with_branches(node: Node) -> bool:
    return bool(node.children) and (node.choice is not None or _begins_with_branches(node.children[0]))


def _branches(axes: Axes, node: Node, top: Point) -> Point:
    sizes = [_size(child) for child in node.children]
    left = top.x - (sum(width for width, _ in sizes) + COLUMN_GAP * (len(sizes) - 1)) / 2
    bottom = top.y + GAP + max(height for _, height in sizes)
    merge = Point(top.x, bottom + 2 * GAP)
    for child, (width, _) in zip(node.children, sizes, strict=True):
        middle = left + width / 2
        _line(axes, top, Point(middle, top.y))
        _arrow(axes, Point(middle, top.y), Point(middle, top.y + GAP))
        end = _draw(axes, child, Point(middle, top.y + GAP))
        _line(axes, end, Point(middle, bottom + GAP))
        _line(axes, Point(middle, bottom + GAP), Point(top.x, bottom + GAP))
        left += width + COLUMN_GAP
    _arrow(axes, Point(top.x, bottom + GAP), merge)
    return _layer(axes, node, merge)


def _layer(axes: Axes, node: Node, top: Point) -> Point:
    choice = node.choice
    assert choice is not None
    colour = next((colour for kind, colour in KINDS.items() if choice.name.startswith(kind)), ACTIVATION)
    name = choice.name if node.title == choice.name else f"{node.title} ({choice.name})"
    shape = f"to {shape_text(node.after)}" if node.after and node.after != node.before else ""
    return _box(axes, top, name, ", ".join(filter(None, [*_told(node), shape])), colour)


def _told(node: Node) -> list[str]:
    """The parameters of a layer as they are shown."""
    choice, row = node.choice, node.row
    assert choice is not None and row is not None
    shown = [ALWAYS[name].format(_plain(choice.params[name])) for name in ALWAYS if name in choice.params]
    defaults = {p.name: p.default for p in row.parameters if p.name not in (*ALWAYS, *NEVER)}
    changed = {name: choice.params.get(name, default) for name, default in defaults.items()}
    return shown + [f"{n.replace('_', ' ')} {_plain(v)}" for n, v in changed.items() if v != defaults[n]]


def _plain(value: Any) -> Any:
    return " x ".join(map(str, value)) if isinstance(value, tuple) else value


def _box(axes: Axes, top: Point, name: str, detail: str, colour: str) -> Point:
    """A box with one or two lines of text below `top`; returns the middle of its lower side."""
    from matplotlib.patches import FancyBboxPatch

    corner = (top.x - BOX_WIDTH / 2, top.y)
    style: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.06", "edgecolor": "#404040", "linewidth": 0.8}
    axes.add_patch(FancyBboxPatch(corner, BOX_WIDTH, BOX_HEIGHT, facecolor=_light(colour), **style))
    texts = [name, detail] if detail else [name]
    for i, (text, (size, most)) in enumerate(zip(texts, LINES, strict=False)):
        y = top.y + BOX_HEIGHT * (i + 1) / (len(texts) + 1)
        # no formulas: a name may have dollar signs
        axes.text(top.x, y, cut(text, most), ha="center", va="center", fontsize=size, parse_math=False)
    return Point(top.x, top.y + BOX_HEIGHT)


def _light(colour: str) -> tuple[float, float, float]:
    """A colour mixed with white, on which black text is read easily."""
    from matplotlib.colors import to_rgb

    red, green, blue = (1 - 0.35 * (1 - part) for part in to_rgb(colour))
    return red, green, blue


def _line(axes: Axes, start: Point, end: Point) -> None:
    axes.plot([start.x, end.x], [start.y, end.y], color="#404040", linewidth=0.9, solid_capstyle="round")


def _arrow(axes: Axes, start: Point, end: Point) -> None:
    style: dict[str, Any] = {"arrowstyle": "-|>", "color": "#404040", "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=style)
