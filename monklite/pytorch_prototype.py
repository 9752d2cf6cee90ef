"""Monk's import path: `from monklite.pytorch_prototype import prototype`."""

from .facade.prototype import prototype

__all__ = ["prototype"]
