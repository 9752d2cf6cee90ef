"""`history.csv`: one row an epoch, written whole after each, read back by resume and comparison."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from ..errors import DamagedFile
from ..files import write_text
from ..records import EpochRow

COLUMNS = [f.name for f in fields(EpochRow)]


def write(path: Path, history: Sequence[EpochRow]) -> None:
    """Write all epochs; numbers keep every digit."""
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    rows.writeheader()
    rows.writerows(asdict(row) for row in history)
    write_text(path, text.getvalue())


def read(path: Path) -> list[EpochRow]:
    """The epochs that are recorded; none where there is no file yet.

    Raises:
        DamagedFile: a row cannot be read.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            if not set(COLUMNS) <= set(rows.fieldnames or ()):
                raise KeyError("no header")
            return [_row(values) for values in rows]
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise DamagedFile(f"{path} is damaged ({error})") from None


def _row(values: dict[str, str]) -> EpochRow:
    numbers = {name: float(values[name]) for name in COLUMNS}
    return EpochRow(**{**numbers, "epoch": int(numbers["epoch"])})  # type: ignore[arg-type]
