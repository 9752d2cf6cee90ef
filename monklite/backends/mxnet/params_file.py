"""The layout of MXNet's parameter files, checked before MXNet reads them.

MXNet asks for the memory that a file declares before it looks whether the file is as long, and gives sparse arrays the size that
they declare when they are converted; a damaged file of some hundred bytes can so take all memory.

A file is, in little-endian order: its mark (8 bytes), 8 bytes of 0, the number of arrays (8), the arrays, the number of names
(8), the names, each behind its length (8). An array is: its mark (4), the kind of storage (4, not before the second version), the
number of its dimensions (4), its shape (8 each), the device (8), the type of its numbers (4), its numbers. The very first version
has the number of dimensions in place of the mark, and a shape of 4 bytes each.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from ...errors import shown

# of arrays: with dimensions of 32 bits, without kinds of storage, today's, and those of MXNet's NumPy interface
MARK_V1, MARK_V2, MARK_V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
DENSE = 0
# bytes of a number, by the type's number: float32, float64, float16, uint8, int32, int8, int64, bool, then bfloat16
ITEM_BYTES = {0: 4, 1: 8, 2: 2, 3: 1, 4: 4, 5: 1, 6: 8, 7: 1, 12: 2}
# no network has as many; each costs time
MAX_ARRAYS, MAX_DIMENSIONS, MAX_NAME_BYTES = 100_000, 32, 10_000


class Malformed(ValueError):
    """The layout is not that of parameters; the message says where."""


@dataclass
class _Cursor:
    """A place in the content of a file."""

    content: bytes
    place: int = 0

    @property
    def left(self) -> int:
        return len(self.content) - self.place

    def skip(self, size: int, what: str) -> None:
        if size > self.left:
            raise Malformed(f"it ends too early: {what} has {shown(size)} bytes, and {self.left} are left")
        self.place += size

    def take(self, form: str, what: str) -> tuple[int, ...]:
        start = self.place
        self.skip(struct.calcsize(form), what)
        return struct.unpack_from(form, self.content, start)


def check(content: bytes) -> None:
    """Refuse a file whose arrays or names do not fit into it, or that has arrays that no network's weights are.

    Raises:
        Malformed: it is one.
    """
    cursor = _Cursor(content)
    (_, _, n_arrays) = cursor.take("<QQQ", "its beginning")
    if n_arrays > MAX_ARRAYS:
        raise Malformed(f"it has {n_arrays} arrays, more than {MAX_ARRAYS}")
    for number in range(n_arrays):
        _check_array(cursor, f"array {number}")
    (n_names,) = cursor.take("<Q", "the number of names")
    if n_names not in (0, n_arrays):
        raise Malformed(f"it has {n_names} names for {n_arrays} arrays")
    for number in range(n_names):
        (length,) = cursor.take("<Q", "the length of a name")
        if length > MAX_NAME_BYTES:
            raise Malformed(f"name {number} has {length} bytes, more than {MAX_NAME_BYTES}")
        cursor.skip(length, f"name {number}")


def _check_array(cursor: _Cursor, what: str) -> None:
    (mark,) = cursor.take("<I", what)
    if mark in (MARK_V2, MARK_V3):
        (storage,) = cursor.take("<i", what)
        if storage != DENSE:
            raise Malformed(
                f"{what} is sparse or empty (storage {storage}): save it dense, with array.tostype('default')"
            )
    if mark in (MARK_V1, MARK_V2, MARK_V3):
        (n_dimensions,), form = cursor.take("<i", what), "q"
    else:
        n_dimensions, form = mark, "I"
    if not 0 < n_dimensions <= MAX_DIMENSIONS:
        raise Malformed(f"{what} has {n_dimensions} dimensions, not 1 to {MAX_DIMENSIONS}")
    shape = cursor.take(f"<{n_dimensions}{form}", what)
    if min(shape) <= 0:
        raise Malformed(f"{what} has no numbers: its shape is {shown(shape)}")
    (_, _, kind) = cursor.take("<iii", what)
    if kind not in ITEM_BYTES:
        raise Malformed(f"{what} has numbers of an unknown type, {kind}")
    cursor.skip(math.prod(shape) * ITEM_BYTES[kind], f"{what} of shape {shown(shape)}")
