"""The values at both ends of what a rule accepts, and the settings that they make."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from monklite.catalog import LOSSES, OPTIMIZERS, SCHEDULES, TRANSFORMS
from monklite.catalog.losses import Axis, Smoothing
from monklite.catalog.rows import REQUIRED, Parameter, Row
from monklite.rules import Flag, ListOf, Number, OneOf, OrNone, PerClass, Rule, Whole

REQUIRED_VALUES = {
    "learning_rate": 0.01, "step_size": 1, "milestones": [1], "gamma": 0.5, "degrees": 10, "input_size": 32,
}  # fmt: skip
N_CLASSES = 2


@dataclass(frozen=True)
class Extreme:
    """A method of the façade and its arguments, one of them extreme."""

    method: str
    arguments: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"


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
    if isinstance(rule, OrNone):
        return [None, *ends(rule.rule)]
    if isinstance(rule, PerClass):
        low, high = ends(rule.item)
        return [[low] * N_CLASSES, [low, high], [high] * N_CLASSES]
    if isinstance(rule, ListOf):
        low, high = ends(rule.item)
        if rule.length is None:
            return [[], [low], [high], [low, high]]
        return [[low] * rule.length, [high] * rule.length, [low] * (rule.length - 1) + [high]]
    raise TypeError(f"the ends of {type(rule).__name__} are not known")


def _bounds(rule: Number, step: int = 0) -> list[Any]:
    def inwards(bound: float, towards: float) -> float:
        return bound + math.copysign(step, towards) if step else math.nextafter(bound, towards)

    low = rule.least if rule.least is not None else inwards(rule.above, math.inf) if rule.above is not None else None
    high = (
        rule.most if rule.most is not None else inwards(rule.below, -math.inf) if rule.below is not None else rule.limit
    )
    assert low is not None and high is not None, f"{rule} has no bound on one side"
    return [low, high]


def settings(backend: str) -> Iterator[Extreme]:
    """Every parameter of each optimizer, schedule, loss and transform of a backend, at each end."""
    for prefix, rows in (("optimizer", OPTIMIZERS), ("lr", SCHEDULES), ("loss", LOSSES), ("apply", TRANSFORMS)):
        for row in rows.values():
            if row.is_available(backend):
                for parameter in row.parameters:
                    if row.supports(backend, parameter):
                        yield from _of_parameter(prefix, row, parameter)


def _of_parameter(prefix: str, row: Row, parameter: Parameter) -> Iterator[Extreme]:
    right = {p.name: REQUIRED_VALUES[p.name] for p in row.parameters if p.default is REQUIRED}
    if prefix == "apply":
        right |= {"train": True, "val": not row.random}
    for value in ends(parameter.rule):
        yield Extreme(f"{prefix}_{row.name}", {**right, parameter.name: value})
