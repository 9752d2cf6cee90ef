"""The charts of a comparison: curves over the epochs; accuracy, time and memory as bars; accuracy against time and memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..durations import duration
from ..figures import Estimate
from ..runs.file_names import COMPARISON_TABLE
from . import charts, comparison, point_chart
from .chart_rows import TRAIN_ACCURACY as TRAIN
from .chart_rows import VAL_ACCURACY as VALIDATION
from .chart_rows import ChartRow, chart_rows
from .comparison import Entry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# names of the files, as in Monk
TRAIN_ACCURACY, VAL_ACCURACY = "train_accuracy.png", "val_accuracy.png"
TRAIN_LOSS, VAL_LOSS = "train_loss.png", "val_loss.png"
BEST_ACCURACIES, TRAINING_TIMES, PEAK_MEMORY = (
    "stats_best_val_acc.png",
    "stats_training_time.png",
    "stats_max_gpu_usage.png",
)
# monklite's
TEST_ACCURACIES, AGAINST_TIME, AGAINST_MEMORY = (
    "stats_test_acc.png",
    "stats_acc_against_time.png",
    "stats_acc_against_memory.png",
)
# in the order of the report; those for which there are no figures are left out
CHARTS = (
    TEST_ACCURACIES, BEST_ACCURACIES, VAL_ACCURACY, TRAIN_ACCURACY, VAL_LOSS, TRAIN_LOSS, AGAINST_TIME, TRAINING_TIMES,
    AGAINST_MEMORY, PEAK_MEMORY,
)  # fmt: skip
# file -> title, axis label, column of the history, whether in %
CURVES = {
    TRAIN_ACCURACY: ("Training accuracy", "accuracy", TRAIN, True),
    VAL_ACCURACY: ("Validation accuracy", "accuracy", VALIDATION, True),
    TRAIN_LOSS: ("Training loss", "loss", "train_loss", False),
    VAL_LOSS: ("Validation loss", "loss", "val_loss", False),
}
# with more runs, only the best are shown by name: in bars, and in curves and points, for which there are eight colours
MAX_BARS, MAX_CURVES, SHOWN_CURVES = 30, 12, 8
# if any training took longer, the axis is in minutes
MAX_SHOWN_SECONDS = 600
INTERVALS = "Lines: 95 % intervals (Wilson)."


@dataclass(frozen=True)
class Chart:
    """A chart of a comparison. `title`: for those who do not see it. `content`: PNG."""

    title: str
    figure: Figure
    content: bytes


def draw(entries: Sequence[Entry]) -> dict[str, Chart]:
    """Draw every chart, by file name; with many runs, the best ones by name and the others in grey or not at all."""
    rows = chart_rows(comparison.ranked(entries) if len(entries) > MAX_CURVES else entries)
    figures = dict(_figures(rows))
    return {file: _chart(figures[file]) for file in CHARTS if file in figures}


def _chart(figure: Figure) -> Chart:
    return Chart(figure.axes[0].get_title(loc="left"), figure, charts.as_png(figure))


def _figures(rows: Sequence[ChartRow]) -> Iterator[tuple[str, Figure]]:
    """The charts of the rows, which are sorted if they are many."""
    named = rows if len(rows) <= MAX_CURVES else rows[:SHOWN_CURVES]
    note = (
        f"The {len(named)} best on validation of {len(rows)} runs; the others in grey."
        if len(rows) > len(named)
        else ""
    )
    yield from _curves(named, rows[len(named) :], note)
    yield from _against(named, rows[len(named) :], note)
    shown = rows if len(rows) <= MAX_BARS else rows[:MAX_BARS]
    more = f"The {len(shown)} best on validation of {len(rows)} runs; all are in {COMPARISON_TABLE}."
    note = more if len(rows) > len(shown) else ""
    yield BEST_ACCURACIES, _validation(shown, note)
    if any(row.test for row in shown):
        yield TEST_ACCURACIES, _test(shown, note)
    yield TRAINING_TIMES, _time(shown, note)
    yield PEAK_MEMORY, _memory(shown, note)


def _curves(named: Sequence[ChartRow], others: Sequence[ChartRow], note: str) -> Iterator[tuple[str, Figure]]:
    limits = _accuracy_limits([*named, *others])
    for file, (title, axis, column, percent) in CURVES.items():
        counts = [row.n_train if column.startswith("train") else row.n_val for row in (*named, *others)]
        curves = {row.label: row.curves[column] for row in named}
        grey = [row.curves[column] for row in others]
        heading = f"{title}{_images(counts)}"
        yield file, charts.lines(heading, axis, curves, percent, note, grey, limits if percent else None)


def _accuracy_limits(rows: Sequence[ChartRow]) -> tuple[float, float] | None:
    """In %: the same for training and validation, so that they can be compared."""
    values = [100 * v for row in rows for column in (TRAIN, VALIDATION) for v in row.curves[column] if 0 <= v <= 1]
    return (min(values) - 1, max(values) + 1) if values else None


def _images(counts: Sequence[int | None]) -> str:
    """The number of images, for a title; from the fewest to the most, if runs differ."""
    known = sorted({count for count in counts if count})
    if not known:
        return ""
    return f", {known[0]:,} images" if len(known) == 1 else f", {known[0]:,} to {known[-1]:,} images"


def _sorted(values: Mapping[str, float | None], best: int) -> dict[str, float | None]:
    """Values from the best to the worst, unknown ones last. `best`: 1: the largest is, -1: the smallest."""

    def place(label: str) -> float:
        value = values[label]
        return math.inf if value is None or math.isnan(value) else -best * value

    return {label: values[label] for label in sorted(values, key=place)}


def _accuracies(title: str, estimates: Mapping[str, Estimate | None], note: str) -> Figure:
    values = {label: 100 * e.value if e else None for label, e in estimates.items()}
    intervals = {label: (100 * e.low, 100 * e.high) for label, e in estimates.items() if e and not math.isnan(e.low)}
    text = f"{note} {INTERVALS if intervals else ''}".strip()
    return charts.bars(title, "accuracy (%)", _sorted(values, 1), note=text, maximum=100, intervals=intervals)


def _validation(rows: Sequence[ChartRow], note: str) -> Figure:
    title = f"Best validation accuracy{_images([row.n_val for row in rows])}"
    text = f"The best of all epochs, so somewhat higher than on new images. {note}".strip()
    return _accuracies(title, {row.label: row.validation for row in rows}, text)


def _test(rows: Sequence[ChartRow], note: str) -> Figure:
    title = f"Test accuracy{_images([row.test.count if row.test else None for row in rows])}"
    other = len({row.test_set for row in rows if row.test}) > 1
    text = "Not all were tested on the same images: these accuracies cannot be compared." if other else ""
    return _accuracies(title, {row.label: row.test for row in rows}, f"{text} {note}".strip())


def _time(rows: Sequence[ChartRow], note: str) -> Figure:
    seconds, note = {row.label: row.seconds for row in rows}, f"All epochs, with validation. {note}".strip()
    in_minutes = max((s for s in seconds.values() if s is not None), default=0.0) >= MAX_SHOWN_SECONDS
    unit, name = (60.0, "minutes") if in_minutes else (1.0, "seconds")
    values = {label: None if s is None else s / unit for label, s in seconds.items()}
    return charts.bars("Training time", name, _sorted(values, -1), lambda value: duration(value * unit), note)


def _memory(rows: Sequence[ChartRow], note: str) -> Figure:
    """GPU memory; if no run used a GPU, the main memory of the process, with a note that says so."""
    number = "{:,.0f}"
    if not any(row.on_gpu for row in rows):
        text = "Resident memory of the process, with Python, the framework, and what they keep of earlier trainings. "
        text += f"No run used a GPU. {note}".rstrip()
        process = _sorted({row.label: row.process for row in rows}, -1)
        return charts.bars("Peak memory of the process (no GPU used)", "main memory (MiB)", process, number, text)
    driver, framework = {row.label: row.driver for row in rows}, {row.label: row.framework for row in rows}
    if all(v is None for v in driver.values()):
        text = (
            "The framework's own count: weights, gradients, activations. The driver did not report the process's total."
        )
        text = f"{text} {note}".strip()
        return charts.bars("Peak GPU memory", "GPU memory in tensors (MiB)", _sorted(framework, -1), number, text)
    text = "Wide bar: the driver's count for this process (tensors, the framework's cache, the CUDA context); "
    text += f"narrow bar: tensors alone, counted by the framework. {note}".rstrip()
    return charts.bars(
        "Peak GPU memory", "GPU memory of the process (MiB)", _sorted(driver, -1), number, text, inner=framework
    )


def _against(named: Sequence[ChartRow], others: Sequence[ChartRow], note: str) -> Iterator[tuple[str, Figure]]:
    """Accuracy against time and memory, if at least two runs have them: on test if all were tested on the same images."""
    rows = [*named, *others]
    same_test = all(row.test for row in rows) and len({row.test_set for row in rows}) == 1
    accuracies = {row.label: row.test if same_test else row.validation for row in rows}
    counts = [row.test.count if same_test and row.test else row.n_val for row in rows]
    title = f"{'Test' if same_test else 'Best validation'} accuracy against {{}}{_images(counts)}"
    in_minutes = max((row.seconds or 0.0 for row in rows), default=0.0) >= MAX_SHOWN_SECONDS
    times = {row.label: row.seconds / (60 if in_minutes else 1) for row in rows if row.seconds is not None}
    axis = f"training time ({'minutes' if in_minutes else 'seconds'})"
    labels = [row.label for row in named]
    if (figure := _points(title.format("time"), axis, times, accuracies, labels, note)) is not None:
        yield AGAINST_TIME, figure
    memory, kind = _memory_of_all(rows)
    if (figure := _points(title.format("memory"), f"{kind} (MiB)", memory, accuracies, labels, note)) is not None:
        yield AGAINST_MEMORY, figure


def _memory_of_all(rows: Sequence[ChartRow]) -> tuple[dict[str, float], str]:
    """The memory of each run, all of one kind: of the GPU if any used one."""
    on_gpu, by_driver = any(row.on_gpu for row in rows), any(row.driver is not None for row in rows)
    if not on_gpu:
        return {row.label: row.process for row in rows if row.process is not None}, "peak main memory"
    values = {row.label: row.driver if by_driver else row.framework for row in rows}
    kind = "peak GPU memory of the process" if by_driver else "peak GPU memory in tensors"
    return {label: value for label, value in values.items() if value is not None}, kind


def _points(
    title: str,
    axis: str,
    x: Mapping[str, float],
    accuracies: Mapping[str, Estimate | None],
    labels: Sequence[str],
    note: str,
) -> Figure | None:
    known = {label: e for label, e in accuracies.items() if e is not None and label in x}
    if len(known) < 2:
        return None
    places = {label: (x[label], 100 * e.value) for label, e in known.items()}
    intervals = {label: (100 * e.low, 100 * e.high) for label, e in known.items() if not math.isnan(e.low)}
    named = {label: place for label, place in places.items() if label in labels}
    others = [place for label, place in places.items() if label not in labels]
    text = f"Top left is best. {INTERVALS if intervals else ''} {note}".strip()
    return point_chart.draw(title, axis, "accuracy (%)", named, intervals, text, others)
