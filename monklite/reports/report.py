"""Write the files of a comparison: charts, table, and one self-contained HTML page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._version import __version__
from ..csv_files import write_csv
from ..files import make_folder, reading, write_text
from ..runs.file_names import COMPARISON_TABLE, REPORT
from ..runs.state import now
from ..transient import attempted
from . import comparison_charts, table, wording
from .comparison import Entry


def write(folder: Path, entries: Sequence[Entry], left_out: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Write every file of a comparison; returns the rows as `table.row` makes them. `left_out`: messages about other runs.

    Raises:
        StorageError: a file cannot be written, or not be read again for the report; those of before may be left.
    """
    make_folder(folder)
    rows = [table.row(e) for e in entries]
    written = [table.written(row) for row in rows]
    write_csv(folder / COMPARISON_TABLE, list(rows[0]), (list(row.values()) for row in written))
    comparison_charts.draw(folder, entries)
    write_text(folder / REPORT, _html(folder, entries, written, left_out))
    return rows


def _html(folder: Path, entries: Sequence[Entry], rows: list[dict[str, Any]], left_out: Sequence[str]) -> str:
    from jinja2 import Environment, PackageLoader

    page = Environment(loader=PackageLoader("monklite"), autoescape=True).get_template(REPORT)
    return page.render(
        name=folder.name,
        version=__version__,
        made=now(),
        overview=table.overview(entries),
        details=rows,
        rows=rows,
        images=[(file, _as_base64(folder / file)) for file in comparison_charts.CHARTS],
        warnings=[*map(table.printable, left_out), *wording.warnings(entries)],
        verdicts=wording.verdicts(entries),
    )


def _as_base64(file: Path) -> str:
    with reading(file):
        return base64.b64encode(attempted(file.read_bytes)).decode()
