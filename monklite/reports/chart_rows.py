"""The figures that the charts of a comparison draw: one row per run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..figures import WILSON, Estimate
from ..statistics import intervals
from .comparison import Entry
from .known_tests import image_sets

# columns of the history that are drawn
TRAIN_ACCURACY, VAL_ACCURACY, TRAIN_LOSS, VAL_LOSS = "train_accuracy", "val_accuracy", "train_loss", "val_loss"
# two accuracies of the same predictions
SAME = 1e-6
COLUMNS = (TRAIN_ACCURACY, VAL_ACCURACY, TRAIN_LOSS, VAL_LOSS)


@dataclass(frozen=True)
class ChartRow:
    """The figures of a run; None where it has none.

    `curves`: of the columns of its history, by name. `n_train`: training images. `validation`: best accuracy on validation;
    `test`: accuracy on the test images of `test_set`, a text that is equal for equal images. `seconds`: of training. Memory in
    MiB: `process`, and on a GPU `driver` (of the process, by the driver) and `framework` (of tensors).
    """

    label: str
    curves: Mapping[str, Sequence[float]]
    n_train: int | None
    n_val: int | None
    validation: Estimate | None
    test: Estimate | None
    test_set: str
    seconds: float | None
    process: float | None
    driver: float | None
    framework: float | None
    on_gpu: bool


def chart_rows(entries: Sequence[Entry]) -> list[ChartRow]:
    """The rows of the runs, in their order."""
    tested = [e for e in entries if e.testing]
    sets = dict(zip([e.label for e in tested], image_sets([e.testing for e in tested if e.testing]), strict=True))
    return [_row(entry, sets.get(entry.label, "")) for entry in entries]


def _row(entry: Entry, test_set: str) -> ChartRow:
    data, results, test = entry.state.dataset, entry.state.results, entry.testing
    return ChartRow(
        label=entry.label,
        curves={column: [getattr(epoch, column) for epoch in entry.history] for column in COLUMNS},
        n_train=data.n_train if data else None,
        n_val=data.n_val if data else None,
        validation=validation(entry),
        # which counts patients where images are grouped
        test=_estimate(test.accuracy, test.interval, test.num_images) if test else None,
        test_set=test_set,
        seconds=results.train_seconds if results else None,
        process=results.process_mib if results else None,
        driver=results.gpu_process_mib if results else None,
        framework=results.gpu_framework_mib if results else None,
        on_gpu=entry.on_gpu or entry.gpu_mib is not None,
    )


def validation(entry: Entry) -> Estimate | None:
    """The best accuracy on validation, None if it is unknown; the interval counts groups such as patients if their predictions
    were kept, and is unknown without the number of images."""
    data, results = entry.state.dataset, entry.state.results
    if results is None or math.isnan(value := results.best_val_accuracy):
        return None
    count, read = data.n_val if data else 0, entry.validated
    if read is not None and read.groups is not None and abs(read.correct.mean() - value) < SAME:
        of_units = (read.units.sums(values) for values in (read.correct, np.ones(len(read.correct))))
        return _estimate(value, intervals.clustered_wilson(*of_units), count)
    return _estimate(value, intervals.wilson(round(value * count), count) if count else intervals.NOTHING_KNOWN, count)


def _estimate(value: float, interval: tuple[float, float], count: int) -> Estimate:
    return Estimate(value=value, low=interval[0], high=interval[1], count=count, method=WILSON)
