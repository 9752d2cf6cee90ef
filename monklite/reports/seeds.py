"""The spread of an experiment's results over its seeds: versions whose settings are equal but for the seed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .comparison import Entry
from .known_tests import image_sets, manner


@dataclass(frozen=True)
class Spread:
    """One figure of the versions of an experiment with different seeds.

    `name`: of the experiment. `figure`: its title. `n`: how many versions. `mean`, `deviation` (of the sample, n - 1), `low` and
    `high` (the smallest and the largest value): 0 to 1.
    """

    name: str
    figure: str
    n: int
    mean: float
    deviation: float
    low: float
    high: float


def spreads(entries: Sequence[Entry]) -> list[Spread]:
    """Of each experiment with several seeds, the spread of its validation accuracy and of its test accuracy."""
    found = []
    for group in _groups(entries):
        name = f"{group[0].state.project}/{group[0].state.experiment}"
        results = [e.state.results for e in group if e.state.results]
        tests = [e.testing for e in group if e.testing]
        found += _spread(name, "validation accuracy", [r.best_val_accuracy for r in results], len(group))
        if len(set(image_sets(tests))) == len(set(map(manner, tests))) == 1:
            found += _spread(name, "test accuracy", [test.accuracy for test in tests], len(group))
    return found


def _groups(entries: Sequence[Entry]) -> list[list[Entry]]:
    """The versions of each experiment that have different seeds and are equal otherwise, images included."""
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        state = entry.state
        settings = repr(state.spec.model_copy(update={"seed": 0}))
        images = state.dataset.content or state.dataset.fingerprint if state.dataset else ""
        group = groups.setdefault((state.project, state.experiment, settings, images), [])
        if state.spec.seed not in [other.state.spec.seed for other in group]:
            group.append(entry)
    return [group for group in groups.values() if len(group) > 1]


def _spread(name: str, figure: str, values: Sequence[float], n: int) -> list[Spread]:
    """None if a version does not have the figure."""
    if len(values) < n or any(map(math.isnan, values)):
        return []
    mean, deviation = statistics.fmean(values), statistics.stdev(values)
    return [Spread(name, figure, n, mean, deviation, min(values), max(values))]
