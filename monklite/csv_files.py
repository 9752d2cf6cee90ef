"""Our own CSV files, written whole and read back: one writer and one reader for all of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import DamagedFile
from .files import write_text


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table with a header; numbers keep every digit.

    Raises:
        StorageError: the disk does not take it; an older file of that name stays.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())


@contextmanager
def reading_csv(path: Path, needed: Sequence[str], lost: str = "") -> Iterator[csv.DictReader[str]]:
    """The rows of a table by the names of its columns; what goes wrong with them in the block is damage.

    Args:
        needed: columns that must be there. lost: what the damage means, to end the message.

    Raises:
        FileNotFoundError: no such file. DamagedFile: it cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = csv.DictReader(file)
            if not set(needed) <= set(rows.fieldnames or ()):
                raise KeyError("no header")
            yield rows
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise DamagedFile(f"{path} is damaged ({error}){lost}") from None
