"""The only folder that may import a framework. `load` imports one when it is chosen."""

from __future__ import annotations

import importlib
import importlib.util
from importlib import metadata

from ..catalog.rows import BACKENDS
from ..errors import MissingPackage, find
from .base import Backend, Learner

PACKAGES = {"pytorch": ("torch", "torchvision"), "mxnet": ("mxnet",)}
TITLES = {"pytorch": "Pytorch", "mxnet": "Mxnet"}
_MODULES = {"pytorch": "monklite.backends.pytorch"}


def check(name: str) -> str:
    """Return the name of a backend that can be used here, without importing it.

    Raises:
        UnknownName: no such backend.
        MissingPackage: its framework is not installed; says how to install it.
    """
    find("backend", name, dict.fromkeys(BACKENDS, name))
    if name not in _MODULES:
        raise MissingPackage(f"backend {name!r} is not part of this version of monklite; use backend='pytorch'")
    missing = [p for p in PACKAGES[name] if importlib.util.find_spec(p) is None]
    if missing:
        raise MissingPackage(f"backend {name!r} needs {' and '.join(missing)}: pip install {' '.join(missing)}")
    return name


def load(name: str) -> Backend:
    """Import a backend and its framework."""
    return importlib.import_module(_MODULES[check(name)]).BACKEND


def version(name: str) -> str:
    """The framework's version, read without importing it."""
    return metadata.version(PACKAGES[name][0])


__all__ = ["PACKAGES", "TITLES", "Backend", "Learner", "check", "load", "version"]
