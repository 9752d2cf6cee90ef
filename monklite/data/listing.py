"""List the folders of a dataset: images, folders, and entries that are passed over."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from ..errors import DatasetError, MonkliteError, NotFound, StorageError
from ..transient import retried
from .optional_formats import OPTIONAL_FORMATS
from .samples import quoted

EXTENSIONS = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif",
    *(ending for row in OPTIONAL_FORMATS if row.readable for ending in row.endings),
))  # fmt: skip
# in lower case; folders that operating systems, network drives and Python create
SYSTEM_FOLDERS = frozenset((
    "__macosx", "network trash folder", "temporary items", "thevolumesettingsfolder",
    "$recycle.bin", "recycler", "system volume information", "found.000",
    "lost+found", "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "~snapshot",
    "__pycache__",
))  # fmt: skip
# of a link that leads nowhere or in a circle
_BROKEN_LINK_ERRORS = frozenset((errno.ELOOP, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ENOENT, errno.EINVAL))
# of Windows, likewise: ERROR_CANT_RESOLVE_FILENAME, ERROR_CANT_ACCESS_FILE, ERROR_STOPPED_ON_SYMLINK
_BROKEN_LINK_WINDOWS_ERRORS = frozenset((1921, 1920, 681))
_JUNCTION = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)


class Listing(NamedTuple):
    """The names in one folder. `links`: those of `folders` that are links. `others`: entries that are passed over."""

    images: list[str]
    folders: list[str]
    links: set[str]
    others: list[str]


def list_folder(folder: str, kept: Collection[str] = ()) -> Listing:
    """The entries of a folder, in the order of the file system.

    Hidden entries, system folders, broken links, and files without the ending of an image are among the `others`.

    Args:
        kept: names of folders that are not passed over, whatever they are called.

    Raises:
        DatasetError: the folder may not be read. NotFound: it has gone. StorageError: it cannot be listed.
    """
    try:
        return retried(lambda: _list(folder, kept), folder, "listed")
    except MonkliteError:
        raise
    except PermissionError as error:
        raise not_allowed(folder, error) from None
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"the folder {quoted([folder])} has gone while the dataset was read: run it again") from None
    except OSError as error:
        raise StorageError(
            f"the folder {quoted([folder])} cannot be listed ({error.strerror}): check the drive, or move the folder away"
        ) from error


def not_allowed(folder: str, error: OSError) -> DatasetError:
    """The error for a folder that may not be read."""
    return DatasetError(
        f"the folder {quoted([folder])} may not be read by this user ({error.strerror}): allow it (`chmod -R u+rX` for its "
        "owner on Linux and macOS, Properties > Security on Windows), or move it out of the dataset"
    )


def _list(folder: str, kept: Collection[str]) -> Listing:
    listing = Listing([], [], set(), [])
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if entry.is_dir():
                    _add_folder(listing, entry, kept)
                else:
                    (listing.images if _is_image(entry) else listing.others).append(entry.name)
            except OSError as error:
                if not _is_broken_link(entry, error):
                    raise
                listing.others.append(entry.name)
    return listing


def _add_folder(listing: Listing, entry: os.DirEntry[str], kept: Collection[str]) -> None:
    if _passed_over(entry.name) and entry.name not in kept:
        listing.others.append(entry.name)
        return
    listing.folders.append(entry.name)
    if _is_link(entry):
        listing.links.add(entry.name)


def _passed_over(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM_FOLDERS


def _is_image(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a visible file, not a pipe or a broken link, with the ending of an image."""
    name = entry.name
    # ten times faster than `Path.suffix`
    return name[name.rfind(".") :].lower() in EXTENSIONS and name[0] != "." and entry.is_file()


def _is_link(entry: os.DirEntry[str]) -> bool:
    """Whether a folder is a symbolic link or, on Windows, a junction."""
    if entry.is_symlink():
        return True
    if _JUNCTION is None or os.name != "nt":
        return False
    return getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0) == _JUNCTION


def _is_broken_link(entry: os.DirEntry[str], error: OSError) -> bool:
    windows_error = getattr(error, "winerror", None)
    return entry.is_symlink() and (error.errno in _BROKEN_LINK_ERRORS or windows_error in _BROKEN_LINK_WINDOWS_ERRORS)


# the identities of the folders that a walk has come through, and of all folders above them
Trail = frozenset[object]


def trail_to(folder: str, trail: Trail = frozenset()) -> Trail:
    """The trail of a walk that stands in `folder`, to recognise links that lead back.

    It is asked for only where there are links, so folders and files without links cost nothing.

    Args:
        trail: of the walk before it followed the last link; folders since then need not be in it.
    """
    above = [os.path.realpath(folder)]
    while (parent := os.path.dirname(above[-1])) != above[-1]:  # noqa: PTH120
        above.append(parent)
    return trail | {_identity(path) for path in above}


def leads_back(link: str, trail: Trail) -> bool:
    """Whether the target of a link is a folder that the walk has come through, or lies above one."""
    return _identity(os.path.realpath(link)) in trail


def _identity(path: str) -> object:
    """A key that two paths of one folder share: its number on its device, else the path itself."""
    try:
        status = Path(path).stat()
    except OSError:
        return os.path.normcase(path)
    # some network drives have no numbers
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.normcase(path)


class Walked(NamedTuple):
    """Everything below a folder. `images`: for each folder with images their paths. `others`: the paths passed over."""

    images: dict[str, list[str]]
    others: list[str]


def walk(folder: str, relative: str, trail: Trail, kept: Collection[str] = ()) -> Walked:
    """List a folder and all folders below it, following links except those that lead back.

    Args:
        relative: the path that the returned paths begin with. trail: to the folder that holds this one. kept, Raises: as
            `list_folder`.
    """
    walked = Walked({}, [])
    # a stack, because folders can be nested deeper than Python's calls
    pending = [(folder, relative, trail)]
    while pending:
        folder, relative, trail = pending.pop()
        listing = list_folder(folder, kept)
        if listing.images:
            walked.images[relative] = [f"{relative}/{name}" for name in listing.images]
        if listing.others:
            walked.others.extend(f"{relative}/{name}" for name in listing.others)
        if not listing.folders:
            continue
        trail_here = trail_to(folder, trail) if listing.links else trail
        for name in listing.folders:
            below = f"{folder}/{name}"
            if name not in listing.links:
                pending.append((below, f"{relative}/{name}", trail))
            elif leads_back(below, trail_here):
                walked.others.append(f"{relative}/{name}")
            else:
                pending.append((below, f"{relative}/{name}", trail_here))
    return walked
