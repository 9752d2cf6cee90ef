"""The steps that prepare a picture as nodes of ONNX, each as its counterpart in `data.decode` and `data.decoded_colours`.

Pictures are uint8 (n, 3, height, width) here. Each function adds its nodes to a graph and returns the name of the result.
`side`: of the pictures once they are squeezed, px; their pixels are changed after that.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.decoded_colours import LEVELS
from .graph import Graph

LUMA_WEIGHTS, LUMA_SUM = (299, 587, 114), 1000


def resize(graph: Graph, pictures: str, side: int, input_size: int) -> str:
    """Pillow's bilinear resizing, up to 1 of 255: both average over the pixels that a new one covers, without those outside."""
    sides = graph.add("Concat", graph.shape(pictures, 0, 2), graph.constant([input_size, input_size]), axis=0)
    how: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return graph.add("Resize", pictures, "", "", sides, antialias=1, exclude_outside=1, **how)


def center_crop(graph: Graph, pictures: str, side: int, input_size: int) -> str:
    sides = graph.shape(pictures, 2, 4)
    cropped = graph.add("Min", sides, graph.constant([input_size]))
    first = graph.add("Div", graph.add("Sub", sides, cropped), graph.constant([2]))
    return graph.add("Slice", pictures, first, graph.add("Add", first, cropped), graph.constant([2, 3]))


def grayscale(graph: Graph, pictures: str, side: int, num_output_channels: int) -> str:
    return graph.add("Concat", *[_luma(graph, pictures)] * num_output_channels, axis=1)


def _luma(graph: Graph, pictures: str) -> str:
    """Brightness by ITU-R BT.601, uint8 (n, 1, height, width)."""
    weights = graph.constant(LUMA_WEIGHTS, "int32")
    columns = graph.add("Reshape", weights, graph.constant([1, 3, 1, 1]))
    weighted = graph.add("Mul", graph.cast(pictures, "int32"), columns)
    total = graph.add("ReduceSum", weighted, graph.constant([1]), keepdims=1)
    rounded = graph.add("Add", total, graph.constant(LUMA_SUM // 2, "int32"))
    return graph.cast(graph.add("Div", rounded, graph.constant(LUMA_SUM, "int32")), "uint8")


def clahe(graph: Graph, pictures: str, side: int, clip_limit: float, grid: int) -> str:
    """Computed in float64 as there, so that only sums in another order can turn the rounding."""
    n_tiles, luma = min(grid, side), _luma(graph, pictures)
    levels = graph.cast(graph.add("Reshape", luma, graph.constant([0, side * side])), "int64")
    tables = _tables(graph, levels, side, n_tiles, clip_limit)
    corners = [_table_values(graph, tables, levels, places, share) for places, share in _nearest(side, n_tiles)]
    changed = graph.add("Reshape", graph.add("Sum", *corners), graph.constant([0, 1, side, side]))
    change = graph.add("Sub", changed, graph.cast(luma, "float64"))
    moved = graph.add("Round", graph.add("Add", graph.cast(pictures, "float64"), change))
    ends = (graph.constant(value, "float64") for value in (0, LEVELS - 1))
    return graph.cast(graph.add("Clip", moved, *ends), "uint8")


def _tables(graph: Graph, levels: str, side: int, n_tiles: int, clip_limit: float) -> str:
    """The new brightness for each level of each tile, float64 (n, tiles * levels)."""
    edges = np.linspace(0, side, n_tiles + 1).astype(int)
    of_side = np.repeat(np.arange(n_tiles), np.diff(edges))
    tile = (of_side[:, None] * n_tiles + of_side).ravel()
    sizes = np.bincount(tile).astype(float)[None, :, None]
    places = graph.add("Add", levels, graph.constant(tile * LEVELS))
    n = graph.shape(levels, 0, 1)
    none, each = (_filled(graph, value, n, width) for value, width in ((0, len(sizes[0]) * LEVELS), (1, side * side)))
    counted = graph.add("ScatterElements", none, places, each, axis=1, reduction="add")
    counts = graph.add("Reshape", counted, graph.constant([0, -1, LEVELS]))
    limits, size = (graph.constant(v, "float64") for v in (clip_limit * sizes / LEVELS, sizes))
    spread = _spread(graph, graph.add("Min", counts, limits), limits, size)
    summed = graph.add("CumSum", spread, graph.constant(2))
    tables = graph.add("Mul", summed, graph.constant((LEVELS - 1) / sizes, "float64"))
    return graph.add("Reshape", tables, graph.constant([0, -1]))


def _filled(graph: Graph, value: float, n: str, width: int) -> str:
    """The same number n times, float64 (n, width)."""
    return graph.add(
        "Expand", graph.constant(value, "float64"), graph.add("Concat", n, graph.constant([width]), axis=0)
    )


def _spread(graph: Graph, counts: str, limits: str, size: str) -> str:
    """Counts with what they have lost beyond the limits spread over the levels below them, as `_table` does it by turns."""
    turn = Graph(graph)
    before, number, goes_on = turn.name("counts"), turn.name("number"), turn.name("goes_on")
    axis = turn.constant([2])
    below = turn.add("Less", before, limits)
    n_below = turn.add("ReduceSum", turn.cast(below, "float64"), axis, keepdims=1)
    left = turn.add("Sub", size, turn.add("ReduceSum", before, axis, keepdims=1))
    is_active = turn.add(
        "And",
        turn.add("Greater", left, turn.constant(1e-6, "float64")),
        turn.add("Greater", n_below, turn.constant(0, "float64")),
    )
    share = turn.add("Div", left, turn.add("Max", n_below, turn.constant(1, "float64")))
    filled = turn.add("Min", turn.add("Add", before, share), limits)
    after = turn.add("Where", turn.add("And", below, is_active), filled, before)
    again = turn.cast(turn.add("ReduceMax", turn.cast(is_active, "int32"), keepdims=0), "bool")
    body = turn.branch([again, after], {number: ("int64", []), goes_on: ("bool", []), before: ("float64", None)})
    return graph.add("Loop", "", graph.constant(True, "bool"), counts, body=body)


def _nearest(side: int, n_tiles: int) -> Any:
    """For each of the four nearest tiles of every pixel, where its table begins and its share, (side * side,) each."""
    place = np.clip((np.arange(side) + 0.5) / side * n_tiles - 0.5, 0, n_tiles - 1)
    low = place.astype(int)
    share = place - low
    ends = ((low, 1 - share), (np.minimum(low + 1, n_tiles - 1), share))
    for row, down in ends:
        for column, across in ends:
            yield (row[:, None] * n_tiles + column).ravel() * LEVELS, np.outer(down, across).ravel()


def _table_values(graph: Graph, tables: str, levels: str, places: np.ndarray, share: np.ndarray) -> str:
    """The share of each pixel's new brightness that one of its tiles gives, float64 (n, side * side)."""
    found = graph.add("GatherElements", tables, graph.add("Add", levels, graph.constant(places)), axis=1)
    return graph.add("Mul", found, graph.constant(share, "float64"))
