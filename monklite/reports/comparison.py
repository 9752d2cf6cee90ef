"""Runs -> one table and its curves. Numbers only: no backend, no drawing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import MonkliteError
from ..records import EpochRow
from ..runs import history
from ..runs.file_names import HISTORY, PREDICTIONS
from ..runs.run import Run
from ..runs.state import RunState
from ..spec import Choice, Table
from ..statistics import paired

SIGNIFICANT = 0.05
MOST_VERDICTS = 3  # more pairs that cannot be told apart share one line
MOST_NAMED = 20  # of more runs the first are named
NOT_DONE = "NA"


@dataclass(frozen=True)
class Entry:
    """One run of a comparison, under the name that charts and tables call it by."""

    label: str
    run: Run
    state: RunState
    history: tuple[EpochRow, ...]


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

    def verdict(self) -> str:
        """The difference in words."""
        counts = f"{self.only_best} images only {self.best} gets right, {self.only_other} only {self.other}"
        if self.p_value < SIGNIFICANT:
            better = f"{self.best} did better than {self.other} on the test images, more than by chance"
            return f"{better} ({counts}; p = {self.p_value:.3g})"
        return (
            f"{self.best} and {self.other} cannot be told apart on the test images ({counts}; p = {self.p_value:.2g})"
        )


def collect(runs: Iterable[Run], tell: Callable[[str], None] | None = None, curves: bool = True) -> list[Entry]:
    """Read the runs; each gets the shortest name that tells it from the others.

    Args:
        tell: told of each run that cannot be read, which is then left out. curves: False leaves the histories unread.

    Raises:
        DamagedFile, NotFound: a run cannot be read, and there is no `tell`.
    """
    found = []
    for run in runs:
        try:
            found.append((run, run.state(), tuple(history.read(run.logs / HISTORY)) if curves else ()))
        except MonkliteError as error:
            if tell is None:
                raise
            tell(f"{run} is left out: {error}")
    labels = _labels([state for _, state, _ in found])
    return [Entry(label, *parts) for label, parts in zip(labels, found, strict=True)]


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


def row(entry: Entry) -> dict[str, Any]:
    """One row of `comparison.csv`: Monk's columns, then ours. Accuracies in %, times in s, memory in MiB."""
    return {name: printable(found) for name, found in _row(entry).items()}


def _row(entry: Entry) -> dict[str, Any]:
    state, spec, results, test = entry.state, entry.state.spec, entry.state.results, entry.state.testing
    data, model, training = state.dataset, state.model, spec.training
    sources = spec.data.sources
    kind = ("csv_" if sources and isinstance(sources[0], Table) else "") + (
        "train-val" if len(sources) > 1 else "train"
    )
    return {
        "project": state.project,
        "experiment": state.experiment,
        "base_model": spec.model.name,
        "origin": "/".join(map(str, state.origin)) if state.origin else "New",
        "best val acc": _percent(value(results, "best_val_accuracy")),
        "test acc": _percent(value(test, "accuracy")),
        "num test images": test.num_images if test else NOT_DONE,
        "epochs": results.epochs_completed if results else 0,
        "base lr": training.optimizer.params.get("learning_rate", NOT_DONE) if training.optimizer else NOT_DONE,
        "optimizer": _name(training.optimizer),
        "lr scheduler": _name(training.schedule),
        "loss func": _name(training.loss),
        "All layers trained": model.trainable_layers == model.layers if model else NOT_DONE,
        "gpu used": not model.device.startswith("cpu") if model else NOT_DONE,
        "max gpu usage": _rounded(gpu_mib(state)),
        "training time": _rounded(value(results, "train_seconds")),
        "train dataset type": kind,
        "num train images": data.n_train if data else NOT_DONE,
        "num val images": data.n_val if data else NOT_DONE,
        "shuffled dataset": spec.data.shuffle,
        "train transforms": _chain(spec.data.transforms.train),
        "val transforms": _chain(spec.data.transforms.val),
        "test transforms": _chain(spec.data.transforms.test),
        "version": state.version,
        "status": state.status,
        "backend": spec.backend,
        "device": model.device if model else NOT_DONE,
        "precision": model.precision if model else NOT_DONE,
        "methods": ", ".join(model.methods) if model else NOT_DONE,
        "parameters": model.parameters if model else NOT_DONE,
        "trainable parameters": model.trainable_parameters if model else NOT_DONE,
        "first weights": model.weights if model else NOT_DONE,
        "input size": spec.data.input_size or NOT_DONE,
        "batch size": spec.data.batch_size or NOT_DONE,
        "seed": spec.seed,
        "best epoch": results.best_epoch if results else NOT_DONE,
        "images per second": _rounded(value(results, "images_per_second")),
        "max gpu usage of framework": _rounded(value(results, "gpu_framework_mib")),
        "max process memory": _rounded(value(results, "process_mib")),
        "test acc low": _percent(value(test, "interval", 0)),
        "test acc high": _percent(value(test, "interval", 1)),
        "test acc of largest class": _percent(value(test, "majority_accuracy")),
        "dataset fingerprint": data.fingerprint[:12] if data else NOT_DONE,
        "test fingerprint": test.fingerprint[:12] if test else NOT_DONE,
    }


def curves(entries: Sequence[Entry], column: str) -> dict[str, list[float]]:
    """One column of the history for each run; a run that has none gives an empty line and keeps its colour."""
    return {e.label: [getattr(r, column) for r in e.history] for e in entries}


def foremost(entries: Sequence[Entry]) -> list[Entry]:
    """The runs in the order of their validation accuracy, the best first; then those that have none."""
    return sorted(entries, key=_rank, reverse=True)


def _rank(entry: Entry) -> float:
    found = value(entry.state.results, "best_val_accuracy")
    return -math.inf if found is None or math.isnan(found) else found


def gpu_mib(state: RunState) -> float | None:
    """Peak GPU memory: of the process as the driver counts it, else of the framework's own tensors."""
    if state.results is None:
        return None
    measured = state.results.gpu_process_mib
    return measured if measured is not None else state.results.gpu_framework_mib


def pairs(entries: Sequence[Entry]) -> list[Pair]:
    """The run with the best test accuracy against each other run that was tested on the same images."""
    right = {e.label: _right(e) for e in entries if e.state.testing is not None}
    tested = [e for e in entries if right.get(e.label) is not None]
    if len(tested) < 2:
        return []
    best = max(tested, key=lambda e: e.state.testing.accuracy if e.state.testing else 0.0)
    same = [e for e in tested if e is not best and _fingerprint(e) == _fingerprint(best)]
    found = []
    for e in same:
        a, b = np.asarray(right[best.label]), np.asarray(right[e.label])
        found.append(Pair(best.label, e.label, int((a & ~b).sum()), int((b & ~a).sum()), paired.mcnemar(a, b)))
    return _adjusted(found, len(found) + 1)


def _adjusted(found: list[Pair], n_runs: int) -> list[Pair]:
    """Multiply p-values by the number of all pairs (Bonferroni): the best was chosen on the same test images."""
    factor = n_runs * (n_runs - 1) / 2
    return [Pair(p.best, p.other, p.only_best, p.only_other, min(1.0, p.p_value * factor)) for p in found]


def _right(entry: Entry) -> np.ndarray | None:
    """Whether each test image was predicted right, in the order of the names; None where the table is gone or damaged."""
    import pandas as pd

    try:
        table = pd.read_csv(
            entry.run.logs / PREDICTIONS,
            encoding_errors="surrogateescape",
            dtype=str,
            keep_default_na=False,
            usecols=["path", "class", "predicted"],
        )
    except (OSError, ValueError):  # pandas' own errors of a table are ValueErrors
        return None
    table = table.sort_values("path")
    right = (table["class"] == table["predicted"]).to_numpy()
    tested = entry.state.testing
    return (
        right if tested is not None and (len(right), right.sum()) == (tested.num_images, tested.num_correct) else None
    )


def _fingerprint(entry: Entry) -> str | None:
    return entry.state.testing.fingerprint if entry.state.testing else None


def baselines(entries: Sequence[Entry]) -> list[str]:
    """What guessing would give on each test set."""
    shares = {_fingerprint(e): e.state.testing for e in entries if e.state.testing}
    return [
        f"Always guessing the largest class would be right for {100 * t.majority_accuracy:.1f} % of the "
        f"{t.num_images} test images."
        for t in shares.values()
    ]


def verdicts(entries: Sequence[Entry]) -> list[str]:
    """What the test results say, in words."""
    found = pairs(entries)
    alike = [p.other for p in found if p.p_value >= SIGNIFICANT]
    worse = [p for p in found if p.p_value < SIGNIFICANT]
    said = baselines(entries)
    if len(found) <= MOST_NAMED and len(alike) <= MOST_VERDICTS:
        return [*said, *(p.verdict() for p in found)]
    if len(worse) > MOST_NAMED:
        names = _listed([p.other for p in worse])
        said.append(
            f"{found[0].best} did better on the test images, more than by chance, than {len(worse)} runs: {names}"
        )
    else:
        said += [p.verdict() for p in worse]
    if alike:
        said.append(f"{found[0].best} cannot be told apart on the test images from: {_listed(alike)}")
    return said


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
    return ", ".join(labels[:MOST_NAMED]) + more


def warnings(entries: Sequence[Entry]) -> list[str]:
    """What must be known before the numbers are compared."""
    found = []
    data = {e.state.dataset.fingerprint for e in entries if e.state.dataset}
    if len(data) > 1:
        found.append(
            "The runs were not trained and validated on the same images, so their validation accuracies cannot be compared."
        )
    tests = {_fingerprint(e) for e in entries if e.state.testing}
    if len(tests) > 1:
        found.append("The runs were not tested on the same images, so their test accuracies cannot be compared.")
    unfinished = [e for e in entries if e.state.status != "done"]
    if len(unfinished) <= MOST_NAMED:
        return found + [_how_far(e) for e in unfinished]
    for status in sorted({e.state.status for e in unfinished}):
        labels = [e.label for e in unfinished if e.state.status == status]
        found.append(f"{len(labels)} {'run is' if len(labels) == 1 else 'runs are'} {status}: {_listed(labels)}.")
    return found


def _how_far(entry: Entry) -> str:
    if entry.state.status == "new":
        return f"{entry.label} has not been trained."
    done = entry.state.results.epochs_completed if entry.state.results else 0
    return f"{entry.label} is {entry.state.status} after {done} of {entry.state.spec.training.epochs} epochs."


def value(record: Any, name: str, *place: int) -> Any:
    """A field of a record that may not be there yet, or one item of it; then None."""
    found = None if record is None else getattr(record, name)
    return found[place[0]] if place and found is not None else found


def printable(found: Any) -> Any:
    """A text without characters that would control a terminal: runs may come from strangers."""
    return "".join(c if c.isprintable() else "\ufffd" for c in found) if isinstance(found, str) else found


def _percent(share: float | None) -> Any:
    return NOT_DONE if share is None else round(100 * share, 2)


def _rounded(value: float | None) -> Any:
    return NOT_DONE if value is None else round(value, 2)


def _name(choice: Choice | None) -> str:
    return choice.name if choice else NOT_DONE


def _chain(chain: Sequence[Choice]) -> str:
    return "; ".join(map(str, chain)) or "resize"
