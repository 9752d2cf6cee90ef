"""Arrays with notes in one file (safetensors), which never executes anything: the training state of both backends.

safetensors notices a file that is cut short and no other damage; so a checksum of all that is in it stands among the notes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ..errors import DamagedFile, NotFound
from ..files import Twin, replacing, storing

Arrays = dict[str, np.ndarray]
NOTES = "monklite"  # the key of our entry in the header


class Snapshot:
    """See `backends.base.Snapshot`: arrays and notes, in memory of their own, for one file."""

    def __init__(self, arrays: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> None:
        self._arrays, self._notes = arrays, notes
        self._twin: Twin | None = None

    def write(self, path: Path, number: int | None = None) -> None:
        file = path if number is None else path.with_name(f"{path.name}{number}")
        if self._twin is None or not self._twin.link(file):
            write(file, self._arrays, self._notes)
            with storing(file):  # the folder may be gone by now
                self._twin = Twin.of(file)


def write(path: Path, arrays: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> None:
    """Write arrays; `notes` (JSON) go into the file's header.

    Raises:
        StorageError: the file cannot be written; an older one of that name stays.
    """
    whole = {name: np.asarray(a, order="C") for name, a in arrays.items()}
    with replacing(path) as temporary:
        try:
            # one entry only: their order is by chance, and the same weights shall be the same bytes
            save_file(
                whole, temporary, metadata={NOTES: json.dumps({"notes": notes, "checksum": _checksum(whole, notes)})}
            )
        except SafetensorError as error:
            raise OSError(_errno(str(error)), str(error)) from error


def _errno(text: str) -> int:
    """safetensors reports a system error as text only: `... (os error 28)`."""
    digits = text.rpartition("os error ")[2].split(")")[0]
    return int(digits) if digits.isdigit() else 5


def read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Arrays and notes as `write` wrote them.

    Raises:
        NotFound: no such file. DamagedFile: not such a file, cut short, or changed since.
    """
    with _opened(path) as file:
        notes, checksum = _notes(file)
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        if checksum not in (None, _checksum(arrays, notes)):
            raise ValueError("its checksum does not fit: some of it was changed")
        return arrays, notes


def read_notes(path: Path) -> dict[str, Any]:
    """The notes alone, which is quick however large the arrays are. Raises as `read`."""
    with _opened(path) as file:
        return _notes(file)[0]


def _notes(file: Any) -> tuple[dict[str, Any], int | None]:
    """The notes and the checksum; none of either in files of others, no checksum in our own from before there was one."""
    found = json.loads((file.metadata() or {}).get(NOTES, "{}"))
    if not isinstance(found, dict):
        raise ValueError("its notes are of another kind")
    if set(found) != {"notes", "checksum"}:
        return found, None
    if not isinstance(found["notes"], dict):
        raise ValueError("its notes are of another kind")
    return found["notes"], int(found["checksum"])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    if not path.exists():
        raise NotFound(f"{path} is not there")
    try:
        with safe_open(path, "np") as file:
            yield file
    except (SafetensorError, ValueError, OSError, TypeError, OverflowError, RecursionError) as error:
        raise DamagedFile(f"{path} is damaged and cannot be loaded ({error})") from None


def _checksum(arrays: Mapping[str, np.ndarray], notes: Mapping[str, Any]) -> int:
    """CRC-32 of names, types, shapes, values and notes; it takes a tenth of the time of writing them."""
    found = zlib.crc32(json.dumps(notes).encode())
    for name in sorted(arrays):
        array = arrays[name]
        found = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), found)
        found = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, found)
    return found
