"""Read safetensors files through Python: an error of the drive keeps its number, and each array is in memory once.

The library itself calls any file that it cannot open missing, and maps it into memory, where an error of the drive ends the
process.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ..retrying_file import open_with_retries

# bytes of one number, by the name of its type
SIZES = {
    "F64": 8, "I64": 8, "U64": 8, "C64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2,
    "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1,
}  # fmt: skip
# those that NumPy has
NUMPY_TYPES = {
    "F64": "f8", "I64": "i8", "U64": "u8", "C64": "c8", "F32": "f4", "I32": "i4", "U32": "u4", "F16": "f2", "I16": "i2",
    "U16": "u2", "I8": "i1", "U8": "u1", "BOOL": "?",
}  # fmt: skip
LENGTH_BYTES, MAX_HEADER_BYTES = 8, 100_000_000
METADATA = "__metadata__"


class Stored(NamedTuple):
    """An array as it is stored. `kind`: the type of its numbers, a key of `SIZES`; `content`: uint8 (bytes,)."""

    kind: str
    shape: tuple[int, ...]
    content: np.ndarray

    def as_numpy(self) -> np.ndarray:
        """The array, without copying it.

        Raises:
            ValueError: NumPy does not have its type.
        """
        if self.kind not in NUMPY_TYPES:
            raise ValueError(f"numbers of type {self.kind}, which NumPy does not have")
        return self.content.view(np.dtype(NUMPY_TYPES[self.kind]).newbyteorder("<")).reshape(self.shape)


class _Place(NamedTuple):
    """Where an array is, in bytes behind the header."""

    start: int
    end: int
    name: str
    kind: str
    shape: tuple[int, ...]


def read(path: Path) -> tuple[dict[str, Stored], dict[str, str]]:
    """The arrays of a file, and its metadata.

    Raises:
        FileNotFoundError: no such file. StorageError: the drive does not give it. ValueError: not a safetensors file, or a
            truncated one.
    """
    with open_with_retries(path) as file:
        return parse(file)


def parse(file: BinaryIO) -> tuple[dict[str, Stored], dict[str, str]]:
    """The arrays of an open file, and its metadata. Raises ValueError as `read`."""
    places, metadata = _header(file)
    arrays = {}
    # in their order, and no gaps are between them
    for place in places:
        content = np.empty(place.end - place.start, np.uint8)
        if file.readinto(content.data) != len(content):  # type: ignore[attr-defined]
            raise ValueError(f"it ends within {place.name}")
        arrays[place.name] = Stored(place.kind, place.shape, content)
    return arrays, metadata


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata alone, which is fast however large the arrays are. Raises as `read`."""
    with open_with_retries(path) as file:
        return _header(file)[1]


def _header(file: BinaryIO) -> tuple[list[_Place], dict[str, str]]:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if size < LENGTH_BYTES or length > min(MAX_HEADER_BYTES, size - LENGTH_BYTES):
        raise ValueError("its header is not that of a safetensors file, or it is truncated")
    header = json.loads(file.read(length).decode("utf-8"))
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object")
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata are not texts")
    places = sorted(_place(name, entry) for name, entry in header.items())
    end = 0
    for place in places:
        if place.start != end:
            raise ValueError(f"{place.name} does not follow the array before it")
        end = place.end
    if LENGTH_BYTES + length + end != size:
        raise ValueError(f"it has {size} bytes, not the {LENGTH_BYTES + length + end} of its header: it is truncated?")
    return places, metadata


def _place(name: str, entry: Any) -> _Place:
    try:
        kind, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not all(type(number) is int and number >= 0 for number in (*shape, start, end)):
            raise TypeError("not whole numbers")
        n_bytes = math.prod(shape) * SIZES[kind]
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"the entry of {name} in its header cannot be read") from None
    if end - start != n_bytes:
        raise ValueError(f"{name} has {end - start} bytes, not the {n_bytes} of its shape")
    return _Place(start, end, name, kind, tuple(shape))


def as_numpy(arrays: Mapping[str, Stored]) -> dict[str, np.ndarray]:
    """Arrays by name. Raises ValueError: NumPy does not have the type of one of them."""
    return {name: stored.as_numpy() for name, stored in arrays.items()}
