"""The page of a search: how it went, what mattered, and its trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..files import write_text
from . import charts
from .pages import Drawn, drawn, render

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = "search.html"
# settings in the parallel coordinates, and trials
MOST_AXES, MOST_LINES = 10, 200


class _Trial(Protocol):
    @property
    def number(self) -> int: ...
    @property
    def value(self) -> float: ...
    @property
    def state(self) -> str: ...
    @property
    def values(self) -> Mapping[str, Any]: ...


class _Result(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def trials(self) -> Sequence[Any]: ...
    @property
    def table(self) -> list[dict[str, Any]]: ...
    @property
    def best_number(self) -> int: ...
    @property
    def importances(self) -> Mapping[str, float]: ...


def write(result: _Result, folder: Path) -> Path:
    """Write the page of a search into a folder, and return its path."""
    path = folder / PAGE
    write_text(
        path,
        render(
            "search.html", title=result.name, sentence=result.sentence, charts=list(_charts(result)), rows=result.table
        ),
    )
    return path


def _charts(result: _Result) -> Iterator[Drawn]:
    valued = [t for t in result.trials if t.value == t.value]
    if not valued:
        return
    low_is_good = result.metric == "loss"
    best = np.minimum.accumulate if low_is_good else np.maximum.accumulate
    says = f"the best of {len(valued)} trials is number {result.best_number}"
    yield drawn(_history(valued, best, result), "history", "How the search went", says)
    if result.importances:
        first = next(iter(result.importances))
        yield drawn(_importances(result), "importances", "What mattered", f"most: {first}")
    if len(valued) > 1:
        yield drawn(_parallel(valued, result, low_is_good), "parallel", "Settings of the trials", says)


def _scale(result: _Result) -> float:
    return 1.0 if result.metric == "loss" else 100.0


def _title(result: _Result) -> str:
    return "loss" if result.metric == "loss" else f"{result.metric}, %"


def _history(trials: Sequence[_Trial], best: Any, result: _Result) -> Figure:
    from matplotlib.ticker import MaxNLocator

    figure, axes = charts.new_figure(1)
    numbers = [t.number for t in trials]
    values = np.array([t.value for t in trials]) * _scale(result)
    for state, marker in (("trained", "o"), ("pruned", "x")):
        chosen = [i for i, t in enumerate(trials) if t.state == state]
        if chosen:
            axes.plot([numbers[i] for i in chosen], values[chosen], marker, label=f"trial, {state}")
    trained = [i for i, t in enumerate(trials) if t.state == "trained"]
    if trained:
        axes.step([numbers[i] for i in trained], best(values[trained]), where="post", label="best so far")
    axes.set_xlabel("trial")
    axes.set_ylabel(_title(result))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    return charts.finish(figure, axes, "How the search went", "")


def _importances(result: _Result) -> Figure:
    figure, axes = charts.new_figure(1)
    least_first = list(reversed(list(result.importances.items())))
    names = [_name(path) for path, _ in least_first]
    axes.barh(names, [100 * share for _, share in least_first])
    axes.set_xlabel("share of the differences between trials that the setting explains, %")
    return charts.finish(figure, axes, "What mattered", "", grid="x")


def _parallel(trials: Sequence[_Trial], result: _Result, low_is_good: bool) -> Figure:
    """Each trial as a line over its settings; the darker, the better."""
    import matplotlib as mpl

    figure, axes = charts.new_figure(1)
    paths = [*result.importances, *(p for t in trials for p in t.values if p not in result.importances)]
    columns = [_Column(path, [t.values.get(path) for t in trials]) for path in [*dict.fromkeys(paths)][:MOST_AXES]]
    columns.append(_Column(_title(result), [t.value * _scale(result) for t in trials]))
    order = np.argsort([-t.value if low_is_good else t.value for t in trials])[-MOST_LINES:]
    ranks = np.linspace(0.15, 1.0, len(order))
    for rank, i in zip(ranks, order, strict=True):
        axes.plot(
            range(len(columns)), [c.places[i] for c in columns], color=mpl.colormaps["viridis_r"](rank), linewidth=1.2
        )
    for x, column in enumerate(columns):
        axes.axvline(x, color="0.6", linewidth=0.8, zorder=0)
        for place, text in column.labels:
            axes.annotate(text, (x, place), xytext=(3, 0), textcoords="offset points", fontsize=7, va="center")
    axes.set_xticks(
        range(len(columns)), [_name(column.path) for column in columns], rotation=25, ha="right", fontsize=8
    )
    axes.set_yticks([])
    charts.finish(figure, axes, "Settings of the trials; the darker, the better", "")
    axes.grid(visible=False)
    return figure


class _Column:
    """A setting as an axis: the place of each trial on it, 0 to 1, and labels at some places."""

    def __init__(self, path: str, values: Sequence[Any]) -> None:
        self.path = path
        numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
        if len(numbers) == sum(v is not None for v in values):
            self._of_numbers(values, numbers)
        else:
            self._of_texts([str(v) for v in values])

    def _of_numbers(self, values: Sequence[Any], numbers: Sequence[float]) -> None:
        low, high = min(numbers), max(numbers)
        log = low > 0 and high / low > 50
        scaled = np.log if log else np.asarray
        first, last = float(scaled(low)), float(scaled(high))
        width = last - first or 1.0
        self.places = [float("nan") if v is None else (float(scaled(v)) - first) / width for v in values]
        self.labels = [(0.0, f"{low:.3g}"), (1.0, f"{high:.3g}")] if high > low else [(0.0, f"{low:.3g}")]

    def _of_texts(self, values: Sequence[str]) -> None:
        names = sorted({*values})
        step = 1 / max(1, len(names) - 1)
        self.places = [names.index(value) * step for value in values]
        self.labels = [(i * step, name) for i, name in enumerate(names)]


def _name(path: str) -> str:
    """A setting in a few words."""
    return path.removeprefix("training.").removeprefix("data.").replace(".params.", ": ")
