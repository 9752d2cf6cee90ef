"""The writer of a cache's file of decoded images."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import StorageError
from ..files import DISK_FULL, TEMPORARY, beside, discard, publish, storing
from ..locks import are_supported
from ..looking import entries
from ..transient import attempted
from . import cache_limit
from .cache_index import DecodedImage, ImageRef, KnownImages
from .cache_limit import IMAGES_SUFFIX


class PixelWriter:
    """A writer of decoded images into a file of the cache.

    It writes sequentially, so that a full disk is an error; writing to a memory map would end the process. Nothing is written
    as long as the images are those of one other cache, in its order. `refusal`: the reason why there is no file; else empty.
    """

    def __init__(self, base: Path, shape: tuple[int, int, int, int], known: KnownImages) -> None:
        self.refusal = ""
        self._base, self._shape, self._known = base, shape, known
        self._deferred: list[DecodedImage] = []
        self._file: Any = None
        self._stack = contextlib.ExitStack()

    def put(self, row: int, image: DecodedImage) -> None:
        """Add the next image."""
        if self.refusal:
            return
        if self._file is None and image.ref is not None and image.ref == ImageRef(self._first_cache(image), row):
            self._deferred.append(image)
            return
        self._begin()
        self._write(image)

    def replace(self, row: int, image: DecodedImage) -> None:
        """Write another image in place of the one of this row, after all rows were added."""
        self._begin()
        if self.refusal:
            return
        # what is written may not have reached the disk yet, which may be full
        try:
            self._file.seek(len(_header(self._shape)) + row * int(np.prod(self._shape[1:], dtype=np.int64)))
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            self.refusal = "and the disk is full"
        self._write(image)

    def _first_cache(self, image: DecodedImage) -> int:
        first = self._deferred[0].ref if self._deferred else image.ref
        return first.cache if first is not None else -1

    def _begin(self) -> None:
        """Open the file, if it is not open, and write the deferred images."""
        if self._file is not None or self.refusal:
            return
        folder = self._base.parent
        # of killed writers, since this process holds the lock
        if are_supported(folder):
            # nobody needs to have them removed now
            with contextlib.suppress(StorageError):
                for leftover in entries(folder):
                    if leftover.match(f".{self._base.name}.*{TEMPORARY}"):
                        discard(leftover)
        self.refusal = cache_limit.make_space(folder, int(np.prod(self._shape, dtype=np.int64)))
        if self.refusal:
            return
        images = Path(f"{self._base}{IMAGES_SUFFIX}")
        self._stack.enter_context(storing(images))
        self._temporary = self._stack.enter_context(beside(images))
        self._file = self._stack.enter_context(attempted(lambda: self._temporary.open("wb")))
        self._write_bytes(_header(self._shape))
        for image in self._deferred:
            self._write(image)
        self._deferred = []

    def _write(self, image: DecodedImage) -> None:
        if image.problem:
            self._write_bytes(bytes(int(np.prod(self._shape[1:]))))  # black
        elif image.ref is not None:
            self._write_bytes(self._known.images[image.ref.cache][image.ref.row])
        else:
            self._write_bytes(np.ascontiguousarray(image.pixels))

    def _write_bytes(self, content: Any) -> None:
        try:
            if not self.refusal:
                self._file.write(content)
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            self.refusal = "and the disk is full"

    def keep_as(self, path: Path) -> bool:
        """Rename the complete file to `path`; returns whether there is one."""
        # all images may be deferred, and the other cache may hold more
        self._begin()
        if self.refusal:
            return False
        try:
            self._file.close()
            publish(self._temporary, path)
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            self.refusal = "and the disk is full"
        return not self.refusal

    def __enter__(self) -> PixelWriter:
        return self

    def __exit__(self, *error: Any) -> Any:
        if self.refusal and self._file is not None:
            # what cannot be flushed is discarded anyway
            with contextlib.suppress(OSError):
                self._file.close()
        return self._stack.__exit__(*error)


def _header(shape: tuple[int, ...]) -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return header.getvalue()
