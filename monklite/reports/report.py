"""A comparison on disk: charts, table, and one self-contained HTML page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._version import __version__
from ..files import storing, write_text
from ..runs.state import now
from . import charts, comparison
from .comparison import NOT_DONE, Entry

TABLE, REPORT = "comparison.csv", "report.html"
CURVES = {  # file: title, axis, column of the history, in %
    "train_accuracy.png": ("Training accuracy", "accuracy", "train_accuracy", True),
    "val_accuracy.png": ("Validation accuracy", "accuracy", "val_accuracy", True),
    "train_loss.png": ("Training loss", "loss", "train_loss", False),
    "val_loss.png": ("Validation loss", "loss", "val_loss", False),
}
MOST_BARS, MOST_LINES = 30, 8  # of more runs than bars, so many are shown by name; eight lines have eight colours
TIME, BEST, MEMORY = "stats_training_time.png", "stats_best_val_acc.png", "stats_max_gpu_usage.png"


def write(folder: Path, entries: Sequence[Entry], left_out: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Write every file of a comparison; returns the rows of the table. `left_out`: why other runs are not in it."""
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    rows = [comparison.row(e) for e in entries]
    _write_csv(folder / TABLE, rows)
    _draw(folder, entries)
    write_text(folder / REPORT, _html(folder, entries, rows, left_out))
    return rows


def _draw(folder: Path, entries: Sequence[Entry]) -> None:
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
    note = f"The {len(shown)} best on validation of {len(entries)} runs; all are in {TABLE}." if many else ""
    results = {e.label: e.state.results for e in shown}
    best = {label: None if r is None else 100 * r.best_val_accuracy for label, r in results.items()}
    charts.save(charts.bars("Best validation accuracy", "accuracy (%)", best, note=note, most=100), folder / BEST)
    seconds = {label: comparison.value(r, "train_seconds") for label, r in results.items()}
    charts.save(_time_chart(seconds, note), folder / TIME)
    charts.save(_memory_chart(shown, note), folder / MEMORY)


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    import pandas as pd

    write_text(path, pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))


def _time_chart(seconds: dict[str, float | None], which: str) -> Any:
    note = f"All epochs, with validation. {which}".strip()
    if max((s for s in seconds.values() if s is not None), default=0.0) < 600:
        return charts.bars("Training time", "seconds", seconds, note=note)
    minutes = {label: None if s is None else s / 60 for label, s in seconds.items()}
    return charts.bars("Training time", "minutes", minutes, note=note)


def _memory_chart(entries: Sequence[Entry], which: str) -> Any:
    """GPU memory; where no run used a GPU, the memory of the process instead, and the chart says so."""
    measured = {e.label: e.state.results for e in entries}
    on_gpu = [e.state.model is not None and not e.state.model.device.startswith("cpu") for e in entries]
    if not any(on_gpu) and all(comparison.gpu_mib(e.state) is None for e in entries):
        process = {label: comparison.value(r, "process_mib") for label, r in measured.items()}
        note = "Resident memory, with Python, the framework and all else in the same process. No run used a GPU."
        title = "Peak memory of the process (no GPU used)"
        return charts.bars(title, "main memory (MiB)", process, "{:.0f}", f"{note} {which}".strip())
    driver = {label: comparison.value(r, "gpu_process_mib") for label, r in measured.items()}
    framework = {label: comparison.value(r, "gpu_framework_mib") for label, r in measured.items()}
    if all(v is None for v in driver.values()):
        note = (
            "The framework's own count: weights, gradients, activations. The driver did not tell what the process took."
        )
        note = f"{note} {which}".strip()
        return charts.bars("Peak GPU memory", "GPU memory in tensors (MiB)", framework, "{:.0f}", note)
    note = "Wide bar: what the driver counts for this process (tensors, the framework's cache, the CUDA context); "
    note += f"narrow bar: tensors alone, by the framework. {which}".rstrip()
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


def _html(folder: Path, entries: Sequence[Entry], rows: list[dict[str, Any]], left_out: Sequence[str]) -> str:
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
        warnings=[*map(comparison.printable, left_out), *comparison.warnings(entries)],
        verdicts=comparison.verdicts(entries),
    )
