"""System calls that are refused below a folder: for ever, as some file systems do, or a number of times."""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# the calls that the package makes, itself or through the standard library
CALLS = (
    "open_read", "open_write", "fsync", "chmod", "replace", "rename", "link", "symlink", "readlink", "unlink", "mkdir",
    "rmdir", "scandir", "listdir", "stat", "lstat", "utime", "statvfs", "flock",
)  # fmt: skip


class Refusal:
    """One call that fails with `code` below `folder`, `times` times for each path, or for ever (None).

    `count`: how often it failed.
    """

    def __init__(self, folder: Path, call: str, code: int, times: int | None = None) -> None:
        self.folder, self.call, self.code, self.times = str(folder), call, code, times
        self._counts: Counter[str] = Counter()

    @property
    def count(self) -> int:
        return self._counts.total()

    def install(self, patch: pytest.MonkeyPatch) -> None:
        if self.call in ("open_read", "open_write"):
            for place, name in ((builtins, "open"), (io, "open"), (os, "open")):
                patch.setattr(place, name, self._before(getattr(place, name)))
        elif self.call == "flock":
            import fcntl

            patch.setattr(fcntl, "flock", self._before(fcntl.flock))
        else:
            patch.setattr(os, self.call, self._before(getattr(os, self.call)))

    def _before(self, function: Callable) -> Callable:
        def call(*args: Any, **keywords: Any) -> Any:
            path = str(args[0] if isinstance(args[0], int) else os.fspath(args[0]))
            if self._concerns(args, keywords) and (self.times is None or self._counts[path] < self.times):
                self._counts[path] += 1
                raise OSError(self.code, os.strerror(self.code), args[0])
            return function(*args, **keywords)

        return call

    def _concerns(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
        # a descriptor may be one of this folder or not: of those calls, monklite makes no other
        if isinstance(args[0], int):
            return self.call in ("fsync", "flock")
        if not os.fspath(args[0]).startswith(self.folder):
            # a symbolic link names its target first, which may be relative
            return self.call == "symlink" and os.fspath(args[1]).startswith(self.folder)
        if self.call not in ("open_read", "open_write"):
            return True
        mode = args[1] if len(args) > 1 else keywords.get("mode", "r")
        is_writing = mode & (os.O_WRONLY | os.O_RDWR) if isinstance(mode, int) else set(mode) & set("wxa+")
        return bool(is_writing) == (self.call == "open_write")


def available(call: str) -> bool:
    if call == "flock":
        return sys.platform != "win32"
    return hasattr(os, call) or call.startswith("open")
