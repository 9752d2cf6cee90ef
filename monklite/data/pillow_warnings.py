"""Pillow's warnings are hidden while files are decoded."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator
from typing import Any

_PILLOW_FILTER = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


@contextlib.contextmanager
def without_pillow_warnings() -> Iterator[None]:
    """Hide Pillow's warnings about odd files: the relevant ones are recorded as oddities.

    `warnings.catch_warnings` would restore a list that another thread has changed since; this removes only its own entry.
    """
    filters: Any = warnings.filters
    filters.insert(0, _PILLOW_FILTER)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            filters.remove(_PILLOW_FILTER)
