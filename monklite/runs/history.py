"""`history.csv`: one row per epoch, written whole after each, read back by resuming and comparing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from ..csv_files import reading_csv, write_csv
from ..records import EpochRow

FIXED = [f.name for f in fields(EpochRow) if f.name != "val_figures"]
PREFIX = "val_"  # of the columns of a task's further figures


def write(path: Path, history: Sequence[EpochRow]) -> None:
    """Write all epochs; numbers keep every digit."""
    further = list(dict.fromkeys(name for row in history for name in row.val_figures))
    columns = [*FIXED, *(f"{PREFIX}{name}" for name in further)]
    write_csv(path, columns, ([*_fixed(row), *(row.val_figures.get(name) for name in further)] for row in history))


def read(path: Path) -> list[EpochRow]:
    """The epochs that are recorded; none where there is no file yet.

    Raises:
        DamagedFile: a row cannot be read.
    """
    if not path.exists():
        return []
    with reading_csv(path, FIXED) as rows:
        further = [name for name in rows.fieldnames or () if name not in FIXED and name.startswith(PREFIX)]
        return [_row(values, further) for values in rows]


def _fixed(row: EpochRow) -> list[float]:
    return [getattr(row, name) for name in FIXED]


def _row(values: Mapping[str, str], further: Sequence[str]) -> EpochRow:
    numbers = {name: float(values[name]) for name in FIXED}
    figures = {name.removeprefix(PREFIX): float(values[name]) for name in further}
    return EpochRow(**{**numbers, "epoch": int(numbers["epoch"])}, val_figures=figures)  # type: ignore[arg-type]
