"""Write a bundle as a folder or a zip file: whole or not at all, and never over what is there."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import InvalidValue, NotFound
from ..files import TEMPORARY, rename, replacing, storing, write_bytes
from ..looking import exists, is_folder, is_link
from ..rules import PathText
from ..runs.state import as_json
from ..transient import attempted
from .manifest import MANIFEST, MODEL, Manifest

ZIP = ".zip"


def free_path(path: str | os.PathLike[str]) -> Path:
    """The path of a bundle that is to be written.

    Raises:
        InvalidType, InvalidValue: not a path, or something is there already. NotFound: its folder does not exist.
    """
    chosen = Path(PathText()("path", path))
    if exists(chosen) or is_link(chosen):
        raise InvalidValue(f"{chosen} is there already, and nothing is overwritten: take another name")
    if not is_folder(chosen.absolute().parent):
        raise NotFound(f"there is no folder {chosen.parent} to put {chosen.name} into")
    return chosen


def write(path: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> Manifest:
    """Write a bundle to a path that is free; returns its manifest with the SHA-256 of each file.

    Raises:
        StorageError: the disk is full, or the folder cannot be written; nothing is left there then.
    """
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    complete = manifest.model_copy(update={"files": digests})
    files = {MANIFEST: as_json(complete.as_values(), indent=2).encode(), **contents}
    (_write_zip if path.suffix.lower() == ZIP else _write_folder)(path, files)
    return complete


def _write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
    try:
        with storing(path):
            attempted(temporary.mkdir)
            for name, content in files.items():
                write_bytes(temporary / name, content)
            free_path(path)
            rename(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    with replacing(path) as temporary:
        with attempted(lambda: temporary.open("wb")) as file, zipfile.ZipFile(file, "w") as archive:
            for name, content in files.items():
                # weights do not get smaller
                how = zipfile.ZIP_STORED if name == MODEL else zipfile.ZIP_DEFLATED
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFREG | 0o644) << 16
                archive.writestr(info, content, how)
        free_path(path)
