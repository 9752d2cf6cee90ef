"""A comparison on disk: charts, table, and one self-contained HTML page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import charts, comparison
from ._version import __version__
from .comparison import NOT_DONE, Entry
from .files import storing, write_text
from .state import now

TABLE, REPORT = "comparison.csv", "report.html"
CURVES = {  # file: title, axis, column of the history, in %
    "train_accuracy.png": ("Training accuracy", "accuracy", "train_accuracy", True),
    "val_accuracy.png": ("Validation accuracy", "accuracy", "val_accuracy", True),
    "train_loss.png": ("Training loss", "loss", "train_loss", False),
    "val_loss.png": ("Validation loss", "loss", "val_loss", False),
}
TIME, BEST, MEMORY = "stats_training_time.png", "stats_best_val_acc.png", "stats_max_gpu_usage.png"


def write(folder: Path, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Write every file of a comparison; returns the rows of the table."""
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    rows = [comparison.row(e) for e in entries]
    _write_csv(folder / TABLE, rows)
    for file, (title, axis, column, percent) in CURVES.items():
        charts.save(charts.lines(title, axis, comparison.curves(entries, column), percent), folder / file)
    results = {e.label: e.state.results for e in entries}
    best = {label: None if r is None else 100 * r.best_val_accuracy for label, r in results.items()}
    charts.save(charts.bars("Best validation accuracy", "accuracy (%)", best, most=100), folder / BEST)
    charts.save(
        _time_chart({label: comparison.value(r, "train_seconds") for label, r in results.items()}), folder / TIME
    )
    charts.save(_memory_chart(entries), folder / MEMORY)
    write_text(folder / REPORT, _html(folder, entries, rows))
    return rows


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    import pandas as pd

    write_text(path, pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))


def _time_chart(seconds: dict[str, float | None]) -> Any:
    note = "all epochs, with validation"
    if max((s for s in seconds.values() if s is not None), default=0.0) < 600:
        return charts.bars("Training time", "seconds", seconds, note=note)
    minutes = {label: None if s is None else s / 60 for label, s in seconds.items()}
    return charts.bars("Training time", "minutes", minutes, note=note)


def _memory_chart(entries: Sequence[Entry]) -> Any:
    """GPU memory; where no run used a GPU, the memory of the process instead, and the chart says so."""
    measured = {e.label: e.state.results for e in entries}
    on_gpu = [e.state.model is not None and not e.state.model.device.startswith("cpu") for e in entries]
    if not any(on_gpu) and all(comparison.gpu_mib(e.state) is None for e in entries):
        process = {label: comparison.value(r, "process_mib") for label, r in measured.items()}
        note = "Resident memory, with Python, the framework and all else in the same process. No run used a GPU."
        return charts.bars("Peak memory of the process (no GPU used)", "main memory (MiB)", process, "{:.0f}", note)
    driver = {label: comparison.value(r, "gpu_process_mib") for label, r in measured.items()}
    framework = {label: comparison.value(r, "gpu_framework_mib") for label, r in measured.items()}
    if all(v is None for v in driver.values()):
        note = (
            "The framework's own count: weights, gradients, activations. The driver did not tell what the process took."
        )
        return charts.bars("Peak GPU memory", "GPU memory in tensors (MiB)", framework, "{:.0f}", note)
    note = "Wide bar: what the driver counts for this process (tensors, the framework's cache, the CUDA context); "
    note += "narrow bar: tensors alone, by the framework."
    return charts.bars("Peak GPU memory", "GPU memory of the process (MiB)", driver, "{:.0f}", note, inner=framework)


def overview(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """The table for the screen: what one looks at first."""
    return [_overview(e, comparison.row(e)) for e in entries]


def _overview(entry: Entry, row: dict[str, Any]) -> dict[str, Any]:
    test = row["test acc"]
    if test != NOT_DONE:
        test = f"{test:.1f} ({row['test acc low']:.0f} to {row['test acc high']:.0f})"
    gpu, process = row["max gpu usage"], row["max process memory"]
    return {
        "experiment": entry.label,
        "model": row["base_model"],
        "backend": row["backend"],
        "version": row["version"],
        "best val acc %": row["best val acc"],
        "test acc % (95 %)": test,
        "epochs": row["epochs"],
        "time s": row["training time"],
        "images/s": row["images per second"],
        "peak MiB": f"{process:.0f} RAM"
        if gpu == NOT_DONE and process != NOT_DONE
        else gpu
        if gpu == NOT_DONE
        else f"{gpu:.0f} GPU",
        "parameters": row["parameters"] if row["parameters"] == NOT_DONE else f"{row['parameters'] / 1e6:.1f} M",
    }


def _html(folder: Path, entries: Sequence[Entry], rows: list[dict[str, Any]]) -> str:
    from jinja2 import Environment, PackageLoader

    page = Environment(loader=PackageLoader("monklite"), autoescape=True).get_template(REPORT)
    files = ["val_accuracy.png", "train_accuracy.png", "val_loss.png", "train_loss.png", BEST, TIME, MEMORY]
    images = [(f, base64.b64encode((folder / f).read_bytes()).decode()) for f in files]
    return page.render(
        name=folder.name,
        version=__version__,
        made=now(),
        overview=overview(entries),
        details=rows,
        rows=rows,
        images=images,
        warnings=comparison.warnings(entries),
        verdicts=comparison.verdicts(entries),
    )
