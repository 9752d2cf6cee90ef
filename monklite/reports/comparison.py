"""The entries of a comparison: runs read from disk with their labels, ranked and tested against each other."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import MonkliteError
from ..records import DatasetRecord, EpochRow, Testing
from ..runs import evaluations, history, predictions
from ..runs.file_names import HISTORY
from ..runs.run import Run
from ..runs.state import RunState
from ..statistics import paired


@dataclass(frozen=True)
class Entry:
    """One run of a comparison.

    `label`: its name in charts and tables. `correct`: whether each test image was classified correctly, bool (n,), sorted by
    name; None if the run was not tested, or the table of its predictions is missing, damaged or of another test.
    """

    label: str
    run: Run
    state: RunState
    history: tuple[EpochRow, ...] = ()
    correct: np.ndarray | None = None

    @property
    def gpu_mib(self) -> float | None:
        """Peak GPU memory, MiB: of the process if the driver reports it, else of the framework's tensors."""
        results = self.state.results
        if results is None:
            return None
        return results.gpu_process_mib if results.gpu_process_mib is not None else results.gpu_framework_mib

    @property
    def on_gpu(self) -> bool:
        model = self.state.model
        return model is not None and model.on_gpu


@dataclass(frozen=True)
class Pair:
    """The best run on the test set compared with another one on the same images.

    `best`, `other`: their labels. `only_best`, `only_other`: images that only one of them gets right. `p_value`: of the exact
    McNemar test that they are equally good, adjusted for the number of pairs of runs (Bonferroni).
    """

    best: str
    other: str
    only_best: int
    only_other: int
    p_value: float


def collect(runs: Iterable[Run], warn: Callable[[str], None] | None = None, details: bool = True) -> list[Entry]:
    """Read the runs; each gets the shortest unambiguous label.

    Args:
        warn: called with a message for each run that cannot be read, which is left out. details: whether to read the histories
            and predictions.

    Raises:
        DamagedFile, NotFound: a run cannot be read, and there is no `warn`. StorageError: predictions cannot be read now,
            without which the comparison would say less than it knows.
    """
    readable = []
    for run in runs:
        try:
            readable.append(_read(run, details))
        except MonkliteError as error:
            if warn is None:
                raise
            warn(f"{run} is left out: {error}")
    labels = _labels([entry.state for entry in readable])
    entries = [replace(entry, label=label) for label, entry in zip(labels, readable, strict=True)]
    return [replace(e, correct=_correct_images(e.run, e.state.testing)) for e in entries] if details else entries


def _read(run: Run, details: bool) -> Entry:
    state = run.state()
    if not details:
        return Entry("", run, state)
    return Entry("", run, state, tuple(history.read(run.logs / HISTORY)))


def image_sets(records: Sequence[DatasetRecord | Testing]) -> list[str]:
    """For each record a text that is equal for equal images: by their bytes, or by their sizes if a record is too old."""
    by_content = all(record.content for record in records)
    return [record.content if by_content else record.fingerprint for record in records]


def _labels(states: Sequence[RunState]) -> list[str]:
    """`experiment`, else `project/experiment`; with the version if several versions of an experiment are compared."""
    projects: dict[str, set[str]] = {}
    for state in states:
        projects.setdefault(state.experiment, set()).add(state.project)
    n_versions = Counter((state.project, state.experiment) for state in states)
    labels = []
    for state in states:
        is_unique = len(projects[state.experiment]) == 1
        name = state.experiment if is_unique else f"{state.project}/{state.experiment}"
        has_one_version = n_versions[state.project, state.experiment] == 1
        labels.append(name if has_one_version else f"{name} v{state.version:03d}")
    return labels


def curves(entries: Sequence[Entry], column: str) -> dict[str, list[float]]:
    """One column of each run's history, by label; empty for a run without epochs, which so keeps its colour."""
    return {entry.label: [getattr(row, column) for row in entry.history] for entry in entries}


def ranked(entries: Sequence[Entry]) -> list[Entry]:
    """The runs sorted by their best figure on validation, the best first; runs without one are last.

    The figure is the one that decided in all of them; by accuracy where it was not the same one.
    """
    figures = {entry.state.results.figure for entry in entries if entry.state.results}

    def score(entry: Entry) -> float:
        results = entry.state.results
        value = None if results is None else results.best_figure if len(figures) == 1 else results.best_val_accuracy
        return -math.inf if value is None or math.isnan(value) else value

    return sorted(entries, key=score, reverse=True)


def pairs(entries: Sequence[Entry]) -> list[Pair]:
    """Among the runs that were tested on the same images, the one with the best test accuracy paired with each other one."""
    tested = [(e.label, e.state.testing, e.correct) for e in entries if e.state.testing and e.correct is not None]
    # the same images, predicted in the same way
    sets = image_sets([test for _, test, _ in tested])
    images = [(s, tuple(sorted(t.thresholds.items())), t.views) for s, (_, t, _) in zip(sets, tested, strict=True)]
    same = [[run for run, own in zip(tested, images, strict=True) if own == shared] for shared in dict.fromkeys(images)]
    # the best run was chosen on the same test images, so all pairs count (Bonferroni)
    n_pairs = sum(len(runs) * (len(runs) - 1) // 2 for runs in same)
    return [replace(pair, p_value=min(1.0, pair.p_value * n_pairs)) for runs in same for pair in _pairs_with_best(runs)]


def _pairs_with_best(tested: Sequence[tuple[str, Testing, np.ndarray]]) -> Iterator[Pair]:
    """Pairs of runs that were tested on the same images; their p-values are of one comparison alone."""
    best = max(range(len(tested)), key=lambda i: tested[i][1].accuracy)
    best_label, _, a = tested[best]
    for i, (label, _, b) in enumerate(tested):
        if i != best:
            only_best, only_other = int((a & ~b).sum()), int((b & ~a).sum())
            yield Pair(best_label, label, only_best, only_other, paired.mcnemar(a, b))


def _correct_images(run: Run, test: Testing | None) -> np.ndarray | None:
    if test is None:
        return None
    correct = predictions.read_correct(evaluations.predictions_file(run, test), test.predictions)
    fits = correct is not None and (len(correct), correct.sum()) == (test.num_images, test.num_correct)
    return correct if fits else None
