"""The environment of a training: versions, processors, and the git commit of the caller."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from typing import Any

from .._version import __version__
from ..processors import cpu_count

PACKAGES = ("numpy", "Pillow", "pandas", "matplotlib")


def describe(framework: dict[str, str]) -> dict[str, Any]:
    """Collect versions and hardware, without names of people or machines."""
    return {
        "monklite": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": cpu_count(),
        **framework,
        **{name.lower(): metadata.version(name) for name in PACKAGES},
        "git": git_commit(),
    }


def git_commit() -> dict[str, Any] | None:
    """The git commit of the working directory, and whether it has changes; None outside a checkout."""
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
    return {"commit": commit, "changed": None if changes is None else bool(changes)} if commit else None


def _git(*arguments: str) -> str | None:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(
            ["git", *arguments], capture_output=True, text=True, timeout=5, env=environment, check=True
        ).stdout.strip()
    # no git, or no checkout: nothing to record
    except (OSError, subprocess.SubprocessError):
        return None
