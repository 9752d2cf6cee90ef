"""The writer and the reader of all of monklite's CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import DamagedFile
from .files import reading, write_text
from .transient import attempted


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table with a header atomically; numbers keep every digit.

    Raises:
        StorageError: it cannot be written; an older file at `path` stays.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())


@contextmanager
def reading_csv(path: Path, needed: Sequence[str], consequence: str = "") -> Iterator[csv.DictReader[str]]:
    """Yield the rows of a table as dicts; an error of parsing them in the block is reported as damage.

    Args:
        needed: required columns. consequence: what the damage means, appended to the message.

    Raises:
        FileNotFoundError: no such file. DamagedFile: it cannot be read. StorageError: the disk does not give it.
    """
    try:
        with reading(path):
            text = attempted(path.read_bytes).decode("utf-8", "surrogateescape")
        rows = csv.DictReader(io.StringIO(text, newline=""))
        if not set(needed) <= set(rows.fieldnames or ()):
            raise KeyError("no header")
        yield rows
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise DamagedFile(f"{path} is damaged ({error}){consequence}") from None
