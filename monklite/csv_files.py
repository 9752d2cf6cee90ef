"""The writer and the reader of all of monklite's CSV files."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from .errors import DamagedFile
from .files import reading, write_bytes
from .regular_files import read_regular
from .transient import attempted

# with these a spreadsheet begins a formula, or passes over what stands before one; the last four are their full-width forms
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table with a header atomically; numbers keep every digit.

    A text that a spreadsheet would take for a formula is written behind an apostrophe; `as_read` removes it.

    Returns:
        The SHA-256 of the file's bytes, as hexadecimal digits.

    Raises:
        StorageError: it cannot be written; an older file at `path` stays.
    """
    # names of files need not be valid UTF-8
    content = as_csv(columns, rows).encode("utf-8", "surrogateescape")
    write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The text that `write_csv` writes."""
    lines: list[str] = []
    # with this line end, Python quotes a cell that holds either of its characters
    writer = csv.writer(_Lines(lines), lineterminator="\r\n")
    for row in chain([columns], rows):
        writer.writerow([_as_text(cell) if isinstance(cell, str) else cell for cell in row])
    return "".join(lines)


class _Lines:
    """Collects the rows that a writer writes, with the line end of all of monklite's files."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def write(self, row: str) -> None:
        self.lines.append(row.removesuffix("\r\n") + "\n")


def _as_text(cell: str) -> str:
    # classes are called -1 and +1
    is_formula = cell.startswith(FORMULA_STARTS) and not _NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula or _is_escaped(cell) else cell


def as_read(cell: str) -> str:
    """A cell of a file that `write_csv` wrote, as it was given."""
    return cell[1:] if _is_escaped(cell) else cell


def _is_escaped(cell: str) -> bool:
    # an apostrophe before anything else belongs to the text: files of older versions have it, too
    return cell.startswith("'") and cell[1:].startswith((*FORMULA_STARTS, "'"))


class _Rows(csv.DictReader):
    """Rows as dicts, each cell as it was given to `write_csv`."""

    def __next__(self) -> dict[Any, Any]:
        return {key: as_read(cell) if isinstance(cell, str) else cell for key, cell in super().__next__().items()}


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
            text = attempted(lambda: read_regular(path)).decode("utf-8", "surrogateescape")
        rows = _Rows(io.StringIO(text, newline=""))
        if not set(needed) <= set(rows.fieldnames or ()):
            raise KeyError("no header")
        yield rows
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise DamagedFile(f"{path} is damaged ({error}){consequence}") from None
