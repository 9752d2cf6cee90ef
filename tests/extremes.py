"""The values at both ends of what a rule accepts, and those just inside and in the middle."""

from __future__ import annotations

import math
from typing import Any

from monklite.catalog.losses import Axis, Smoothing
from monklite.catalog.transforms import Slants
from monklite.rules import Flag, ListOf, Number, NumberOrList, OneOf, OrAuto, OrNone, PerClass, Rule, Whole

N_CLASSES = 2


def ends(rule: Rule) -> list[Any]:
    """The smallest and the largest value that a rule accepts."""
    if isinstance(rule, Whole):
        return [int(value) for value in _bounds(rule, 1)]
    if isinstance(rule, Number):
        return _bounds(rule)
    if isinstance(rule, Flag):
        return [False, True]
    if isinstance(rule, OneOf):
        return list(rule.choices)
    if isinstance(rule, Smoothing):
        return [True, False, 0.0, math.nextafter(1, 0)]
    if isinstance(rule, Axis):
        return list(rule.axes)
    if isinstance(rule, (OrNone, OrAuto)):
        return [None, *ends(rule.rule)]
    if isinstance(rule, NumberOrList):
        return [*ends(rule.number), *ends(rule.items)]
    if isinstance(rule, Slants):
        return [0, rule.most, [-rule.most, rule.most], [-rule.most, -rule.most, rule.most, rule.most]]
    if isinstance(rule, PerClass):
        low, high = ends(rule.item)
        return [[low] * N_CLASSES, [low, high], [high] * N_CLASSES]
    if isinstance(rule, ListOf):
        low, high = ends(rule.item)
        if rule.length is None:
            return [[], [low], [high], [low, high]]
        return [[low] * rule.length, [high] * rule.length, [low] * (rule.length - 1) + [high]]
    raise TypeError(f"the ends of {type(rule).__name__} are not known")


def inner(rule: Rule) -> list[Any]:
    """Values just inside the ends of a rule, in the middle, and odd ones; none for rules of a few values."""
    if isinstance(rule, Whole):
        low, high = ends(rule)
        return sorted(v for v in {low + 1, low + 7, (low + high) // 2, high - 1} if low < v < high)
    if isinstance(rule, Number):
        low, high = ends(rule)
        # the middle by size too: half of 1e30 is nearly as large
        middle = math.sqrt(max(low, 1e-30) * high)
        values = {
            math.nextafter(low, high),
            low + min(1.0, high - low) / 3,
            (low + high) / 2,
            math.nextafter(high, low),
        }
        return sorted({*values, middle} - {low, high})
    if isinstance(rule, (OrNone, OrAuto)):
        return inner(rule.rule)
    if isinstance(rule, NumberOrList):
        return [*inner(rule.number), *inner(rule.items)]
    if isinstance(rule, PerClass):
        return [[value] * N_CLASSES for value in inner(rule.item)] + [[1e-30, 1.0], [1.0, 1e20]]
    if isinstance(rule, Smoothing):
        return [5e-324, 1 / 3, 0.5, 0.999]
    if isinstance(rule, ListOf):
        items = inner(rule.item)
        if rule.length is None:
            return [items, items[::2]]
        return [[item] * rule.length for item in items] + [(items * rule.length)[: rule.length]] * (not rule.ordered)
    return []


def _bounds(rule: Number, step: int = 0) -> list[Any]:
    def inwards(bound: float, towards: float) -> float:
        return bound + math.copysign(step, towards) if step else math.nextafter(bound, towards)

    low = rule.least if rule.least is not None else inwards(rule.above, math.inf) if rule.above is not None else None
    high = (
        rule.most if rule.most is not None else inwards(rule.below, -math.inf) if rule.below is not None else rule.limit
    )
    assert low is not None and high is not None, f"{rule} has no bound on one side"
    return [low, high]
