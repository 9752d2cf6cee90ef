"""Monk's import path: `from monklite.compare_prototype import compare`."""

from .facade.compare import compare

__all__ = ["compare"]
