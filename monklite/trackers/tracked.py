"""A run as a tracker is told of it: names, settings, the figures of each epoch and of the whole, files."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ..records import EpochRow, Results
from ..runs.file_names import ACCURACY_CURVE, HISTORY, LOSS_CURVE, STATE
from ..runs.run import Run
from ..runs.state import RunState

# of the workspace, in which trackers write that are not told otherwise; no project can have this name
FOLDER = ".trackers"
FINISHED, STOPPED, FAILED = "finished", "stopped", "failed"
STATUSES = {"done": FINISHED, "interrupted": STOPPED, "failed": FAILED}


class Tracker(Protocol):
    """One run in a tracker. Every method may raise whatever the tracker's library raises.

    `id`: by which the tracker finds the run again. `where`: it is kept, for people.
    """

    id: str
    where: str

    def epoch(self, number: int, figures: Mapping[str, float], moment: float) -> None:
        """Write the figures of an epoch, counted from 1. `moment`: when it was done, in seconds since 1970."""

    def end(self, status: str, summary: Mapping[str, float], files: Sequence[Path]) -> None:
        """Write what is known at the end. `status`: `FINISHED`, `STOPPED` or `FAILED`."""


@dataclass(frozen=True)
class Tracked:
    """A run. `root`: of the workspace. `settings`: by dotted name. `began`: in seconds since 1970."""

    root: Path
    project: str
    experiment: str
    version: int
    settings: Mapping[str, str | int | float | bool]
    facts: Mapping[str, str]
    tags: tuple[str, ...]
    notes: str
    began: float

    @classmethod
    def of(cls, run: Run, root: Path) -> Tracked:
        state = run.state()
        began = datetime.fromisoformat(state.started or state.created).timestamp()
        return cls(
            root,
            state.project,
            state.experiment,
            state.version,
            dict(_flat(state.spec.model_dump())),
            _facts(state),
            state.tags,
            "\n".join(state.notes),
            began,
        )

    @property
    def name(self) -> str:
        """Of the version."""
        return f"v{self.version:03d}"

    def folder(self, tracker: str) -> Path:
        """For a tracker that has a folder for each run."""
        return self.root / FOLDER / tracker / self.project / self.experiment / self.name


def figures_of(row: EpochRow) -> dict[str, float]:
    """The figures of an epoch by name. Those that are not finite are left out, because trackers treat them in many ways."""
    values: dict[str, Any] = {f.name: getattr(row, f.name) for f in dataclasses.fields(row)}
    values |= {f"val_{name}": value for name, value in values.pop("val_figures").items()}
    del values["epoch"]
    return _finite(values)


def summary_of(results: Results | None) -> dict[str, float]:
    """The figures of a training as a whole by name."""
    if results is None:
        return {}
    values = {
        "best_epoch": results.best_epoch,
        f"best_val_{results.figure}": results.best_figure,
        "epochs_completed": results.epochs_completed,
        "train_seconds": results.train_seconds,
        "gpu_process_mib": results.gpu_process_mib,
        "gpu_framework_mib": results.gpu_framework_mib,
        "process_mib": results.process_mib,
    }
    return _finite(values)


def files_of(run: Run) -> list[Path]:
    """The small files of a run, for trackers that keep files; weights are not among them."""
    files = [run.folder / STATE, *(run.logs / name for name in (HISTORY, ACCURACY_CURVE, LOSS_CURVE))]
    return [file for file in files if file.is_file()]


def moments_of(rows: Sequence[EpochRow], began: float) -> list[float]:
    """When each epoch was done, as far as the record tells: pauses before a resume are not in it."""
    moments, now = [], began
    for row in rows:
        now += row.seconds
        moments.append(now)
    return moments


def _finite(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)}


def _facts(state: RunState) -> dict[str, str]:
    """What is not set but found: images, classes, device, versions."""
    facts = {"backend": state.spec.backend}
    if state.dataset is not None:
        facts |= {
            "classes": str(len(state.dataset.classes)),
            "train_images": str(state.dataset.train_images),
            "val_images": str(state.dataset.val_images),
        }
    if state.model is not None:
        facts |= {"device": state.model.device, "parameters": str(state.model.parameters)}
    return facts


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str | int | float | bool]]:
    """Dotted names and plain values; lists become JSON, and what is not set is left out."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (str, int, float, bool)):
        yield name, value
    elif value is not None:
        yield name, json.dumps(value, ensure_ascii=False, default=str)
