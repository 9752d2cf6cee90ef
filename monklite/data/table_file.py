"""Read a table as text: delimited text of several encodings and delimiters, Excel, Parquet."""

from __future__ import annotations

import codecs
import csv
import io
import lzma
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DatasetError, MissingPackage, MonkliteError, NotFound, StorageError, cut
from ..looking import is_file
from ..retrying_file import open_with_retries
from ..spec import DELIMITERS
from .compressed_files import MAX_TABLE_BYTES, decompressed
from .table_frames import as_text

if TYPE_CHECKING:
    import pandas as pd

HEAD_BYTES, HEAD_LINES = 1 << 16, 50
EXCEL_SIGNATURE, OLD_EXCEL_SIGNATURE, PARQUET_SIGNATURE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
# of damaged files, compressed or not; the last three: of archives in a form that cannot be unpacked
UNREADABLE = (
    OSError, EOFError, ValueError, csv.Error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, struct.error,
    IndexError, NotImplementedError, RuntimeError,
)  # fmt: skip
# UTF-32 first: its mark begins with that of UTF-16
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_STATED = re.compile(r'\ufeff?"?sep=(.)"?[ \t]*\r?\n', re.IGNORECASE)
# part of file names and of class names, so never tried unless given
NEVER_TRIED = ("-",)
SAVE_AS_UTF8 = "save it as UTF-8 (in Excel: the file type 'CSV UTF-8')"


@dataclass(frozen=True)
class TableFile:
    """A table as text. `header`: the names of the columns; `""`: no name. `cells`: text, `""` where nothing is written.

    `layout`: how it was read, for the user, such as `delimiter ';'`.
    """

    name: str
    header: tuple[str, ...]
    cells: pd.DataFrame
    layout: str

    def column(self, index: int) -> pd.Series:
        """The cells of a column, without spaces around them."""
        return self.cells.iloc[:, index].str.strip()


def read(
    name: str, delimiter: str, names_file: Callable[[str], bool], label_delimiter: str | None, cut_rows: bool = False
) -> TableFile:
    """Read the table in a file.

    Args:
        delimiter: of a text file; another one is taken if this one gives a single column, or no cell that names a file.
        names_file: whether a cell names a file of the dataset's folder.
        label_delimiter: separates, in a cell of the result, the items of a Parquet file's list.
        cut_rows: pass over the cells of a row that are more than the header has, as older versions did.

    Raises:
        NotFound: no such file. DatasetError: not a table; the message says why. MissingPackage: a package is needed.
        StorageError: the drive does not give it.
    """
    path = Path(name)
    if not is_file(path):
        raise NotFound(f"{name} is not there: path_to_csv must name a CSV file")
    try:
        with open_with_retries(path, MAX_TABLE_BYTES) as file:
            signature = file.read(4)
        if signature == EXCEL_SIGNATURE and path.suffix.lower() != ".zip":
            return _excel(name, label_delimiter)
        if signature == PARQUET_SIGNATURE:
            return _parquet(name, label_delimiter)
        if signature == OLD_EXCEL_SIGNATURE:
            raise DatasetError(f"{name} is in the format of old Excel versions: save it as .xlsx or CSV")
        with decompressed(path) as file:
            head = file.read(HEAD_BYTES)
    except MonkliteError:
        raise
    except UNREADABLE as error:
        raise DatasetError(f"{name} cannot be read: {error}") from None
    return _text(name, head, delimiter, names_file, cut_rows)


def _excel(name: str, label_delimiter: str | None) -> TableFile:
    import pandas as pd

    try:
        with open_with_retries(Path(name)) as file, pd.ExcelFile(file) as book:
            frame = book.parse(0, dtype=object, na_filter=False, header=None)
            sheets = [str(sheet) for sheet in book.sheet_names]
    except ImportError as error:
        raise _missing("openpyxl", name, error) from None
    except StorageError:
        raise
    # a damaged file fails anywhere in the reader
    except Exception as error:
        raise DatasetError(f"{name} cannot be read as an Excel file: {error}") from None
    layout = f"sheet {sheets[0]!r}" + (f", the first of {len(sheets)}" if len(sheets) > 1 else "")
    cells = as_text(frame, label_delimiter)
    if not len(cells):
        raise DatasetError(f"{name} is empty: its first sheet {sheets[0]!r} has no cells")
    return TableFile(name, _names(cells.iloc[0]), cells.iloc[1:].reset_index(drop=True), layout)


def _parquet(name: str, label_delimiter: str | None) -> TableFile:
    import pandas as pd

    from .table_frames import with_index

    try:
        with open_with_retries(Path(name)) as file:
            frame = with_index(pd.read_parquet(file))
    except ImportError as error:
        raise _missing("pyarrow", name, error) from None
    except StorageError:
        raise
    except Exception as error:
        raise DatasetError(f"{name} cannot be read as a Parquet file: {error}") from None
    return TableFile(name, _names(frame.columns), as_text(frame, label_delimiter), "Parquet")


def _missing(package: str, name: str, error: ImportError) -> MissingPackage:
    return MissingPackage(
        f"{name} needs a package that is not installed: pip install {package} (or save the table as CSV). {error}"
    )


def _names(cells: Any) -> tuple[str, ...]:
    return tuple(str(cell).strip().removeprefix("\ufeff").strip() for cell in cells)


def _text(name: str, head: bytes, given: str, names_file: Callable[[str], bool], cut_rows: bool) -> TableFile:
    encoding = next((code for mark, code in BYTE_ORDER_MARKS if head.startswith(mark)), "utf-8")
    if encoding.startswith("utf-8") and b"\0" in head:
        raise DatasetError(f"{name} is no table of text, or is in UTF-16 without a mark: {SAVE_AS_UTF8}")
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    # Excel's own first line, which names the delimiter
    stated = _STATED.match(text)
    skipped = 1 if stated else 0
    if stated:
        text = text[stated.end() :]
    delimiter = stated[1] if stated else _delimiter(text, given, names_file)
    header = _rows(text, delimiter)[:1]
    if not header:
        raise _unreadable(name, delimiter, encoding, "No columns to parse from file")
    names = _names(header[0])
    cells = _read_csv(name, delimiter, encoding, len(names), skipped)
    cells, names = _fitted(name, cells, names, delimiter, cut_rows)
    return TableFile(name, names, cells, f"delimiter {delimiter!r}" + _told(delimiter, given, encoding))


def _fitted(
    name: str, cells: pd.DataFrame, names: tuple[str, ...], delimiter: str, cut_rows: bool
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Cells and names of as many columns: rows that are longer than the header must end in empty cells."""
    extra = cells.iloc[:, len(names) :].apply(lambda column: column.str.strip() != "")
    if cut_rows or not extra.to_numpy().any():
        return cells.iloc[:, : len(names)], names
    # R writes no header cell above the names of the rows
    if extra.iloc[:, 0].all() and not extra.iloc[:, 1:].to_numpy().any():
        return cells.iloc[:, : len(names) + 1], ("", *names)
    longer = extra.any(axis=1).to_numpy()
    first = delimiter.join(cells.iloc[int(longer.argmax())])
    raise DatasetError(
        f"{name} has {int(longer.sum())} rows with more cells than the header has columns ({len(names)}), the first: "
        f"{cut(first)}. Put cells that contain {delimiter!r} in quotes, or separate several labels by another character "
        "(label_delimiter=)" + (". Remove lines above the header" if len(names) == 1 else "")
    )


def _told(delimiter: str, given: str, encoding: str) -> str:
    instead = "" if delimiter == given else f" (not {given!r})"
    return instead + (f", {encoding.upper()}" if not encoding.startswith("utf-8") else "")


def _delimiter(text: str, given: str, names_file: Callable[[str], bool]) -> str:
    """The delimiter of the first lines of a table: the given one, unless another one fits and it does not."""
    tried = (given, *(d for d in DELIMITERS if d != given and d not in NEVER_TRIED))
    fitting: list[str] = []
    for delimiter in tried:
        rows = _rows(text, delimiter)
        # a guessed one must give every line the same number of cells
        widths = {len(row) for row in (rows[:1] if delimiter == given else rows)}
        if not widths or min(widths) < 2 or len(widths) > 1:
            continue
        if any(names_file(cell.strip()) for row in rows for cell in row):
            return delimiter
        fitting.append(delimiter)
    return fitting[0] if fitting else given


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """The first rows; a last one that may be cut off is left out."""
    lines = text[:HEAD_BYTES].removeprefix("\ufeff")
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter):
            if row and any(row):
                rows.append(row)
            if len(rows) > HEAD_LINES:
                return rows[:-1]
    # not a delimiter of one character, or a cell that is too long
    except (csv.Error, TypeError):
        return rows[:1]
    return rows if len(text) < HEAD_BYTES or len(rows) < 2 else rows[:-1]


def _read_csv(name: str, delimiter: str, encoding: str, n_columns: int, skipped: int) -> pd.DataFrame:
    """The rows below the header, as text, with columns for cells that the header has no column for.

    Args:
        skipped: the number of lines above the header.
    """
    import pandas as pd

    options: dict[str, Any] = {"sep": delimiter, "dtype": str, "keep_default_na": False, "index_col": False}
    options |= {"header": None, "encoding": encoding, "skiprows": skipped, "compression": None}

    def rows(n_names: int) -> pd.DataFrame:
        with decompressed(Path(name)) as file:
            return pd.read_csv(file, names=list(range(n_names)), **options)

    with warnings.catch_warnings():
        # of delimiters that pandas takes for a pattern
        warnings.simplefilter("ignore", pd.errors.ParserWarning)
        try:
            try:
                frame = rows(n_columns + 1)
            # a row with even more cells
            except pd.errors.ParserError:
                frame = rows(_widest(name, delimiter, encoding, n_columns))
        except MonkliteError:
            raise
        # undecodable text, an open quote, a damaged archive
        except UNREADABLE as error:
            raise _unreadable(name, delimiter, encoding, error) from None
    # a line that ends early has missing cells
    return frame.iloc[1:].fillna("").reset_index(drop=True)


def _widest(name: str, delimiter: str, encoding: str, n_columns: int) -> int:
    """The number of cells of the longest row, at least one more than there are columns."""
    with decompressed(Path(name)) as file, io.TextIOWrapper(file, encoding=encoding, newline="") as text:
        rows = csv.reader(text, delimiter=delimiter)
        return max(n_columns + 1, max(map(len, rows), default=0))


def _unreadable(name: str, delimiter: str, encoding: str, error: object) -> DatasetError:
    remedy = f". If it is in another encoding, {SAVE_AS_UTF8}" if isinstance(error, UnicodeError) else ""
    code = encoding.upper().removesuffix("-SIG")
    return DatasetError(f"{name} cannot be read as a table separated by {delimiter!r} in {code}: {error}{remedy}")


def check_two_columns(table: TableFile, delimiters: Sequence[str] = DELIMITERS) -> None:
    """Refuse a table of one column.

    Raises:
        DatasetError: it has one.
    """
    if len(table.header) < 2:
        is_text = table.layout.startswith("delimiter")
        separated = f", separated by one of {' '.join(map(repr, delimiters))} (see delimiter=)" if is_text else ""
        read = "" if is_text else f" ({table.layout})"
        raise DatasetError(f"{table.name}{read} has one column; it needs two, image and class{separated}")
