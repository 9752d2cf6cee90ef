"""A project of the pages: its pictures to learn from, and those to test with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data import decode
from ...data.image_folder import images_in_folder
from ...errors import DatasetError, InvalidValue, NotFound, shown, unknown
from ...looking import entries, is_folder
from ...rules import PathText
from ...runs.state import now
from .own_files import read_json, write_json

# the folder of each part, and what it is called
PARTS = {"train": "pictures", "test": "test"}
THUMBNAIL = 240  # px


@dataclass(frozen=True)
class Project:
    """A project. Its pictures are in folders of its own, or in a folder of this machine that somebody pointed at."""

    folder: Path

    name = property(lambda self: self.folder.name)
    file = property(lambda self: self.folder / "project.json")
    # what is known about the pictures, see `inspecting`, and pictures that were tried
    findings = property(lambda self: self.folder / "findings.json")
    effects = property(lambda self: self.folder / "effects")
    predictions = property(lambda self: self.folder / "predictions")

    def write(self, changes: Mapping[str, Any]) -> None:
        known = read_json(self.file) if self.file.exists() else {"created": now(), "train": None, "test": None}
        write_json(self.file, {**known, **changes})

    def pointed_at(self, part: str) -> str | None:
        """The folder of this machine that a part's pictures are in; None: they are in the project's own."""
        folder: str | None = read_json(self.file)[checked_part(part)]
        return folder

    def images(self, part: str) -> Path:
        """The folder of the pictures of a part, which need not exist."""
        pointed_at = self.pointed_at(part)
        return Path(pointed_at) if pointed_at else self.folder / PARTS[part]

    def point_at(self, part: str, path: object) -> None:
        """Take the pictures of a part from a folder of this machine; nothing is copied.

        Raises:
            NotFound: no such folder. InvalidValue: the part has pictures, or a path that is not absolute. DatasetError: it has no
            folders of pictures.
        """
        folder = Path(PathText()("folder", path))
        if not folder.is_absolute():
            raise InvalidValue(
                f"the folder must begin at the root, such as /home/me/pictures, not {shown(str(folder))}"
            )
        if not is_folder(folder):
            raise NotFound(f"there is no folder at {shown(str(folder))} on this machine")
        if self.counts(part):
            raise InvalidValue("this project has pictures already: make a new project for those of another folder")
        if not _counts(folder):
            raise DatasetError(
                f"{shown(str(folder))} has no folders with pictures: it must have one folder for each class"
            )
        self.write({part: str(folder)})

    def counts(self, part: str) -> dict[str, int]:
        """The number of pictures in the folder of each class, sorted by name."""
        return _counts(self.images(part))

    def names(self, part: str, class_name: str) -> list[str]:
        """The pictures of a class, sorted; relative to its folder.

        Raises:
            UnknownName: there is no such class.
        """
        folder = self.images(part)
        if class_name not in {path.name for path in entries(folder) if is_folder(path)}:
            raise unknown("class", class_name, list(self.counts(part)))
        return _names(folder / class_name)

    def picture(self, part: str, class_name: str, number: int) -> Path:
        """The path of a picture of a class by its number, from 0. Raises as `names`, and NotFound."""
        names = self.names(part, class_name)
        if not 0 <= number < len(names):
            raise NotFound(f"{class_name} has {len(names)} pictures, and no number {number}")
        return self.images(part) / class_name / names[number]


def checked_part(part: str) -> str:
    """Raises UnknownName: there is no such part."""
    if part not in PARTS:
        raise unknown("part", part, list(PARTS))
    return part


def _counts(folder: Path) -> dict[str, int]:
    """The number of pictures in each folder of a folder, without those that have none."""
    found = {path.name: len(_names(path)) for path in entries(folder) if path.name[0] != "." and is_folder(path)}
    return {name: count for name, count in sorted(found.items()) if count}


def _names(folder: Path) -> list[str]:
    # a folder without pictures is no class
    try:
        return images_in_folder(folder)
    except DatasetError:
        return []


def thumbnail(path: Path | bytes, side: int = THUMBNAIL) -> bytes:
    """A small JPEG of a picture, at most `side` px wide and high. Raises as `decode.load`."""
    import io

    from PIL import Image

    content, problem = (path, "") if isinstance(path, bytes) else decode.read_file(path)
    decoded = decode.decode(content, side) if not problem else decode.Decoded(None, problem=problem)
    if decoded.pixels is None:
        raise DatasetError(f"the picture cannot be read: {decoded.problem}")
    width, height = (max(1, round(side * length / max(decoded.size))) for length in decoded.size)
    file = io.BytesIO()
    Image.fromarray(decoded.pixels).resize((width, height), Image.Resampling.LANCZOS).save(file, "JPEG", quality=82)
    return file.getvalue()
