"""The charts of a comparison: curves over the epochs, accuracy, time and memory as bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..runs.file_names import COMPARISON_TABLE
from . import charts, comparison
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
# in the order of the report
CHARTS = (VAL_ACCURACY, TRAIN_ACCURACY, VAL_LOSS, TRAIN_LOSS, BEST_ACCURACIES, TRAINING_TIMES, PEAK_MEMORY)
# file -> title, axis label, column of the history, whether in %
CURVES = {
    TRAIN_ACCURACY: ("Training accuracy", "accuracy", "train_accuracy", True),
    VAL_ACCURACY: ("Validation accuracy", "accuracy", "val_accuracy", True),
    TRAIN_LOSS: ("Training loss", "loss", "train_loss", False),
    VAL_LOSS: ("Validation loss", "loss", "val_loss", False),
}
# with more runs than MAX_BARS, only the best are shown by name; there are eight colours for curves
MAX_BARS, MAX_CURVES = 30, 8
# if any training took longer, times are shown in minutes
MAX_SHOWN_SECONDS = 600


def draw(entries: Sequence[Entry]) -> dict[str, bytes]:
    """Draw every chart as PNG, by file name; with many runs, the best ones by name and the curves of the others in grey."""
    figures = dict(_figures(entries))
    return {file: charts.as_png(figures[file]) for file in CHARTS}


def _figures(entries: Sequence[Entry]) -> Iterator[tuple[str, Figure]]:
    many = len(entries) > MAX_BARS
    ranked = comparison.ranked(entries) if many else entries
    shown = ranked[:MAX_CURVES] if many else ranked
    note = f"The {len(shown)} best on validation of {len(entries)} runs; the others in grey." if many else ""
    for file, (title, axis, column, percent) in CURVES.items():
        named = comparison.curves(shown, column)
        others = list(comparison.curves(ranked[len(shown) :], column).values())
        yield file, charts.lines(title, axis, named, percent, note, others)
    shown = ranked[:MAX_BARS]
    note = f"The {len(shown)} best on validation of {len(entries)} runs; all are in {COMPARISON_TABLE}." if many else ""
    yield BEST_ACCURACIES, _accuracy(shown, note)
    yield TRAINING_TIMES, _time(shown, note)
    yield PEAK_MEMORY, _memory(shown, note)


def _accuracy(entries: Sequence[Entry], note: str) -> Figure:
    best = {label: None if value is None else 100 * value for label, value in _results(entries, "best_val_accuracy")}
    return charts.bars("Best validation accuracy", "accuracy (%)", best, note=note, maximum=100)


def _time(entries: Sequence[Entry], note: str) -> Figure:
    seconds, note = dict(_results(entries, "train_seconds")), f"All epochs, with validation. {note}".strip()
    if max((s for s in seconds.values() if s is not None), default=0.0) < MAX_SHOWN_SECONDS:
        return charts.bars("Training time", "seconds", seconds, note=note)
    minutes = {label: None if s is None else s / 60 for label, s in seconds.items()}
    return charts.bars("Training time", "minutes", minutes, note=note)


def _memory(entries: Sequence[Entry], note: str) -> Figure:
    """GPU memory; if no run used a GPU, the main memory of the process, with a note that says so."""
    if not any(e.on_gpu or e.gpu_mib is not None for e in entries):
        text = "Resident memory of the process, with Python, the framework, and what they keep of earlier trainings. "
        text += "No run used a GPU."
        title, process = "Peak memory of the process (no GPU used)", dict(_results(entries, "process_mib"))
        return charts.bars(title, "main memory (MiB)", process, "{:.0f}", f"{text} {note}".strip())
    driver, framework = (dict(_results(entries, field)) for field in ("gpu_process_mib", "gpu_framework_mib"))
    if all(v is None for v in driver.values()):
        text = (
            "The framework's own count: weights, gradients, activations. The driver did not report the process's total."
        )
        text = f"{text} {note}".strip()
        return charts.bars("Peak GPU memory", "GPU memory in tensors (MiB)", framework, "{:.0f}", text)
    text = "Wide bar: the driver's count for this process (tensors, the framework's cache, the CUDA context); "
    text += f"narrow bar: tensors alone, counted by the framework. {note}".rstrip()
    return charts.bars("Peak GPU memory", "GPU memory of the process (MiB)", driver, "{:.0f}", text, inner=framework)


def _results(entries: Sequence[Entry], field: str) -> list[tuple[str, float | None]]:
    """Label and a field of each run's results, None if it is unknown."""
    return [(e.label, getattr(e.state.results, field) if e.state.results else None) for e in entries]
