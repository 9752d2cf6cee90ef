"""Tables that people or accidents have changed: read right, or refused with monklite's own error."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from damage import DAMAGES
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from monklite.data import csv_table
from monklite.errors import MonkliteError
from monklite.records import DatasetRecord
from monklite.reports.known_tests import read_predictions
from monklite.runs.file_names import PREDICTIONS
from monklite.spec import Table

CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
LABELS = CELLS.map(str.strip).filter(bool)
DELIMITERS = st.sampled_from([",", ";", "\t", "|", " ", "::", ".", "\n", '"', "é", "\\", ""])
FILES = ("cat/1.png", "cat/2.png", "dog/a b.png", "dog/ü,x.png")


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pets")
    for file in FILES:
        (folder / file).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 3)).save(folder / file)
    return folder


def table(pets: Path, content: bytes | str) -> Path:
    path = pets / "labels.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(pets: Path, delimiter: str = ",") -> dict[str, str] | None:
    """Path -> class, or None where the table was refused."""
    try:
        found = csv_table.from_csv(
            Table.model_construct(path=str(pets), csv=str(pets / "labels.csv"), delimiter=delimiter, label_delimiter="")
        )
    except MonkliteError:
        return None
    return {path: found.classes[label] for path, label in zip(found.paths, found.labels, strict=True)}


@settings(deadline=None, max_examples=150)
@given(
    labels=st.lists(LABELS, min_size=len(FILES), max_size=len(FILES)),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    ending=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_labels_come_back_as_they_were_written(pets: Path, labels, delimiter, ending, quoting, mark) -> None:
    text = io.StringIO(newline="")
    if any("\r" in label for label in labels):
        quoting = (
            csv.QUOTE_ALL
        )  # Python's writer leaves a lone one unquoted, and then nobody can tell it from a line's end
    rows = csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    rows.writerows([("image", "label"), *zip(FILES, labels, strict=True)])
    table(pets, mark + text.getvalue())
    found = read(pets, delimiter)
    if len(set(labels)) < 2:
        assert found is None
    else:
        assert found == dict(zip(FILES, labels, strict=True))


@pytest.mark.filterwarnings("ignore::pandas.errors.ParserWarning")  # of delimiters that the façade refuses
@settings(deadline=None, max_examples=200)
@given(text=st.lists(st.lists(CELLS | st.sampled_from(FILES), max_size=4), max_size=6), delimiter=DELIMITERS)
def test_any_table_with_any_delimiter_is_read_or_refused(pets: Path, text, delimiter: str) -> None:
    table(pets, "\n".join(delimiter.join(row) for row in text))
    found = read(pets, delimiter)
    assert (
        found is None
        or set(found) <= {cell.strip().replace("\\", "/") for row in text for cell in row}
        or '"' in str(text)
    )


@settings(deadline=None, max_examples=200)
@given(damage=DAMAGES)
def test_a_damaged_table_is_read_or_refused(pets: Path, damage) -> None:
    whole = "image,label\n" + "".join(f'"{file}",{file[:3]}\n' for file in FILES)
    table(pets, damage(whole.encode()))
    found = read(pets)
    assert found is None or all((pets / path).is_file() for path in found)


@pytest.mark.parametrize(
    "content", [b"\0", b"\0" * 1000, b"image,label\n" + b"x" * 2_000_000, b'"' * 9999, b"\r", b",\n" * 9]
)
def test_tables_that_are_none(pets: Path, content: bytes) -> None:
    table(pets, content)
    assert read(pets) is None


# The table of predictions


ROWS = [(f"{i}.png", "cat" if i % 2 else "dog", "cat" if i % 3 else "dog") for i in range(12)]
CORRECT = [a == b for _, a, b in sorted(ROWS)]
# the score of the second class is read
DATA = DatasetRecord(classes=("dog", "cat"), train_counts=(1, 1), val_counts=(1, 1), fingerprint="")


@settings(deadline=None, max_examples=300)
@given(damage=DAMAGES)
def test_damaged_predictions_are_none_or_fit_the_result(tmp_path_factory, damage) -> None:
    logs = tmp_path_factory.getbasetemp()
    whole = "path,class,predicted,p(cat)\n" + "".join(f"{','.join(row)},0.5\n" for row in ROWS)
    (logs / PREDICTIONS).write_bytes(damage(whole.encode()))
    testing = SimpleNamespace(evaluation="", num_images=len(ROWS), num_correct=sum(CORRECT), predictions="")
    found = read_predictions(SimpleNamespace(logs=logs), testing, DATA)
    assert found is None or (len(found.paths), int(found.correct.sum())) == (len(CORRECT), sum(CORRECT))


def test_whole_predictions_are_read(tmp_path: Path) -> None:
    whole = "path,class,predicted\n" + "".join(f"{','.join(row)}\n" for row in ROWS)
    (tmp_path / PREDICTIONS).write_text(whole)
    testing = SimpleNamespace(evaluation="", num_images=len(ROWS), num_correct=sum(CORRECT), predictions="")
    found = read_predictions(SimpleNamespace(logs=tmp_path), testing, DATA)
    assert found.correct.tolist() == CORRECT and found.paths == tuple(path for path, _, _ in sorted(ROWS))
    assert np.isnan(found.scores["cat"]).all()
