"""Decoded images on their way into a file of the cache."""

from __future__ import annotations

import contextlib
import errno
import io
from pathlib import Path
from typing import Any

import numpy as np

from ..files import TEMPORARY, beside, publish, storing
from . import cache_limit
from .cache_index import DecodedImage, Known, Ref
from .cache_limit import IMAGES

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Pixels:
    """Images on their way into a file of the cache.

    Written from the first byte to the last, so that a disk that fills up is an error, not the end of the process as it is
    where a memory map is written. Nothing is written as long as the images are those of one other cache, in its order.
    `refused`: why there is no file.
    """

    def __init__(self, base: Path, shape: tuple[int, int, int, int], known: Known) -> None:
        self.refused = ""
        self._base, self._shape, self._known = base, shape, known
        self._waiting: list[DecodedImage] = []
        self._file: Any = None
        self._stack = contextlib.ExitStack()

    def put(self, row: int, image: DecodedImage) -> None:
        """Take the next image."""
        if self.refused:
            return
        if self._file is None and image.ref is not None and image.ref == Ref(self._first_cache(image), row):
            self._waiting.append(image)
            return
        self._begin()
        self._write(image)

    def _first_cache(self, image: DecodedImage) -> int:
        first = self._waiting[0].ref if self._waiting else image.ref
        return first.cache if first is not None else -1

    def _begin(self) -> None:
        """Open the file, and write what was put off."""
        if self._file is not None or self.refused:
            return
        folder = self._base.parent
        for leftover in folder.glob(f".{self._base.name}.*{TEMPORARY}"):  # of a killed writer, for we hold the lock
            leftover.unlink(missing_ok=True)
        self.refused = cache_limit.make(folder, int(np.prod(self._shape, dtype=np.int64)))
        if self.refused:
            return
        images = Path(f"{self._base}{IMAGES}")
        self._stack.enter_context(storing(images))
        self._temporary = self._stack.enter_context(beside(images))
        self._file = self._stack.enter_context(self._temporary.open("wb"))
        self._write_out(_header(self._shape))
        for image in self._waiting:
            self._write(image)
        self._waiting = []

    def _write(self, image: DecodedImage) -> None:
        if image.reason:
            self._write_out(bytes(int(np.prod(self._shape[1:]))))  # black
        elif image.ref is not None:
            self._write_out(self._known.images[image.ref.cache][image.ref.row])
        else:
            self._write_out(np.ascontiguousarray(image.pixels))

    def _write_out(self, content: Any) -> None:
        try:
            if not self.refused:
                self._file.write(content)
        except OSError as error:
            if error.errno not in FULL:
                raise
            self.refused = "and the disk is full"

    def keep_as(self, path: Path) -> bool:
        """Give the file its name; whether there is one."""
        self._begin()  # all of it may stand in another cache, and in another order or number
        if self.refused:
            return False
        try:
            self._file.close()
            publish(self._temporary, path)
        except OSError as error:
            if error.errno not in FULL:
                raise
            self.refused = "and the disk is full"
        return not self.refused

    def __enter__(self) -> Pixels:
        return self

    def __exit__(self, *error: Any) -> Any:
        if self.refused and self._file is not None:
            with contextlib.suppress(OSError):  # what could not be flushed is of no use
                self._file.close()
        return self._stack.__exit__(*error)


def _header(shape: tuple[int, ...]) -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return header.getvalue()
