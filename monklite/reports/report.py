"""Write the files of a comparison: charts, table, and one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..csv_files import write_csv
from ..files import discard, make_folder, write_bytes, write_text
from ..runs.file_names import COMPARISON_TABLE, PAIRS_TABLE, REPORT
from ..runs.state import now
from . import cautions, comparison_charts, mended, pages, pairs, settings, table, wording
from .comparison import Entry
from .explanations import explanations
from .pairs import Pair


@dataclass(frozen=True)
class Report:
    """The content of a comparison.

    `rows`: of the table (see `table.row`). `pairs`: of runs with the same test. `verdicts`, `warnings`: sentences. `settings`: in
    which the runs differ (see `settings.differing`).
    """

    rows: list[dict[str, Any]]
    pairs: list[Pair]
    verdicts: list[str]
    warnings: list[str]
    settings: list[dict[str, str]]


def describe(entries: Sequence[Entry], left_out: Sequence[str] = ()) -> Report:
    """Put a comparison into words. `left_out`: messages about runs that are not in it."""
    tested = pairs.pairs(entries)
    verdicts, warnings = wording.verdicts(entries, tested), [*left_out, *cautions.warnings(entries)]
    return Report([table.row(e) for e in entries], tested, verdicts, warnings, settings.differing(entries))


def write(folder: Path, entries: Sequence[Entry], report: Report) -> list[str]:
    """Write every file of a comparison; files of an earlier one that this one does not have are removed.

    Returns:
        Why images could not be shown, a message for each.

    Raises:
        StorageError: a file cannot be written; those of before may be left.
    """
    written = [table.written(row) for row in report.rows]
    # embedded as drawn: another process may be writing a comparison of the same name
    charts, sheets = comparison_charts.draw(entries), mended.draw(entries, report.pairs)
    page = _html(folder.name, entries, written, charts, sheets, report)
    make_folder(folder)
    write_csv(folder / COMPARISON_TABLE, list(written[0]), (list(row.values()) for row in written))
    contents = {**{file: chart.content for file, chart in charts.items()}, **sheets.contents}
    for file, content in contents.items():
        write_bytes(folder / file, content)
    if report.pairs:
        write_csv(folder / PAIRS_TABLE, table.PAIR_COLUMNS, table.pair_rows(report.pairs[: pairs.MAX_WRITTEN]))
    written_now = {*contents, *([PAIRS_TABLE] if report.pairs else [])}
    for file in {*comparison_charts.CHARTS, *mended.FILES, PAIRS_TABLE} - written_now:
        discard(folder / file)
    write_text(folder / REPORT, page)
    return sheets.missing


def fragment(entries: Sequence[Entry], report: Report) -> str:
    """The table and the sentences of a comparison as HTML, for a notebook."""
    values = {"overview": table.overview(entries), "verdicts": report.verdicts, "warnings": report.warnings}
    return pages.render("comparison.html", **values)


def _html(
    name: str,
    entries: Sequence[Entry],
    rows: list[dict[str, Any]],
    charts: Mapping[str, comparison_charts.Chart],
    sheets: mended.Sheets,
    report: Report,
) -> str:
    return pages.render(
        REPORT,
        name=name,
        made=now(),
        overview=table.overview(entries),
        sort_values=table.sort_values(entries),
        details=rows,
        settings=report.settings,
        charts=[pages.drawn(chart.figure, f"chart{i}", chart.title) for i, chart in enumerate(charts.values())],
        sheets=[(sheets.titles[file], own) for file, own in sheets.pictures.items()],
        warnings=report.warnings,
        # what was found out comes before what guessing would give
        summary=next((text for text in report.verdicts if text not in wording.baselines(entries)), ""),
        verdicts=report.verdicts,
        explanations=explanations(report.pairs, report.verdicts),
    )
