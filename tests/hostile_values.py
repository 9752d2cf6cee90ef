"""Hostile values in the place of each value of nested ones, as JSON files have them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

HOSTILE: tuple[Any, ...] = (
    None, -1, 0, 1, True, 10**18, 10**400, 0.5, 1e300, float("inf"), float("-inf"), float("nan"), "", "x", "NaN", "1",
    "x" * 100_000, "\x1b[31m", [], [1], [None, "a"], {}, {"a": 1}, {"x" * 5_000: []},
)  # fmt: skip
REMOVED = object()


def places(value: Any, before: tuple = ()) -> list[tuple]:
    """The way to every value in nested ones."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [p for key, item in inner for p in ((*before, key), *places(item, (*before, key)))]


def changed(values: Any, way: tuple, hostile: Any) -> Any:
    """A copy of nested values with one of them replaced or, with `REMOVED`, left out."""
    result = copy.deepcopy(values)
    place = result
    for key in way[:-1]:
        place = place[key]
    if hostile is REMOVED:
        del place[way[-1]]
    else:
        place[way[-1]] = hostile
    return result


def variants(values: Any) -> Iterator[tuple[tuple, Any, Any]]:
    """Way, hostile value and changed copy, for every place and every hostile value."""
    for way in places(values):
        for hostile in (*HOSTILE, REMOVED):
            yield way, hostile, changed(values, way, hostile)


def shown(way: tuple, hostile: Any) -> str:
    return f"{'.'.join(map(str, way))} = {'(removed)' if hostile is REMOVED else str(type(hostile)) + repr_of(hostile)}"


def repr_of(hostile: Any) -> str:
    return (
        f"10**400 ({hostile.bit_length()} bits)"
        if isinstance(hostile, int) and hostile > 10**20
        else repr(hostile)[:40]
    )


def with_other_arrays(arrays: dict[str, Any], name: str, value: Any) -> Iterator[dict[str, Any]]:
    """Arrays in which one is missing, of another type or shape, empty, or has other values."""
    array, others = arrays[name], {n: a for n, a in arrays.items() if n != name}
    yield others
    for other in (array.astype("int64"), array.astype("float64"), array.reshape(-1)[:0], array[None], value):
        yield {**others, name: other}
