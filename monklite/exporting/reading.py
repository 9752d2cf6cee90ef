"""Read a bundle: a folder or a zip file. Every file is checked against the SHA-256 in the manifest, and nothing is unpacked."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from ..archive_errors import ARCHIVE_ERRORS
from ..errors import DamagedFile, MonkliteError, NotFound, cut, shown
from ..files import reading
from ..looking import exists, is_file, is_folder
from ..regular_files import MAX_JSON_BYTES, open_regular, read_regular
from ..settings_tree import build
from ..transient import attempted
from .manifest import MANIFEST, SCHEMA, Manifest

M = TypeVar("M", bound=BaseModel)
# of one file; protobuf, in which the network is written, ends there
MAX_FILE_BYTES = 2 << 30
# characters of a message that says why a file is refused
MAX_REASON = 300


def looks_like_bundle(path: str | os.PathLike[str]) -> bool:
    """Whether there is a bundle at a path, whole or damaged: a zip file, or a folder with a manifest."""
    place = Path(path)
    return is_file(place / MANIFEST) or (is_file(place) and zipfile.is_zipfile(place))


class Bundle:
    """A bundle on the disk. `manifest`: what it says of itself.

    Raises:
        NotFound: there is none. DamagedFile: its manifest is missing or damaged, or of a newer monklite. StorageError: the disk
        does not give it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not exists(self.path):
            raise NotFound(f"there is no bundle at {self.path}")
        self._is_folder = is_folder(self.path)
        self.manifest = self.record(MANIFEST, Manifest)

    def names(self) -> list[str]:
        """The files that the bundle says it has, besides the manifest, sorted."""
        return sorted(self.manifest.files)

    def content(self, name: str) -> bytes:
        """The content of one of its files.

        Raises:
            NotFound: the bundle has no such file. DamagedFile: it is missing, or is not the one that was written.
        """
        expected = self.manifest.files.get(name)
        if expected is None:
            raise NotFound(f"the bundle {self.path} has no {name}")
        content = self._read(name)
        if hashlib.sha256(content).hexdigest() != expected:
            raise self._damaged(
                name, "it is not the file that was written: its SHA-256 differs from that in the manifest"
            )
        return content

    def record(self, name: str, model: type[M]) -> M:
        """One of its JSON files. Raises as `content`."""
        content = self._read(name) if name == MANIFEST else self.content(name)
        try:
            values = json.loads(content)
            if values["schema"] > SCHEMA:
                raise DamagedFile(f"{name} of {self.path} was written by a newer monklite: upgrade monklite")
            return build(model, values)
        except DamagedFile:
            raise
        except (MonkliteError, ValueError, TypeError, LookupError, RecursionError) as error:
            raise self._damaged(name, cut(str(error), MAX_REASON)) from None

    def check(self) -> None:
        """Check every file. Raises as `content`."""
        for name in self.names():
            self.content(name)

    def _read(self, name: str) -> bytes:
        most = MAX_JSON_BYTES if name.endswith(".json") else MAX_FILE_BYTES
        try:
            with reading(self.path):
                return self._of_folder(name, most) if self._is_folder else self._of_zip(name, most)
        except FileNotFoundError:
            raise self._damaged(name, "it is missing") from None
        except MonkliteError:
            raise
        except ARCHIVE_ERRORS as error:
            raise self._damaged(name, cut(str(error), MAX_REASON)) from None

    def _of_folder(self, name: str, most: int) -> bytes:
        return attempted(lambda: read_regular(self.path / name, most))

    def _of_zip(self, name: str, most: int) -> bytes:
        with open_regular(self.path) as file, zipfile.ZipFile(file) as archive:
            member = archive.getinfo(name)
            if member.file_size > most:
                raise ValueError(f"it has {member.file_size:,} bytes, and at most {most:,} are read")
            with archive.open(member) as opened:
                # never more than it says, which is what a bomb does
                content = opened.read(member.file_size + 1)
            if len(content) != member.file_size:
                raise ValueError("it has another size than the archive says")
            return content

    def _damaged(self, name: str, reason: Any) -> DamagedFile:
        return DamagedFile(
            f"{shown(name)} of the bundle {self.path} is damaged ({reason}): copy the bundle again, or export the run again"
        )
