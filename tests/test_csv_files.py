"""The writer and the reader of monklite's CSV files: every text comes back, and none is a formula for a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monklite.csv_files import FORMULA_STARTS, as_read, reading_csv, write_csv
from monklite.errors import DamagedFile

FORMULAS = ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1", "''", "=cmd|'/C calc'!A0", "-x"]
PLAIN = [
    "cat",
    "1.5",
    "-1",
    "+1",
    "-0.5",
    "it's",
    "'cat'",
    "a=b",
    "a,b",
    'say "x"',
    "a\rb",
    "a\nb",
    "a\r\nb",
    " x ",
    "",
]


def read(path: Path) -> list[dict[str, str]]:
    with reading_csv(path, ["name"]) as rows:
        return list(rows)


@pytest.mark.parametrize("text", FORMULAS + PLAIN)
def test_every_text_comes_back(tmp_path: Path, text: str) -> None:
    write_csv(tmp_path / "t.csv", ["name", "other"], [[text, 1], ["b", 2]])
    assert read(tmp_path / "t.csv") == [{"name": text, "other": "1"}, {"name": "b", "other": "2"}]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_a_formula(tmp_path: Path, text: str) -> None:
    write_csv(tmp_path / "t.csv", [text, "name"], [[text, text]])
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(FORMULA_STARTS)]


@pytest.mark.parametrize("text", PLAIN)
def test_other_cells_are_written_as_they_are(tmp_path: Path, text: str) -> None:
    write_csv(tmp_path / "t.csv", ["name"], [[text], ["x"]])
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        assert [row[0] for row in csv.reader(file) if row][1:] == [text, "x"]


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
@settings(max_examples=200, deadline=None)
def test_any_table_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("any") / "t.csv"
    write_csv(path, ["name", "other"], rows)
    assert [(row["name"], row["other"]) for row in read(path)] == rows


def test_files_of_older_versions_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("name\n'quoted'\n=1+1\n-x\n")
    assert [row["name"] for row in read(tmp_path / "t.csv")] == ["'quoted'", "=1+1", "-x"]
    assert as_read("'") == "'"


def test_numbers_are_no_texts(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", ["name"], [[-0.5], [-3]])
    assert (tmp_path / "t.csv").read_text() == "name\n-0.5\n-3\n"


def test_a_table_without_the_columns_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("other\n1\n")
    with pytest.raises(DamagedFile, match=r"t\.csv is damaged"):
        read(tmp_path / "t.csv")
