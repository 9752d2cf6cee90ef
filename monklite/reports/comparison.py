"""The entries of a comparison: runs read from disk with their labels, and ranked."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from ..errors import MonkliteError
from ..records import DatasetRecord, EpochRow, Testing
from ..runs import evaluations, history, predictions
from ..runs.file_names import HISTORY
from ..runs.predictions import Predictions
from ..runs.run import Run
from ..runs.state import RunState
from ..tasks import TASKS


@dataclass(frozen=True)
class Entry:
    """One run of a comparison.

    `label`: its name in charts and tables. `predictions`: of the test images; None if the run was not tested, or the table of
    its predictions is missing, damaged or of another test.
    """

    label: str
    run: Run
    state: RunState
    history: tuple[EpochRow, ...] = ()
    predictions: Predictions | None = None

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
    if not details:
        return entries
    return [replace(e, predictions=read_predictions(e.run, e.state.testing, e.state.dataset)) for e in entries]


def _read(run: Run, details: bool) -> Entry:
    state = run.state()
    if not details:
        return Entry("", run, state)
    return Entry("", run, state, tuple(history.read(run.logs / HISTORY)))


def image_sets(records: Sequence[DatasetRecord | Testing]) -> list[str]:
    """For each record a text that is equal for equal images: by their bytes, or by their sizes if a record is too old."""
    by_content = all(record.content for record in records)
    return [record.content if by_content else record.fingerprint for record in records]


def manner(test: Testing) -> tuple[Hashable, ...]:
    """How the test images were predicted: two runs are compared only if it is the same.

    An operating point by costs has no thresholds, and is told by what it was chosen for.
    """
    return tuple(sorted(test.thresholds.items())), test.views, test.operating_point


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


def read_predictions(run: Run, test: Testing | None, dataset: DatasetRecord | None = None) -> Predictions | None:
    """The predictions of the test images, with the scores by which an AUC can be computed, if they are those of the test.

    Those are the scores of each label, if an image may have several, or of the second of two classes.
    """
    if test is None:
        return None
    found = predictions.read(evaluations.predictions_file(run, test), test.predictions, _scored(dataset))
    fits = found is not None and (len(found.paths), found.correct.sum()) == (test.num_images, test.num_correct)
    return found if fits else None


def _scored(dataset: DatasetRecord | None) -> tuple[str, ...]:
    if dataset is None:
        return ()
    if not TASKS[dataset.label_type].exclusive:
        return dataset.classes
    return dataset.classes[1:] if len(dataset.classes) == 2 else ()
