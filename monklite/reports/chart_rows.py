"""The figures that the charts of a comparison draw: one row per run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..figures import WILSON, Estimate
from ..statistics import intervals
from .comparison import Entry, image_sets

# columns of the history that are drawn
TRAIN_ACCURACY, VAL_ACCURACY, TRAIN_LOSS, VAL_LOSS = "train_accuracy", "val_accuracy", "train_loss", "val_loss"
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
    tested = [e for e in entries if e.state.testing]
    sets = dict(
        zip([e.label for e in tested], image_sets([e.state.testing for e in tested if e.state.testing]), strict=True)
    )
    return [_row(entry, sets.get(entry.label, "")) for entry in entries]


def _row(entry: Entry, test_set: str) -> ChartRow:
    data, results, test = entry.state.dataset, entry.state.results, entry.state.testing
    return ChartRow(
        label=entry.label,
        curves={column: [getattr(epoch, column) for epoch in entry.history] for column in COLUMNS},
        n_train=data.n_train if data else None,
        n_val=data.n_val if data else None,
        validation=_share(results.best_val_accuracy, data.n_val if data else 0) if results else None,
        # which counts patients where images are grouped
        test=_estimate(test.accuracy, test.interval, test.num_images) if test else None,
        test_set=test_set,
        seconds=results.train_seconds if results else None,
        process=results.process_mib if results else None,
        driver=results.gpu_process_mib if results else None,
        framework=results.gpu_framework_mib if results else None,
        on_gpu=entry.on_gpu or entry.gpu_mib is not None,
    )


def _share(value: float, count: int) -> Estimate | None:
    """A share of images with its interval, which is unknown without their number; None if the share is."""
    if math.isnan(value):
        return None
    return _estimate(value, intervals.wilson(round(value * count), count) if count else intervals.NOTHING_KNOWN, count)


def _estimate(value: float, interval: tuple[float, float], count: int) -> Estimate:
    return Estimate(value=value, low=interval[0], high=interval[1], count=count, method=WILSON)
