"""The table of a comparison: title, source and format of each column."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..durations import duration
from ..printable import printable
from ..records import ACCURACY
from ..spec import Choice, Table
from . import known_tests
from .comparison import Entry
from .pairs import Pair

# written where a run has no value
NOT_AVAILABLE = "NA"
# and shown in its place
NOT_SHOWN = "-"
Value = Callable[[Entry], Any]


@dataclass(frozen=True)
class Column:
    """A column. `value`: a run's value, None if it has none. `scale`: factor of a number that is then rounded to two decimals,
    0: the value is not changed."""

    title: str
    value: Value
    scale: float = 0.0

    def cell(self, entry: Entry) -> Any:
        """The content of a run's cell; None if it has none."""
        value = self.value(entry)
        if value is None:
            return None
        return round(self.scale * value, 2) if self.scale else value


def _field(record_name: str, field: str, item: int | None = None) -> Value:
    """A field of a record of the run, or one item of it; None if the run does not have that record yet."""

    def value(entry: Entry) -> Any:
        record = getattr(entry if record_name == "testing" else entry.state, record_name)
        content = None if record is None else getattr(record, field)
        return content if item is None or content is None else content[item]

    return value


def _dataset_type(entry: Entry) -> str:
    """Monk's name for the form of the dataset."""
    sources = entry.state.spec.data.sources
    table = "csv_" if sources and isinstance(sources[0], Table) else ""
    return table + ("train-val" if len(sources) > 1 else "train")


def _chain(subset: str) -> Value:
    def value(entry: Entry) -> str:
        chain: tuple[Choice, ...] = getattr(entry.state.spec.data.transforms, subset)
        return "; ".join(map(str, chain)) or "resize"

    return value


def _choice(field: str) -> Value:
    def value(entry: Entry) -> str | None:
        choice = getattr(entry.state.spec.training, field)
        return choice.name if choice else None

    return value


def _rate(entry: Entry) -> Any:
    optimizer = entry.state.spec.training.optimizer
    return optimizer.params.get("learning_rate") if optimizer else None


def _all_trained(entry: Entry) -> bool | None:
    model = entry.state.model
    return None if model is None else model.trainable_layers == model.layers


def _origin(entry: Entry) -> str:
    return "/".join(map(str, entry.state.origin)) if entry.state.origin else "New"


def _epochs(entry: Entry) -> int:
    return entry.state.results.epochs_completed if entry.state.results else 0


def _methods(entry: Entry) -> str | None:
    return ", ".join(entry.state.model.methods) if entry.state.model else None


def _short_fingerprint(record_name: str) -> Value:
    """The first 12 digits of a fingerprint."""
    fingerprint = _field(record_name, "fingerprint")
    return lambda entry: (fingerprint(entry) or "")[:12] or None


def _best_figure(entry: Entry) -> float | None:
    """The best value of the figure that decides which epoch is best, unless that is the accuracy."""
    results = entry.state.results
    return results.best_val_figure if results and results.figure != ACCURACY else None


def _test_set(entry: Entry) -> str | None:
    return known_tests.test_set(entry.testing) if entry.testing else None


def _test_f1(entry: Entry) -> float | None:
    testing = entry.testing
    return testing.figures.get("f1") if testing else None


def _thresholds(entry: Entry) -> str | None:
    """The thresholds of the labels in the test; None where they were all 0.5."""
    testing = entry.testing
    return ", ".join(f"{n}: {t:g}" for n, t in testing.thresholds.items()) or None if testing else None


MODEL = Column("base_model", lambda e: e.state.spec.model.name)
BACKEND_NAME = Column("backend", lambda e: e.state.spec.backend)
BEST_ACCURACY = Column("best val acc", _field("results", "best_val_accuracy"), 100)
TRAINING_TIME = Column("training time", _field("results", "train_seconds"), 1)
SPEED = Column("images per second", _field("results", "images_per_second"), 1)
# fmt: off
COMPARISON_COLUMNS = (
    # Monk's, in Monk's order
    Column("project", lambda e: e.state.project),
    Column("experiment", lambda e: e.state.experiment),
    MODEL,
    Column("origin", _origin),
    BEST_ACCURACY,
    Column("test acc", _field("testing", "accuracy"), 100),
    Column("num test images", _field("testing", "num_images")),
    Column("epochs", _epochs),
    Column("base lr", _rate),
    Column("optimizer", _choice("optimizer")),
    Column("lr scheduler", _choice("schedule")),
    Column("loss func", _choice("loss")),
    Column("All layers trained", _all_trained),
    Column("gpu used", lambda e: e.on_gpu if e.state.model else None),
    Column("max gpu usage", lambda e: e.gpu_mib, 1),
    TRAINING_TIME,
    Column("train dataset type", _dataset_type),
    Column("num train images", _field("dataset", "n_train")),
    Column("num val images", _field("dataset", "n_val")),
    Column("shuffled dataset", lambda e: e.state.spec.data.shuffle),
    Column("train transforms", _chain("train")),
    Column("val transforms", _chain("val")),
    Column("test transforms", _chain("test")),
    # monklite's
    Column("version", lambda e: e.state.version),
    Column("status", lambda e: e.state.status),
    BACKEND_NAME,
    Column("device", _field("model", "device")),
    Column("precision", _field("model", "precision")),
    Column("methods", _methods),
    Column("parameters", _field("model", "parameters")),
    Column("trainable parameters", _field("model", "trainable_parameters")),
    Column("first weights", _field("model", "weights")),
    Column("input size", lambda e: e.state.spec.data.input_size),
    Column("batch size", lambda e: e.state.spec.data.batch_size),
    Column("seed", lambda e: e.state.spec.seed),
    Column("best epoch", _field("results", "best_epoch")),
    SPEED,
    Column("max gpu usage of framework", _field("results", "gpu_framework_mib"), 1),
    Column("max process memory", _field("results", "process_mib"), 1),
    Column("test acc low", _field("testing", "interval", 0), 100),
    Column("test acc high", _field("testing", "interval", 1), 100),
    Column("test acc of largest class", _field("testing", "majority_accuracy"), 100),
    Column("dataset fingerprint", _short_fingerprint("dataset")),
    Column("test fingerprint", _short_fingerprint("testing")),
    Column("best val F1", _best_figure, 100),
    Column("test F1", _test_f1, 100),
    Column("test thresholds", _thresholds),
    Column("test views", _field("testing", "views")),
    Column("test set", _test_set),
)
# fmt: on


def titles() -> list[str]:
    """The titles of the columns of `row`."""
    return [column.title for column in COMPARISON_COLUMNS]


def row(entry: Entry) -> dict[str, Any]:
    """One row of `comparison.csv`, with None where a run has no value. Accuracies in %, times in s, memory in MiB."""
    return {column.title: column.cell(entry) for column in COMPARISON_COLUMNS}


def written(row: dict[str, Any], missing: str = NOT_AVAILABLE) -> dict[str, Any]:
    """A row as it is written and shown: printable, and `missing` where a run has no value."""
    shown = {title: missing if value is None else value for title, value in row.items()}
    return {title: printable(value) if isinstance(value, str) else value for title, value in shown.items()}


# of `pairs.csv`; shares in %, an AUC from 0 to 100 too
PAIR_COLUMNS = (
    "best", "other", "figure", "images", "value of best", "value of other", "difference", "low", "high", "only best",
    "only other", "p", "images needed", "test set",
)  # fmt: skip


def pair_rows(pairs: Sequence[Pair]) -> Iterator[list[Any]]:
    """The rows of `pairs.csv`: of each pair the accuracy, sensitivities and specificities at an operating point, and the AUC of
    each label; `NA` where there is no value."""
    for pair in pairs:
        needed = NOT_AVAILABLE if pair.images_needed is None else pair.images_needed
        yield [
            pair.best, pair.other, ACCURACY, pair.n_images, *_percent(*pair.accuracies, *pair.difference), pair.only_best,
            pair.only_other, f"{pair.p_value:.4g}", needed, pair.test,
        ]  # fmt: skip
        for share in pair.at_point:
            values = _percent(share.best, share.other, *share.difference)
            counts = share.only_best, share.only_other
            yield [
                pair.best, pair.other, share.figure, share.n_images, *values, *counts, NOT_AVAILABLE, NOT_AVAILABLE,
                pair.test,
            ]  # fmt: skip
        for area in pair.areas:
            values = _percent(area.best, area.other, area.difference, *area.interval)
            yield [
                pair.best, pair.other, f"AUC of {area.label}", pair.n_images, *values, NOT_AVAILABLE, NOT_AVAILABLE,
                NOT_AVAILABLE if math.isnan(area.p_value) else f"{area.p_value:.4g}", NOT_AVAILABLE,
                pair.test,
            ]  # fmt: skip


def _percent(*shares: float) -> list[Any]:
    return [NOT_AVAILABLE if math.isnan(share) else round(100 * share, 2) for share in shares]


# columns of the overview whose cells are text with a unit
TEST, TEST_SET, TIME, MEMORY, PARAMETERS = "test acc % (95 %)", "test set", "training time", "peak MiB", "parameters"


def overview(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The most important columns, for the screen; with the name of the test images, if not all have the same."""
    tested = {e.label: e.testing for e in entries if e.testing}
    named = dict(zip(tested, known_tests.names([*tested.values()]), strict=True))
    several = len({*named.values()}) > 1
    return [_overview_row(e, {TEST_SET: named.get(e.label)} if several else {}) for e in entries]


def _overview_row(entry: Entry, test_set: dict[str, str | None]) -> dict[str, Any]:
    model, results = entry.state.model, entry.state.results
    row = {
        "experiment": entry.label,
        # a telephone shows the first columns
        TEST: _test(entry),
        **test_set,
        "best val acc %": BEST_ACCURACY.cell(entry),
        "model": MODEL.cell(entry),
        "backend": BACKEND_NAME.cell(entry),
        "version": entry.state.version,
        "epochs": _epochs(entry),
        TIME: duration(results.train_seconds) if results else None,
        "images/s": SPEED.cell(entry),
        MEMORY: _memory(entry),
        PARAMETERS: None if model is None else f"{model.parameters / 1e6:.1f} M",
    }
    return written(row, NOT_SHOWN)


def sort_values(entries: Sequence[Entry]) -> list[dict[str, float]]:
    """The numbers by which the rows of `overview` are sorted in a page, of columns whose cells are text; none without a value."""
    return [dict(_sort_values(entry)) for entry in entries]


def _sort_values(entry: Entry) -> Iterator[tuple[str, float]]:
    model, results, test = entry.state.model, entry.state.results, entry.testing
    if test is not None:
        yield TEST, test.accuracy
    if results is not None:
        yield TIME, results.train_seconds
    if (memory := _mib(entry)) is not None:
        yield MEMORY, memory
    if model is not None:
        yield PARAMETERS, model.parameters


def _test(entry: Entry) -> str:
    test = entry.testing
    if test is None:
        return "not tested"
    low, high = test.interval
    return f"{100 * test.accuracy:.1f} ({100 * low:.0f} to {100 * high:.0f})"


def _mib(entry: Entry) -> float | None:
    results = entry.state.results
    if entry.gpu_mib is not None or results is None:
        return entry.gpu_mib
    return results.process_mib


def _memory(entry: Entry) -> str | None:
    mib = _mib(entry)
    return None if mib is None else f"{mib:.0f} {'RAM' if entry.gpu_mib is None else 'GPU'}"
