"""Files that may be compressed, read as what is in them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..retrying_file import open_with_retries

_OPENERS: dict[str, Callable[[Any], Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


@contextmanager
def decompressed(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed as its ending says.

    Raises:
        StorageError: the drive does not give them. ValueError: an archive of several files.
    """
    ending = path.suffix.lower()
    with open_with_retries(path) as file:
        if ending == ".zip":
            with zipfile.ZipFile(file) as archive:
                names = [member.filename for member in archive.infolist() if not member.is_dir()]
                if len(names) != 1:
                    raise ValueError(f"it holds {len(names)} files, not one")
                with archive.open(names[0]) as content:
                    yield content
        elif ending in _OPENERS:
            with _OPENERS[ending](file) as content:
                yield content
        else:
            yield file
