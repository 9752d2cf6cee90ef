"""Pictures that are added to a project: one by one as they are uploaded, or from a zip file. Nothing is overwritten."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from ...archive_errors import ARCHIVE_ERRORS
from ...data.image_files import is_read
from ...errors import DamagedFile, InvalidValue, MonkliteError, NotFound, StorageError, cut, shown
from ...files import format_bytes, make_folder, reading, storing, write_new
from ...printable import printable
from ...regular_files import read_regular
from ...runs.file_names import check_name, is_name
from .projects import PARTS, Project, checked_part

# of one picture; of all in a zip file; how often larger a zip file may become
MAX_PICTURE, MAX_ARCHIVE, MAX_RATIO = 64_000_000, 64_000_000_000, 100
MAX_FILES = 200_000
# first bytes, by which the format of a picture is known
N_FIRST = 1024
# names of files that systems put beside pictures, which nobody has to be told about
BESIDE = re.compile(r"(?i)\..*|thumbs\.db|desktop\.ini|__macosx")
# folders of these names above the folders of the classes -> their part
WORDS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
_UNSAFE = re.compile(r"[^\w .@+=,()-]")
MAX_REFUSED = 20


@dataclass
class Added:
    """The result of adding pictures. `added`: by part and class. `known`: already there before. `refused`: with reasons."""

    added: Counter[tuple[str, str]] = field(default_factory=Counter)
    known: int = 0
    refused: list[str] = field(default_factory=list)
    n_refused: int = 0

    def refuse(self, name: str, reason: str) -> None:
        self.n_refused += 1
        if len(self.refused) < MAX_REFUSED:
            self.refused.append(f"{cut(printable(name))}: {reason}")

    def as_dict(self) -> dict[str, object]:
        return {
            "added": sum(self.added.values()),
            "known": self.known,
            "refused": self.n_refused,
            "reasons": self.refused,
        }


@dataclass(frozen=True)
class Place:
    """The place of a picture in a project: its part and class, and the name of its file, with patients' folders if any."""

    part: str
    class_name: str
    name: str

    @classmethod
    def of(cls, path: str, part: str, class_name: str = "", rooted: bool = True) -> Place | None:
        """The place of a file by its path; None: a file that systems put beside pictures.

        Args:
            part: where no folder of the path says otherwise. class_name: that of all files; `""`: the first folder that is
                neither `train` nor `test`. rooted: whether the first folder only holds those of the classes.

        Raises:
            InvalidValue: it is in no folder, or its folder cannot be a class.
        """
        *folders, name = PurePosixPath(path.replace("\\", "/")).parts or ("",)
        if any(BESIDE.fullmatch(each) for each in (*folders, name) if each not in (".", "..")):
            return None
        if not name or ".." in (*folders, name) or path.startswith("/"):
            raise InvalidValue("its path leads out of the folder")
        if class_name:
            return cls(checked_part(part), check_name("class", class_name), _file_name(name))
        if not folders:
            raise InvalidValue("it is in no folder, and the folder of a picture is its class")
        inner = folders[1:] if rooted and len(folders) > 1 else folders
        while len(inner) > 1 and inner[0].lower() in WORDS:
            part, inner = WORDS[inner[0].lower()], inner[1:]
        return cls(checked_part(part), check_name("class", inner[0]), "/".join(map(_file_name, (*inner[1:], name))))


def _file_name(name: str) -> str:
    """A name that a file may have on every system, as like the given one as possible."""
    cleaned = _UNSAFE.sub("_", name).strip(" .")[-100:].lstrip(" .@+=,()")
    return (
        cleaned
        if is_name(cleaned)
        else f"picture-{cleaned}".rstrip(". ")
        if is_name(f"picture-{cleaned}")
        else "picture"
    )


def check_own(project: Project, part: str) -> None:
    """Raises InvalidValue: the pictures are in a folder of this machine, into which the pages write nothing."""
    if folder := project.pointed_at(part):
        raise InvalidValue(
            f"the pictures of this project are in {shown(folder)}: put further ones there yourself, or copy them into "
            "this project"
        )


def add(project: Project, place: Place, content: bytes, added: Added) -> Path | None:
    """Add a picture; returns its path, None where it was refused, or is there already.

    Raises:
        StorageError: it cannot be written.
    """
    if not is_read(content[:N_FIRST]):
        added.refuse(place.name, "it is no picture in a format that is read")
        return None
    if len(content) > MAX_PICTURE:
        added.refuse(
            place.name, f"it has {format_bytes(len(content))}, and a picture may have {format_bytes(MAX_PICTURE)}"
        )
        return None
    wanted = project.folder / PARTS[place.part] / place.class_name / place.name
    make_folder(wanted.parent)
    path = _write_new(wanted.parent, wanted.name, content)
    if path is None:
        added.known += 1
        return None
    added.added[place.part, place.class_name] += 1
    return path


def take_over(project: Project, part: str) -> None:
    """Copy the pictures of a folder of this machine into the project, which then has its own; that folder stays as it is.

    Files that cannot be read as pictures are copied too: what is in the project is then the same. What was copied by a call that
    was stopped is not copied again.

    Raises:
        InvalidValue: they are the project's own already, or one is too large. NotFound: one was taken away meanwhile.
        StorageError: the disk is full, or a file cannot be read or written.
    """
    if not project.pointed_at(part):
        raise InvalidValue("the pictures are in the project already")
    folder = project.images(part)
    files = [(name, file) for name in project.counts(part) for file in project.names(part, name)]
    sizes = {path: _size(path) for path in (folder / name / file for name, file in files)}
    largest = max(sizes, key=lambda path: sizes[path], default=folder)
    if sizes.get(largest, 0) > MAX_PICTURE:
        raise InvalidValue(
            f"{shown(str(largest))} has {format_bytes(sizes[largest])}, and a picture of a project may have "
            f"{format_bytes(MAX_PICTURE)}: nothing was copied"
        )
    there = {path: project.folder / PARTS[part] / path.relative_to(folder) for path in sizes}
    _check_bytes(project.folder, sum(size for path, size in sizes.items() if _size(there[path]) != size))
    for name, file in files:
        try:
            with reading(folder / name / file):
                content = read_regular(folder / name / file, MAX_PICTURE)
        except FileNotFoundError:
            raise NotFound(f"{folder / name / file} is not there any more: copy once more") from None
        wanted = project.folder / PARTS[part] / name / file
        make_folder(wanted.parent)
        _write_new(wanted.parent, wanted.name, content)
    project.write({part: None})


def _write_new(folder: Path, name: str, content: bytes) -> Path | None:
    """Write a file that is not there yet, under a name like the given one; None: a file of that name has the same content."""
    digest = hashlib.sha256(content).digest()
    for path in _names_like(folder, name):
        try:
            with storing(path):
                write_new(path, content)
            return path
        except StorageError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
        if path.stat().st_size == len(content) and hashlib.sha256(read_regular(path, len(content))).digest() == digest:
            return None
    raise AssertionError("names do not end")


def _names_like(folder: Path, name: str) -> Iterator[Path]:
    path, number = folder / name, 1
    while True:
        yield path
        number += 1
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"


def add_archive(project: Project, part: str, file: IO[bytes], size: int) -> Added:
    """Add every picture of a zip file, which is checked like a file from anywhere; see `Place.of` for where they go.

    Raises:
        DamagedFile: it is damaged, or not what it says, as the message says; pictures before the damage are added.
    """
    added = Added()
    try:
        with zipfile.ZipFile(file) as archive:
            members = _checked_members(archive, size)
            _check_space(project.folder, members)
            rooted = _have_one_root([member.filename for member in members])
            for member in members:
                _add_member(project, part, archive, member, rooted, added)
    except MonkliteError:
        raise
    except ARCHIVE_ERRORS as error:
        so_far = sum(added.added.values())
        raise DamagedFile(
            f"the zip file is damaged, or not a zip file ({cut(str(error))}); {so_far} pictures were added before that"
        ) from None
    return added


def _checked_members(archive: zipfile.ZipFile, size: int) -> Sequence[zipfile.ZipInfo]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    total = sum(member.file_size for member in members)
    if len(members) > MAX_FILES:
        raise DamagedFile(f"the zip file holds {len(members):,} files, more than {MAX_FILES:,}: send it in parts")
    if total > MAX_ARCHIVE or total > MAX_RATIO * max(size, 100_000):
        raise DamagedFile(f"the zip file is refused: its {format_bytes(size)} would become {format_bytes(total)}")
    for member in members:
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise DamagedFile(f"the zip file is refused: {shown(member.filename)} is a link or a device, not a file")
        if member.flag_bits & 1:
            raise DamagedFile("the zip file has a password: unpack it, and upload its folders")
    return members


def _have_one_root(names: Sequence[str]) -> bool:
    """Whether all files that are in folders are in one, beside what systems put there."""
    return len({name.split("/")[0] for name in names if "/" in name and not BESIDE.match(name)}) == 1


def _check_space(folder: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    _check_bytes(folder, sum(member.file_size for member in members))


def _size(path: Path) -> int:
    """The bytes of a file; -1: it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _check_bytes(folder: Path, needed: int) -> None:
    free = None
    # some network drives do not say; a disk that is full is noticed while writing
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(folder).free
    if free is not None and needed > free:
        raise StorageError(f"the pictures need {format_bytes(needed)}, and the disk has {format_bytes(free)} free")


def _add_member(
    project: Project, part: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, rooted: bool, added: Added
) -> None:
    try:
        place = Place.of(member.filename, part, rooted=rooted)
        if place is None:
            return
        if member.file_size > MAX_PICTURE:
            raise InvalidValue(f"a picture may have {format_bytes(MAX_PICTURE)}")
    except MonkliteError as error:
        added.refuse(member.filename, str(error))
        return
    check_own(project, place.part)
    # zipfile never gives more bytes than the size that was checked
    add(project, place, archive.read(member), added)
