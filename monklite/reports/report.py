"""Write the files of a comparison: charts, table, and one self-contained HTML page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._version import __version__
from ..csv_files import write_csv
from ..files import make_folder, write_bytes, write_text
from ..printable import printable
from ..runs.file_names import COMPARISON_TABLE, REPORT
from ..runs.state import now
from . import comparison_charts, table, wording
from .comparison import Entry


@dataclass(frozen=True)
class Report:
    """The content of a comparison: the rows of the table (see `table.row`), the verdicts, and the warnings."""

    rows: list[dict[str, Any]]
    verdicts: list[str]
    warnings: list[str]


def describe(entries: Sequence[Entry], left_out: Sequence[str] = ()) -> Report:
    """Put a comparison into words. `left_out`: messages about runs that are not in it."""
    return Report([table.row(e) for e in entries], wording.verdicts(entries), [*left_out, *wording.warnings(entries)])


def write(folder: Path, entries: Sequence[Entry], report: Report) -> None:
    """Write every file of a comparison.

    Raises:
        StorageError: a file cannot be written; those of before may be left.
    """
    written = [table.written(row) for row in report.rows]
    # embedded as drawn: another process may be writing a comparison of the same name
    charts = comparison_charts.draw(entries)
    page = _html(folder.name, entries, written, charts, report)
    make_folder(folder)
    write_csv(folder / COMPARISON_TABLE, list(written[0]), (list(row.values()) for row in written))
    for file, content in charts.items():
        write_bytes(folder / file, content)
    write_text(folder / REPORT, page)


def _html(
    name: str,
    entries: Sequence[Entry],
    rows: list[dict[str, Any]],
    charts: Mapping[str, bytes],
    report: Report,
) -> str:
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("monklite"), autoescape=True, finalize=_printable)
    return environment.get_template(REPORT).render(
        name=name,
        version=__version__,
        made=now(),
        overview=table.overview(entries),
        details=rows,
        rows=rows,
        images=[(file, base64.b64encode(charts[file]).decode()) for file in comparison_charts.CHARTS],
        warnings=report.warnings,
        verdicts=report.verdicts,
    )


def _printable(value: Any) -> Any:
    # what a macro gives is a page already
    return printable(value) if type(value) is str else value
