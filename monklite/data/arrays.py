"""Small tables of arrays, one file per table; a damaged file counts as absent."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..files import replacing
from ..regular_files import MAX_TEXT_BYTES, open_regular
from ..transient import attempted

DAMAGED = (OSError, ValueError, KeyError, EOFError, MemoryError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def read_arrays(path: Path, *names: str) -> list[np.ndarray] | None:
    """The arrays of these names; None if the file is absent, damaged, or lacks one of them."""
    try:
        return attempted(lambda: _load(path, names))
    # the last three: a single array or text has no names
    except (*DAMAGED, AttributeError, TypeError, IndexError):
        return None


def _load(path: Path, names: Sequence[str]) -> list[np.ndarray]:
    with io.BufferedReader(open_regular(path, MAX_TEXT_BYTES)) as opened, np.load(opened, allow_pickle=False) as file:
        return [file[name] for name in names]


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write named arrays atomically.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    with replacing(path) as temporary, attempted(lambda: temporary.open("wb")) as file:
        np.savez(file, **arrays)
