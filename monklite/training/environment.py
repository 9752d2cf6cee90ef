"""The environment of a training: versions, processors, and the git commit of the caller."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import Any

from .._version import __version__
from ..installed import version_of
from ..processors import cpu_count
from ..regular_files import read_regular

PACKAGES = ("numpy", "Pillow", "pandas", "matplotlib")
# of one reference of git, and of the list of all of them
MAX_FILE_BYTES, MAX_PACKED_BYTES = 4096, 1 << 24
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REFERENCE = re.compile(r"refs/[\w./+@#=,~-]+")


def describe(framework: dict[str, str]) -> dict[str, Any]:
    """Collect versions and hardware, without names of people or machines."""
    return {
        "monklite": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": cpu_count(),
        **framework,
        **{name.lower(): version_of(name) for name in PACKAGES},
        "git": git_commit(),
    }


def git_commit(folder: Path | None = None) -> dict[str, Any] | None:
    """The git commit that is checked out in a folder (the working directory by default); None outside a checkout.

    It is read from git's own files, and git is never started: the settings of a checkout that came with an archive may name
    commands that git would run. Whether files were changed since is therefore not known.
    """
    try:
        commit = _head((folder or Path.cwd()).absolute())
    # nothing that can be read, or not git's: nothing to record
    except (OSError, ValueError):
        return None
    return {"commit": commit} if commit else None


def _head(folder: Path) -> str | None:
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        if git.is_file():
            # a worktree or submodule
            git = parent / _text(git).removeprefix("gitdir:").strip()
        if git.is_dir():
            return _commit(git)
    return None


def _commit(git: Path) -> str | None:
    head = _text(git / "HEAD")
    if not head.startswith("ref:"):
        return head if _COMMIT.fullmatch(head) else None
    name = head.removeprefix("ref:").strip()
    if not _REFERENCE.fullmatch(name) or ".." in name:
        return None
    # a worktree has its branches in the main checkout
    shared = git / _text(git / "commondir") if (git / "commondir").is_file() else git
    for place in (git, shared):
        if (place / name).is_file():
            found = _text(place / name)
            return found if _COMMIT.fullmatch(found) else None
    packed = _text(shared / "packed-refs", MAX_PACKED_BYTES) if (shared / "packed-refs").is_file() else ""
    lines = (line.partition(" ") for line in packed.splitlines())
    return next((commit for commit, _, ref in lines if ref == name and _COMMIT.fullmatch(commit)), None)


def _text(file: Path, most: int = MAX_FILE_BYTES) -> str:
    """The text of a file of git, of which longer ones are not read: they are not git's."""
    return read_regular(file, most).decode().strip()
