"""The charts of a comparison: curves over the epochs, accuracy, time and memory as bars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..runs.file_names import (
    COMPARISON_TABLE,
    STATS_BEST,
    STATS_MEMORY,
    STATS_TIME,
    TRAIN_ACCURACY,
    TRAIN_LOSS,
    VAL_ACCURACY,
    VAL_LOSS,
)
from . import charts, comparison
from .comparison import Entry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVES = {  # file: title, axis, column of the history, in %
    TRAIN_ACCURACY: ("Training accuracy", "accuracy", "train_accuracy", True),
    VAL_ACCURACY: ("Validation accuracy", "accuracy", "val_accuracy", True),
    TRAIN_LOSS: ("Training loss", "loss", "train_loss", False),
    VAL_LOSS: ("Validation loss", "loss", "val_loss", False),
}
MOST_BARS, MOST_LINES = 30, 8  # of more runs than bars, so many are shown by name; eight lines have eight colours
IN_MINUTES = 600  # seconds; longer trainings are shown in minutes


def draw(folder: Path, entries: Sequence[Entry]) -> None:
    """Every chart; of more runs than one can tell apart the best ones by name, and the curves of the others in grey."""
    many = len(entries) > MOST_BARS
    ranked = comparison.foremost(entries) if many else entries
    shown = ranked[:MOST_LINES] if many else ranked
    note = f"The {len(shown)} best on validation of {len(entries)} runs; the others in grey." if many else ""
    for file, (title, axis, column, percent) in CURVES.items():
        named = comparison.curves(shown, column)
        others = list(comparison.curves(ranked[len(shown) :], column).values())
        charts.save(charts.lines(title, axis, named, percent, note, others), folder / file)
    shown = ranked[:MOST_BARS]
    note = f"The {len(shown)} best on validation of {len(entries)} runs; all are in {COMPARISON_TABLE}." if many else ""
    charts.save(_accuracy(shown, note), folder / STATS_BEST)
    charts.save(_time(shown, note), folder / STATS_TIME)
    charts.save(_memory(shown, note), folder / STATS_MEMORY)


def _accuracy(entries: Sequence[Entry], note: str) -> Figure:
    best = {label: None if value is None else 100 * value for label, value in _results(entries, "best_val_accuracy")}
    return charts.bars("Best validation accuracy", "accuracy (%)", best, note=note, most=100)


def _time(entries: Sequence[Entry], which: str) -> Figure:
    seconds, note = dict(_results(entries, "train_seconds")), f"All epochs, with validation. {which}".strip()
    if max((s for s in seconds.values() if s is not None), default=0.0) < IN_MINUTES:
        return charts.bars("Training time", "seconds", seconds, note=note)
    minutes = {label: None if s is None else s / 60 for label, s in seconds.items()}
    return charts.bars("Training time", "minutes", minutes, note=note)


def _memory(entries: Sequence[Entry], which: str) -> Figure:
    """GPU memory; where no run used a GPU, the memory of the process instead, and the chart says so."""
    if not any(e.on_gpu or e.gpu_mib is not None for e in entries):
        note = "Resident memory, with Python, the framework and all else in the same process. No run used a GPU."
        title, process = "Peak memory of the process (no GPU used)", dict(_results(entries, "process_mib"))
        return charts.bars(title, "main memory (MiB)", process, "{:.0f}", f"{note} {which}".strip())
    driver, framework = (dict(_results(entries, field)) for field in ("gpu_process_mib", "gpu_framework_mib"))
    if all(v is None for v in driver.values()):
        note = (
            "The framework's own count: weights, gradients, activations. The driver did not tell what the process took."
        )
        note = f"{note} {which}".strip()
        return charts.bars("Peak GPU memory", "GPU memory in tensors (MiB)", framework, "{:.0f}", note)
    note = "Wide bar: what the driver counts for this process (tensors, the framework's cache, the CUDA context); "
    note += f"narrow bar: tensors alone, by the framework. {which}".rstrip()
    return charts.bars("Peak GPU memory", "GPU memory of the process (MiB)", driver, "{:.0f}", note, inner=framework)


def _results(entries: Sequence[Entry], field: str) -> list[tuple[str, float | None]]:
    """A field of each run's results, None where it is not known."""
    return [(e.label, getattr(e.state.results, field) if e.state.results else None) for e in entries]
