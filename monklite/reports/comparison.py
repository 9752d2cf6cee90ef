"""Runs that are compared: what each is called, and what can be counted over several. Numbers only: no words, no drawing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import MonkliteError
from ..records import EpochRow, Testing
from ..runs import history, predictions
from ..runs.file_names import HISTORY, PREDICTIONS
from ..runs.run import Run
from ..runs.state import RunState
from ..statistics import paired


@dataclass(frozen=True)
class Entry:
    """One run of a comparison, under the name that charts and tables call it by."""

    label: str
    run: Run
    state: RunState
    history: tuple[EpochRow, ...]

    @property
    def gpu_mib(self) -> float | None:
        """Peak GPU memory: of the process as the driver counts it, else of the framework's own tensors."""
        results = self.state.results
        if results is None:
            return None
        return results.gpu_process_mib if results.gpu_process_mib is not None else results.gpu_framework_mib

    @property
    def on_gpu(self) -> bool:
        model = self.state.model
        return model is not None and not model.device.startswith("cpu")


@dataclass(frozen=True)
class Pair:
    """The best run on the test set against another one on the same images.

    `only_best`, `only_other`: images that just one of them gets right. `p_value`: that they are equally good, exact
    McNemar test, adjusted for the number of pairs of runs (Bonferroni).
    """

    best: str
    other: str
    only_best: int
    only_other: int
    p_value: float


def collect(runs: Iterable[Run], tell: Callable[[str], None] | None = None, curves: bool = True) -> list[Entry]:
    """Read the runs; each gets the shortest name that tells it from the others.

    Args:
        tell: told of each run that cannot be read, which is then left out. curves: False leaves the histories unread.

    Raises:
        DamagedFile, NotFound: a run cannot be read, and there is no `tell`.
    """
    readable = []
    for run in runs:
        try:
            readable.append((run, run.state(), tuple(history.read(run.logs / HISTORY)) if curves else ()))
        except MonkliteError as error:
            if tell is None:
                raise
            tell(f"{run} is left out: {error}")
    labels = _labels([state for _, state, _ in readable])
    return [Entry(label, *parts) for label, parts in zip(labels, readable, strict=True)]


def _labels(states: Sequence[RunState]) -> list[str]:
    """`experiment`, else `project/experiment`, with the version where one experiment stands in more than one."""
    projects: dict[str, set[str]] = {}
    for s in states:
        projects.setdefault(s.experiment, set()).add(s.project)
    times = Counter((s.project, s.experiment) for s in states)
    labels = []
    for s in states:
        name = s.experiment if len(projects[s.experiment]) == 1 else f"{s.project}/{s.experiment}"
        labels.append(name if times[s.project, s.experiment] == 1 else f"{name} v{s.version:03d}")
    return labels


def curves(entries: Sequence[Entry], column: str) -> dict[str, list[float]]:
    """One column of the history for each run; a run that has none gives an empty line and keeps its colour."""
    return {e.label: [getattr(r, column) for r in e.history] for e in entries}


def foremost(entries: Sequence[Entry]) -> list[Entry]:
    """The runs in the order of the figure that decides on validation, the best first; then those that have none."""
    return sorted(entries, key=_rank, reverse=True)


def _rank(entry: Entry) -> float:
    results = entry.state.results
    return -math.inf if results is None or math.isnan(results.best_figure) else results.best_figure


def pairs(entries: Sequence[Entry]) -> list[Pair]:
    """The run with the best test accuracy against each other run that was tested on the same images."""
    tested = {
        e.label: (test, right) for e in entries if (test := e.state.testing) and (right := _right(e, test)) is not None
    }
    if len(tested) < 2:
        return []
    best = max(tested, key=lambda label: tested[label][0].accuracy)
    test, a = tested[best]
    same = [label for label, (t, _) in tested.items() if label != best and t.fingerprint == test.fingerprint]
    found = []
    for label in same:
        b = tested[label][1]
        found.append(Pair(best, label, int((a & ~b).sum()), int((b & ~a).sum()), paired.mcnemar(a, b)))
    return _adjusted(found, len(found) + 1)


def _adjusted(found: list[Pair], n_runs: int) -> list[Pair]:
    """Multiply p-values by the number of all pairs (Bonferroni): the best was chosen on the same test images."""
    factor = n_runs * (n_runs - 1) / 2
    return [replace(pair, p_value=min(1.0, pair.p_value * factor)) for pair in found]


def _right(entry: Entry, test: Testing) -> np.ndarray | None:
    """Whether each test image was answered right; None where the table is gone, damaged, or of another test."""
    right = predictions.right_answers(entry.run.logs / PREDICTIONS)
    fits = right is not None and (len(right), right.sum()) == (test.num_images, test.num_correct)
    return right if fits else None
