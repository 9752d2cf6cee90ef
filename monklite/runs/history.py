"""`history.csv`: one row per epoch. Each write replaces the whole file; resuming and comparing read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from ..csv_files import reading_csv, write_csv
from ..errors import cut
from ..looking import exists
from ..records import EpochRow
from .epoch_rows import check_order, row_of

# older histories have no sizes
SIZE_COLUMN = "train_size"
EPOCH_COLUMNS = [f.name for f in fields(EpochRow) if f.name not in ("val_figures", SIZE_COLUMN)]
# of the columns of a task's additional figures
FIGURE_PREFIX = "val_"


def write(path: Path, history: Sequence[EpochRow]) -> None:
    """Write all epochs; floats are written exactly."""
    figure_names = list(dict.fromkeys(name for row in history for name in row.val_figures))
    sizes = [SIZE_COLUMN] if any(row.train_size is not None for row in history) else []
    columns = [*EPOCH_COLUMNS, *sizes, *(f"{FIGURE_PREFIX}{name}" for name in figure_names)]
    rows = (
        [getattr(row, name) for name in (*EPOCH_COLUMNS, *sizes)] + [row.val_figures.get(name) for name in figure_names]
        for row in history
    )
    write_csv(path, columns, rows)


def read(path: Path) -> list[EpochRow]:
    """Read the recorded epochs; an empty list if there is no file yet.

    Raises:
        DamagedFile: a row cannot be read. StorageError: the disk does not answer.
    """
    if not exists(path):
        return []
    with reading_csv(path, EPOCH_COLUMNS) as rows:
        figure_names = [
            name for name in rows.fieldnames or () if name not in EPOCH_COLUMNS and name.startswith(FIGURE_PREFIX)
        ]
        history = [_row(number, values, figure_names) for number, values in enumerate(rows, 1)]
        check_order(history)
        return history


def _row(number: int, values: Mapping[str, str], figure_names: Sequence[str]) -> EpochRow:
    try:
        numbers: dict[str, float] = {name: float(values[name]) for name in EPOCH_COLUMNS}
        if size := values.get(SIZE_COLUMN):
            numbers[SIZE_COLUMN] = int(size) if size.isdecimal() else float(size)
        # not through a float, which would round a huge number and cannot hold an infinite one as a whole number
        numbers["epoch"] = int(values["epoch"]) if values["epoch"].isdecimal() else numbers["epoch"]
        return row_of(numbers, {name.removeprefix(FIGURE_PREFIX): float(values[name]) for name in figure_names})
    except (ValueError, TypeError) as error:
        raise ValueError(f"row {number}: {cut(str(error))}") from None
