"""`history.csv`: every digit comes back; a damaged row is told."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monklite.errors import DamagedFile
from monklite.record_rules import LARGEST_MEASURE
from monklite.records import EpochRow
from monklite.runs import history
from monklite.runs.history import EPOCH_COLUMNS

FLOATS = st.floats(allow_nan=False)
SHARES, MEASURES = st.floats(0, 1), st.floats(0, LARGEST_MEASURE)
RATES = st.floats(0, allow_infinity=False)
VALUES = st.tuples(RATES, FLOATS, SHARES, FLOATS, SHARES, *[MEASURES] * 3)
ROWS = st.lists(VALUES, max_size=4).map(lambda rows: [EpochRow(i, *values) for i, values in enumerate(rows, 1)])
GOOD = "1,0.1,0.5,0.75,0.25,1.0,3.5,0.5,20.0"


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("logs") / "history.csv"


@given(rows=ROWS)
def test_every_digit_comes_back(file, rows):
    history.write(file, rows)
    assert history.read(file) == rows


def test_a_loss_that_is_no_number_comes_back(file):
    history.write(file, [EpochRow(1, 0.1, 0.5, 0.5, math.nan, 0.5, 1.0, 0.0, 8.0)])
    assert math.isnan(history.read(file)[0].val_loss)


def test_the_file_is_a_plain_table(file):
    history.write(file, [EpochRow(1, 0.1, 0.5, 0.75, 0.25, 1.0, 3.5, 0.5, 20.0)])
    assert file.read_text() == ",".join(EPOCH_COLUMNS) + "\n" + GOOD + "\n"


def test_no_file_is_no_history(tmp_path):
    assert history.read(tmp_path / "history.csv") == []


@pytest.mark.parametrize(
    "text",
    [
        ",".join(EPOCH_COLUMNS) + "\n" + GOOD.replace("0.75", "many"),
        ",".join(EPOCH_COLUMNS) + "\n" + GOOD.rpartition(",")[0],
        ",".join(EPOCH_COLUMNS) + "\n" + GOOD.replace("1,", "one,", 1),
        ",".join(EPOCH_COLUMNS[:-1]) + "\n" + GOOD,
        "epoch\n1",
        "\0\n\0",
    ],
)
def test_a_damaged_table_is_told_with_its_path(file, text):
    file.write_text(text)
    with pytest.raises(DamagedFile, match=r"history\.csv is damaged \("):
        history.read(file)


def test_bytes_that_are_no_text_are_told_as_damage(file):
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DamagedFile, match=r"history\.csv is damaged"):
        history.read(file)
