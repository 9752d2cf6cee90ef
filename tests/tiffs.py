"""TIFF files of every layout, written value by value, because Pillow writes only some of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np

TILE = 16


def tiff(
    values: np.ndarray,
    bits: int | None = None,
    big_endian: bool = False,
    photometric: int | None = None,
    planar: bool = False,
    tiled: bool = False,
    deflate: bool = False,
    extra: Sequence[int] = (),
    rows: int = 5,
) -> bytes:
    """A TIFF of these values, (height, width) or (height, width, channels).

    `bits`: of one value, if fewer than its type has. `photometric`: None: black is zero, or RGB. `extra`: the kinds of the
    channels after the colours. `rows`: of one strip.
    """
    order = ">" if big_endian else "<"
    values = values if values.ndim == 3 else values[..., None]
    height, width, n = values.shape
    bits = bits or values.dtype.itemsize * 8
    planes = [values[..., [i]] for i in range(n)] if planar else [values]
    blocks = [_packed(block, bits, order) for plane in planes for block in _blocks(plane, tiled, rows)]
    if deflate:
        blocks = [zlib.compress(block) for block in blocks]
    pixels, offsets = b"", []
    for block in blocks:
        offsets.append(8 + len(pixels))
        pixels += block + b"\0" * (len(block) % 2)
    if photometric is None:
        photometric = 1 if n - len(extra) == 1 else 2
    sizes = [len(block) for block in blocks]
    fields: dict[int, tuple[str, Sequence[int]]] = {
        256: ("L", [width]),
        257: ("L", [height]),
        258: ("H", [bits] * n),
        259: ("H", [8 if deflate else 1]),
        262: ("H", [photometric]),
        277: ("H", [n]),
        284: ("H", [2 if planar else 1]),
        339: ("H", [{"u": 1, "i": 2, "f": 3}[values.dtype.kind]] * n),
        **({338: ("H", extra)} if extra else {}),
        **(
            {322: ("L", [TILE]), 323: ("L", [TILE]), 324: ("L", offsets), 325: ("L", sizes)}
            if tiled
            else {273: ("L", offsets), 278: ("L", [rows]), 279: ("L", sizes)}
        ),
    }
    head = b"MM\0*" if big_endian else b"II*\0"
    return head + struct.pack(order + "L", 8 + len(pixels)) + pixels + _directory(fields, order, 8 + len(pixels))


def _blocks(plane: np.ndarray, tiled: bool, rows: int) -> list[np.ndarray]:
    if not tiled:
        return [plane[top : top + rows] for top in range(0, len(plane), rows)]
    height, width, n = plane.shape
    padded = np.zeros((-(-height // TILE) * TILE, -(-width // TILE) * TILE, n), plane.dtype)
    padded[:height, :width] = plane
    corners = [(top, left) for top in range(0, height, TILE) for left in range(0, width, TILE)]
    return [padded[top : top + TILE, left : left + TILE] for top, left in corners]


def _packed(block: np.ndarray, bits: int, order: str) -> bytes:
    if bits == block.dtype.itemsize * 8:
        return block.astype(block.dtype.newbyteorder(order)).tobytes()
    single = np.unpackbits(block.astype(">u2").view(np.uint8).reshape(*block.shape, 2), axis=-1)[..., 16 - bits :]
    return np.packbits(single.reshape(len(block), -1), axis=1).tobytes()


def _directory(fields: dict[int, tuple[str, Sequence[int]]], order: str, start: int) -> bytes:
    entries, beside = struct.pack(order + "H", len(fields)), b""
    after = start + 2 + 12 * len(fields) + 4
    for tag, (kind, numbers) in sorted(fields.items()):
        body = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(body) > 4:
            where = after + len(beside)
            beside += body + b"\0" * (len(body) % 2)
            body = struct.pack(order + "L", where)
        entries += struct.pack(order + "HHL", tag, {"H": 3, "L": 4}[kind], len(numbers)) + body.ljust(4, b"\0")
    return entries + bytes(4) + beside
