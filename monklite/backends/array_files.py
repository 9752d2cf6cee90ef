"""NumPy arrays with JSON metadata in one safetensors file, which never executes code: the training state of every backend.

safetensors detects truncation but no other damage, so the metadata also holds a checksum of everything in the file.
"""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DamagedFile, NotFound
from ..files import LinkSource, replacing, storing
from ..transient import attempted
from . import safetensors_file

NamedArrays = dict[str, np.ndarray]
HEADER_KEY = "monklite"
NO_METADATA = "its metadata is not a JSON object"


class Snapshot:
    """See `backends.base.Snapshot`: copies of arrays and metadata, for one file."""

    def __init__(self, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
        self._arrays, self._metadata = arrays, metadata
        self._link_source: LinkSource | None = None

    def write(self, path: Path, number: int | None = None) -> None:
        file = path if number is None else path.with_name(f"{path.name}{number}")
        if self._link_source is None or not self._link_source.link(file):
            write(file, self._arrays, self._metadata)
            # the folder may have been removed since
            with storing(file):
                self._link_source = attempted(lambda: LinkSource.of(file))


def write(path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
    """Write arrays to a file, with `metadata` (JSON) in its header.

    Raises:
        StorageError: the file cannot be written; an existing file of that name is kept.
    """
    contiguous = {name: np.asarray(a, order="C") for name, a in arrays.items()}
    # safetensors writes header entries in random order: a single one keeps the bytes of equal weights equal
    header = {HEADER_KEY: json.dumps({"notes": metadata, "checksum": _checksum(contiguous, metadata)})}
    with replacing(path) as temporary:
        attempted(lambda: _save(contiguous, temporary, header))


def _save(arrays: NamedArrays, path: Path, header: dict[str, str]) -> None:
    # reading needs no safetensors: a bundle is used where it is not installed
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file(arrays, path, metadata=header)
    except SafetensorError as error:
        number = _errno(str(error))
        raise OSError(number, os.strerror(number)) from error


def _errno(message: str) -> int:
    """The number in `... (os error 28)`: safetensors reports a system error as text only."""
    digits = message.rpartition("os error ")[2].split(")")[0]
    return int(digits) if digits.isdigit() else 5


def read(path: Path) -> tuple[NamedArrays, dict[str, Any]]:
    """Read arrays and metadata that `write` wrote.

    Raises:
        NotFound: no such file. DamagedFile: not a safetensors file, truncated, or changed since it was written.
        StorageError: the drive does not give it.
    """
    with _damage_reported(path):
        return _checked(*safetensors_file.read(path))


def parse(content: bytes, path: Path) -> tuple[NamedArrays, dict[str, Any]]:
    """Read arrays and metadata from the content of a file, which messages call `path`.

    Raises:
        DamagedFile: as `read`.
    """
    with _damage_reported(path):
        return _checked(*safetensors_file.parse(io.BytesIO(content)))


def _checked(
    stored: Mapping[str, safetensors_file.Stored], entries: Mapping[str, str]
) -> tuple[NamedArrays, dict[str, Any]]:
    metadata, checksum = _metadata(entries)
    arrays = safetensors_file.as_numpy(stored)
    if checksum not in (None, _checksum(arrays, metadata)):
        raise ValueError("its checksum does not fit: some of it was changed")
    return arrays, metadata


def read_metadata(path: Path) -> dict[str, Any]:
    """Read the metadata alone, which is fast however large the arrays are. Raises as `read`."""
    with _damage_reported(path):
        return _metadata(safetensors_file.read_metadata(path))[0]


def _metadata(entries: Mapping[str, str]) -> tuple[dict[str, Any], int | None]:
    """Metadata and checksum. Files of other programs have neither; older files of monklite have no checksum."""
    entry = json.loads(entries.get(HEADER_KEY, "{}"))
    if not isinstance(entry, dict):
        raise ValueError(NO_METADATA)
    if set(entry) != {"notes", "checksum"}:
        return entry, None
    if not isinstance(entry["notes"], dict):
        raise ValueError(NO_METADATA)
    return entry["notes"], int(entry["checksum"])


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"{path} is not there") from None
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> DamagedFile:
    return DamagedFile(f"{path} is damaged and cannot be loaded ({error})")


def _checksum(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> int:
    """CRC-32 of names, types, shapes, values and metadata; computing it takes a tenth of the time of writing them."""
    checksum = zlib.crc32(json.dumps(metadata).encode())
    for name in sorted(arrays):
        array = arrays[name]
        checksum = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), checksum)
        checksum = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, checksum)
    return checksum
