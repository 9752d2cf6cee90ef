"""Tables in memory: pandas DataFrames as text, and as a CSV file that a run can read again."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidValue
from ..files import make_folder, reading, write_text
from ..regular_files import read_regular
from ..transient import attempted

if TYPE_CHECKING:
    import pandas as pd

FOLDER = ".tables"
DIGEST_CHARACTERS = 32


def is_frame(value: object) -> bool:
    """Whether a value is a pandas DataFrame; does not import pandas."""
    return any(c.__name__ == "DataFrame" and c.__module__.split(".")[0] == "pandas" for c in type(value).__mro__)


def write(frame: pd.DataFrame, workspace: Path, label_delimiter: str | None) -> str:
    """Write a DataFrame as CSV into a workspace, named by its content; the path of the file.

    The same content gives the same file, and nothing is ever overwritten with other content, so that a run that is resumed,
    copied or evaluated reads the table that it was started with.

    Args:
        label_delimiter: joins cells that are lists of labels.

    Raises:
        InvalidValue: the frame has columns of several levels, or text that cannot be stored. StorageError: a full disk.
    """
    if frame.columns.nlevels > 1:
        raise InvalidValue("path_to_csv: a DataFrame needs columns of one level, such as image and label")
    text = as_csv(frame, label_delimiter, "path_to_csv: a DataFrame")
    content = text.encode()
    path = workspace / FOLDER / f"{hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS]}.csv"
    if content_of(path) != content:
        make_folder(path.parent)
        write_text(path, text)
    return str(path)


def as_csv(frame: pd.DataFrame, label_delimiter: str | None, what: str) -> str:
    """A frame as the text of a CSV file that can be read again. `what`: it is called so in errors.

    Raises:
        InvalidValue: it has text that cannot be stored.
    """
    frame = with_index(frame)
    # every cell quoted: a lone carriage return would end the row otherwise
    columns = [str(column) for column in frame.columns]
    try:
        text = as_text(frame, label_delimiter).to_csv(
            index=False, header=columns, quoting=csv.QUOTE_ALL, lineterminator="\n"
        )
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(f"{what} with text that is not valid Unicode cannot be stored: {error}") from None
    if "\0" in text:
        raise InvalidValue(f"{what} with NUL characters cannot be stored: remove them from its text")
    return str(text)


def content_of(path: Path) -> bytes | None:
    """The bytes of a file; None if it is not there."""
    try:
        with reading(path):
            return attempted(lambda: read_regular(path))
    except FileNotFoundError:
        return None


def with_index(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose index is a column too if it holds names, not only the numbers of the rows."""
    import pandas as pd

    index = frame.index
    plain = index.nlevels == 1 and index.name is None and pd.api.types.is_numeric_dtype(index.dtype)
    return frame if plain else frame.reset_index(allow_duplicates=True)


def as_text(frame: pd.DataFrame, label_delimiter: str | None) -> pd.DataFrame:
    """The cells of a frame as text, missing ones as `""`, in columns 0, 1, ...

    Args:
        label_delimiter: joins cells that are lists; without it they are written as Python writes a list.
    """
    import pandas as pd

    columns = {}
    for i in range(frame.shape[1]):
        column = frame.iloc[:, i]
        missing = column.isna().tolist()
        cells = ["" if gap else _cell(v, label_delimiter) for v, gap in zip(column.tolist(), missing, strict=True)]
        columns[i] = pd.Series(cells, dtype=str)
    return pd.DataFrame(columns)


def _cell(value: Any, label_delimiter: str | None) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return _joined(value, label_delimiter)
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _joined(value: Any, label_delimiter: str | None) -> str:
    items = sorted(map(str, value)) if isinstance(value, (set, frozenset)) else [str(item) for item in value]
    if not label_delimiter or any(label_delimiter in item for item in items):
        return str(items)
    return label_delimiter.join(items)
