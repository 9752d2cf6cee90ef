"""Files that may be compressed, read as what is in them, of which there is a limit."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, cast

from ..retrying_file import open_with_retries

# of a table that a user gives, compressed or not
MAX_TABLE_BYTES: Final = 2 << 30
# a compressed table may become so many times as large, and this much at any ratio; tables shrink to a tenth or less
MAX_RATIO, HARMLESS_BYTES = 100, 64 << 20
_OPENERS: dict[str, Callable[[Any], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


@contextmanager
def decompressed(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed as its ending says.

    Raises:
        StorageError: the drive does not give them, or they are too many. ValueError: an archive of several files. Reading
            raises it where the bytes become too many.
    """
    ending = path.suffix.lower()
    with open_with_retries(path, MAX_TABLE_BYTES) as file:
        most = min(MAX_TABLE_BYTES, max(HARMLESS_BYTES, MAX_RATIO * file.seek(0, io.SEEK_END)))
        file.seek(0)
        if ending == ".zip":
            with zipfile.ZipFile(file) as archive:
                names = [member.filename for member in archive.infolist() if not member.is_dir()]
                if len(names) != 1:
                    raise ValueError(f"it holds {len(names)} files, not one")
                with archive.open(names[0]) as content:
                    yield _limited(content, most)
        elif ending in _OPENERS:
            with _OPENERS[ending](file) as content:
                yield _limited(content, most)
        else:
            yield file


class _Limited(io.RawIOBase):
    """The bytes of another file, up to a limit: a few kilobytes can become a table that fills the memory."""

    def __init__(self, content: IO[bytes], most: int) -> None:
        super().__init__()
        self._content, self._most, self._left = content, most, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        part = self._content.read(len(buffer))
        self._left -= len(part)
        if self._left < 0:
            raise ValueError(f"unpacked, it has more than {self._most:,} bytes")
        buffer[: len(part)] = part
        return len(part)


def _limited(content: IO[bytes], most: int) -> io.BufferedReader:
    # the type stubs ask for more than is needed
    return io.BufferedReader(cast(Any, _Limited(content, most)))
