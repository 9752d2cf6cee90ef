"""The images of a search, sent once to machines that do not have them at their path."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ...errors import InvalidValue
from ...files import TEMPORARY, format_bytes, make_folder
from ...locks import Lock
from ...looking import is_folder, walk
from ...regular_files import read_regular
from ...spec import Folders, Source, Table

# bytes; more belongs on a disk that all machines see
MOST = 4 << 30


def are_here(sources: Sequence[Source]) -> bool:
    """Whether the folders and tables of the images are on this machine."""
    return all(
        is_folder(Path(source.path)) and (isinstance(source, Folders) or Path(source.csv).is_file())
        for source in sources
    )


def packed(sources: Sequence[Source]) -> bytes:
    """The files of the images as a zip archive, a folder for each source; their content is compressed already.

    Raises:
        InvalidValue: they are listed in a table, or are too many to send.
    """
    if any(isinstance(source, Table) for source in sources):
        raise InvalidValue(
            "a worker does not find the images at their path, and images of a table are not sent: put them, and the workspace, "
            "on a disk that all machines have under the same path"
        )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number, source in enumerate(sources):
            base = Path(source.path)
            for file in sorted(p for p in walk(base) if p.is_file()):
                if content.tell() + file.stat().st_size > MOST:
                    raise InvalidValue(
                        f"a worker does not find the images at {base}, and they are more than {format_bytes(MOST)}, which is too "
                        "much to send: put them on a disk that all machines have under the same path"
                    )
                archive.writestr(f"{number}/{file.relative_to(base).as_posix()}", read_regular(file, MOST))
    return content.getvalue()


def digest_of(archive: bytes) -> str:
    """By which a machine knows that it has them."""
    return hashlib.sha256(archive).hexdigest()[:24]


def unpacked(archive: bytes, digest: str, sources: Sequence[Source]) -> tuple[Source, ...]:
    """The sources with the path that they have on this machine, where they are unpacked once.

    Raises:
        StorageError: there is no place for them.
    """
    base = Path(os.environ.get("MONKLITE_IMAGES") or Path.home() / ".cache" / "monklite" / "images")
    make_folder(base)
    target = base / digest
    with Lock(base / f".{digest}.lock"):
        if not is_folder(target):
            temporary = base / f".{digest}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}"
            try:
                # of our own driver, by names that it made
                zipfile.ZipFile(io.BytesIO(archive)).extractall(temporary)
                temporary.rename(target)
            finally:
                with contextlib.suppress(OSError):
                    shutil.rmtree(temporary)
    return tuple(source.model_copy(update={"path": str(target / str(n))}) for n, source in enumerate(sources))
