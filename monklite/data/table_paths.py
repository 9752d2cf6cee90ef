"""Match the paths in a table with the files of a folder."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DatasetError, NotFound, cut, shown
from ..looking import is_file
from ..transient import is_transient, retried
from .listing import EXTENSIONS
from .table_frames import FOLDER

# `.`, `..`, nothing between two separators, or the beginning of an absolute path
_NEEDS_CARE = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|^[A-Za-z]:")


@dataclass
class FolderFiles:
    """The files of a folder, asked for by the cells of a table.

    `as_written`: keep relative paths as the table writes them, such as `./a.png`, as older versions did.
    """

    base: Path
    as_written: bool = False
    _index: tuple[dict[str, list[str]], dict[str, list[str]]] | None = field(default=None, repr=False)
    _ignores_case: bool | None = field(default=None, repr=False)

    def exact(self, cell: str) -> str | None:
        """The path, for `Samples`, of the file that a cell names; None if there is none."""
        path = self._path(cell)
        if self._is_there(path):
            return self._spelling(path)
        # a file name that contains a backslash
        return cell if "\\" in cell and self._is_there(cell) else None

    def similar(self, cell: str) -> list[str]:
        """The paths of the files that a cell names without the ending, in another case or in another form of Unicode."""
        whole, stems = self._folder()
        key = _key(self._path(cell))
        # pandas writes a number that is a name as 17.0 once the column has had a gap
        number = key.removesuffix(".0") if key.endswith(".0") else key
        return whole.get(key) or stems.get(key) or stems.get(number) or []

    def _spelling(self, path: str) -> str:
        """A path as the folder spells it, so that the same data set has the same names on every file system."""
        if self.as_written or os.path.isabs(path):  # noqa: PTH117 (a tenth of the time)
            return path
        if self._ignores_case is None and (swapped := path.swapcase()) != path:
            self._ignores_case = self._is_there(swapped)
        if not self._ignores_case:
            return path
        names = self._folder()[0].get(_key(path), [])
        return names[0] if len(names) == 1 else path

    def _path(self, cell: str) -> str:
        path = cell.replace("\\", "/")
        if not _NEEDS_CARE.search(path):
            return path
        if os.path.isabs(path):  # noqa: PTH117 (a tenth of the time)
            return self._below(os.path.normpath(path))
        return path if self.as_written else os.path.normpath(path).replace("\\", "/")

    def _below(self, path: str) -> str:
        """An absolute path relative to the folder if it lies in it, else as it is."""
        # as it is written, else with all links to folders followed
        written = Path(os.path.abspath(self.base)), Path(path)  # noqa: PTH100 (a link stays a link)
        followed = self.base.resolve(), Path(path).parent.resolve() / Path(path).name
        for base, full in (written, followed):
            if full.is_relative_to(base):
                return full.relative_to(base).as_posix()
        return path.replace("\\", "/")

    def _is_there(self, path: str) -> bool:
        # a third of the time of a Path; an absolute path stays as it is
        if not path:
            return False
        full = os.path.join(self.base, path)  # noqa: PTH118
        try:
            return stat.S_ISREG(os.stat(full).st_mode)  # noqa: PTH116
        except (OSError, ValueError) as error:
            # a drive that does not answer does not say that the file is missing
            return is_transient(error) and is_file(Path(full))

    def _folder(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        if self._index is None:
            self._index = retried(self._read_folder, self.base, "listed")
        return self._index

    def _read_folder(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """The paths of all visible files by whole path, and of the images by path without ending."""
        whole: dict[str, list[str]] = {}
        stems: dict[str, list[str]] = {}
        visited: set[str] = set()
        for folder, below, names in os.walk(self.base, followlinks=True, onerror=_raise_if_it_may_pass):
            real = os.path.realpath(folder)
            # links in a circle
            below[:] = [] if real in visited else sorted(name for name in below if not name.startswith("."))
            if real in visited:
                continue
            visited.add(real)
            relative = os.path.relpath(folder, self.base).replace(os.sep, "/")
            start = "" if relative == "." else f"{relative}/"
            for name in sorted(names):
                if name.startswith("."):
                    continue
                stem, ending = os.path.splitext(name)  # noqa: PTH122
                whole.setdefault(_key(start + name), []).append(start + name)
                if ending.lower() in EXTENSIONS:
                    stems.setdefault(_key(start + stem), []).append(start + name)
        return whole, stems


def _raise_if_it_may_pass(error: OSError) -> None:
    """Pass over a folder that may not be listed, but not one that cannot be listed now."""
    if is_transient(error):
        raise error


def _key(path: str) -> str:
    return (
        path.casefold()
        if path.isascii()
        else unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
    )


def match(files: FolderFiles, table: str, column: str, cells: Sequence[str]) -> tuple[list[str], str]:
    """The path of the file of each row, and a remark about those that are written differently; `""` if none is.

    Raises:
        NotFound: rows name no file of the folder. DatasetError: a name fits several files, or is empty.
    """
    paths = [files.exact(cell) or "" for cell in cells]
    rows = [row for row, path in enumerate(paths) if not path]
    if not rows:
        return paths, ""
    empty = [row for row in rows if not cells[row]]
    if empty:
        raise DatasetError(
            f"{table} names no file in {len(empty)} rows of column {column!r}, the first: row {empty[0] + 1} below the header"
        )
    similar = {cells[row]: files.similar(cells[row]) for row in rows}
    missing = [row for row in rows if not similar[cells[row]]]
    if missing:
        first = cells[missing[0]].replace("\\", "/")
        # a disk that does not answer is not a missing file
        is_file(files.base / first)
        raise NotFound(
            f"{table} names {len(missing)} files that are not in {files.base}, the first: {cut(first)} (column {column!r}; "
            "its paths must be relative to dataset_path, or absolute)"
        )
    unclear = [row for row in rows if len(similar[cells[row]]) > 1]
    if unclear:
        name = cells[unclear[0]]
        raise DatasetError(
            f"{table} names {len(unclear)} files that could be several, the first: {shown(name)} could be "
            f"{' or '.join(map(repr, similar[name][:4]))}. Write the whole name, with its ending"
        )
    for row in rows:
        paths[row] = similar[cells[row]][0]
    row = rows[0]
    return paths, (
        f"{len(rows)} names of {table_name(table)} are without ending or in another case and were matched with the only "
        f"file of that name, such as {cells[row]!r} with {paths[row]!r}"
    )


def table_name(path: str) -> str:
    """The name of a table in remarks: that of its file, or `the DataFrame`."""
    return "the DataFrame" if Path(path).parent.name == FOLDER else Path(path).name


def same_file_key(path: str) -> str:
    """Equal for two paths that are one file on a file system that takes no notice of case or Unicode form."""
    return _key(path)
