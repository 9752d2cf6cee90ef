"""The step times that were measured in a workspace, so that equal experiments are decided by the same figures."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import StorageError
from ..files import make_folder, write_text
from ..locks import Lock
from ..regular_files import read_regular

NAME = "step-times.json"
# a file that is larger is not this one
MAX_BYTES, MAX_ENTRIES = 1 << 20, 500
# of waiting for another process that measures
MAX_WAIT = 120.0


class MeasuredSteps:
    """The file in the cache folder that has, for each kind of step, its seconds in each precision.

    A file that is missing, damaged or not from here holds nothing; it is replaced by the next measurement.
    """

    def __init__(self, cache: Path) -> None:
        self._file = cache / NAME

    def find(self, key: str, precisions: Sequence[str]) -> dict[str, float]:
        """The seconds in each precision; empty unless all are known."""
        entry = self._entries().get(key)
        if not isinstance(entry, dict) or not all(_is_time(entry.get(name)) for name in precisions):
            return {}
        return {name: entry[name] for name in precisions}

    def add(self, key: str, seconds: Mapping[str, float]) -> None:
        """Keep a measurement, and forget the oldest where there are too many."""
        entries = {name: value for name, value in self._entries().items() if name != key}
        kept = dict([*entries.items(), (key, dict(seconds))][-MAX_ENTRIES:])
        # where nothing can be written it is measured again, and the run itself says what the disk lacks
        with contextlib.suppress(StorageError):
            make_folder(self._file.parent)
            write_text(self._file, json.dumps(kept, indent=1))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from measuring at the same time: it would take longer, and each would find its own figures."""
        lock = Lock(self._file.with_suffix(".lock"))
        with contextlib.suppress(StorageError):
            make_folder(self._file.parent)
            lock.acquire(timeout=MAX_WAIT)
        try:
            yield
        finally:
            lock.release()

    def _entries(self) -> dict[str, Any]:
        try:
            entries = json.loads(read_regular(self._file, MAX_BYTES))
        # ValueError: also of bytes that are no text
        except (OSError, ValueError, RecursionError):
            return {}
        return entries if isinstance(entries, dict) else {}


def _is_time(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value) and value > 0
