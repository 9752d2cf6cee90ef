"""Giving memory that is free in this process back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Give back what was freed and the C library keeps for later; takes some milliseconds.

    Only glibc keeps so much; other libraries give large blocks back themselves, and do not have the function.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)
