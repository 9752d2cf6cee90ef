"""The entries of a comparison: runs read from disk with their labels, and ranked."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ..decisions import held
from ..errors import DamagedFile, MonkliteError
from ..records import EpochRow, Testing
from ..runs import history, predictions
from ..runs.file_names import EVALUATED, HISTORY, VALIDATION
from ..runs.predictions import Predictions
from ..runs.run import Run
from ..runs.state import RunState
from . import known_tests
from .known_tests import Answers, KnownTest


@dataclass(frozen=True)
class Entry:
    """One run of a comparison.

    `label`: its name in charts and tables. `testing`: the test that is shown; None if the run was not tested. `predictions`: of
    its images; None if the table of predictions is missing, damaged or of another test. `other_tests`: those by which the run is
    compared with runs that were not tested on the images that are shown. `validated`: the predictions of the validation images
    by the best epoch, read only where these have groups, such as patients. `known_tests`: all by the weights of the run.
    """

    label: str
    run: Run
    state: RunState
    testing: Testing | None = None
    history: tuple[EpochRow, ...] = ()
    predictions: Predictions | None = None
    other_tests: tuple[Answers, ...] = ()
    validated: Predictions | None = None
    known_tests: tuple[KnownTest, ...] = ()

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


def collect(
    runs: Iterable[Run],
    warn: Callable[[str], None] | None = None,
    details: bool = True,
    is_preferred: Callable[[KnownTest], bool] = lambda test: False,
) -> list[Entry]:
    """Read the runs; each gets the shortest unambiguous label.

    Args:
        warn: called with a message for each run that cannot be read, which is left out, and for each of its tests. details:
            whether to read the histories and predictions, and to show the tests that most runs share; otherwise the newest.
        is_preferred: the tests that are shown before all others.

    Raises:
        DamagedFile, NotFound: a run cannot be read, and there is no `warn`. StorageError: predictions cannot be read now,
            without which the comparison would say less than it knows.
    """
    readable = []
    for run in runs:
        try:
            readable.append(_read(run, details, warn or _refuse))
        except MonkliteError as error:
            if warn is None:
                raise
            warn(f"{run} is left out: {error}")
    labels = _labels([entry.state for entry in readable])
    entries = [replace(entry, label=label) for label, entry in zip(labels, readable, strict=True)]
    if not details:
        return entries
    tested = _tested(entries, is_preferred)
    return [replace(entry, validated=_read_validated(entry.run, entry.state)) for entry in tested]


def _refuse(problem: str) -> None:
    raise DamagedFile(problem)


def _tested(entries: Sequence[Entry], is_preferred: Callable[[KnownTest], bool]) -> list[Entry]:
    """The runs with the tests that are shown, and the others by which they are compared."""
    found: list[list[Answers]] = [[] for _ in entries]
    for meeting in known_tests.meetings([entry.known_tests for entry in entries], is_preferred):
        paired = {i for pair in meeting.pairs for i in pair}
        for i, test in meeting.of_runs.items():
            if not found[i] or i in paired:
                answers = known_tests.answers(entries[i].run, entries[i].state, test)
                found[i] += [] if answers is None else [answers]
    return [
        replace(entry, testing=own[0].testing, predictions=own[0].predictions, other_tests=tuple(own[1:]))
        if own
        else entry
        for entry, own in zip(entries, found, strict=True)
    ]


def _read_validated(run: Run, state: RunState) -> Predictions | None:
    """The predictions of grouped validation images, whose accuracy then has an interval by group."""
    record = held(state.validation, state.results.best_epoch) if state.results else None
    if record is None or state.dataset is None or state.dataset.groups is None:
        return None
    return predictions.read(run.evaluations / VALIDATION / EVALUATED, record.predictions)


def _read(run: Run, details: bool, warn: Callable[[str], None]) -> Entry:
    state = run.state()
    if not details:
        return Entry("", run, state, state.testing)
    known = known_tests.known(run, state, lambda text: warn(f"{run}: {text}"))
    return Entry("", run, state, state.testing, tuple(history.read(run.logs / HISTORY)), known_tests=tuple(known))


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
