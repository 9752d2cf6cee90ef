"""The only folder that may import a framework. `load` imports one when it is chosen."""

from __future__ import annotations

import importlib
import importlib.util
import os
from importlib import metadata

from ..catalog.rows import BACKENDS
from ..errors import MissingPackage, NotReady, find
from ..processes import Alone, World
from .base import Backend, Learner

PACKAGES = {"pytorch": ("torch", "torchvision"), "mxnet": ("mxnet",)}
TITLES = {"pytorch": "Pytorch", "mxnet": "Mxnet"}
_INSTALL = {
    "pytorch": "pip install torch torchvision",
    "mxnet": 'pip install "monklite[mxnet]", on Linux x86-64 with Python 3.10 to 3.12 and NumPy 1.26',
}


def check(name: str) -> str:
    """Return the name of a backend that can be used here, without importing it.

    Raises:
        UnknownName: no such backend.
        MissingPackage: its framework is not installed, or cannot work here; says what to install.
    """
    find("backend", name, dict.fromkeys(BACKENDS, name))
    missing = [p for p in PACKAGES[name] if importlib.util.find_spec(p) is None]
    if missing:
        raise MissingPackage(f"backend {name!r} needs {' and '.join(missing)}: {_INSTALL[name]}")
    if name == "mxnet" and int(metadata.version("numpy").split(".")[0]) >= 2:
        raise MissingPackage(f"MXNet 1.9.1 cannot work with NumPy {metadata.version('numpy')}: {_INSTALL[name]}")
    return name


def load(name: str) -> Backend:
    """Import a backend and its framework."""
    try:
        return importlib.import_module(f"monklite.backends.{check(name)}").BACKEND
    except (ImportError, AttributeError, OSError) as error:  # AttributeError: a NumPy name that MXNet misses
        if isinstance(error, MissingPackage):
            raise
        raise MissingPackage(f"backend {name!r} cannot be imported ({error}): {_INSTALL[name]}") from error


def world(name: str) -> World:
    """The processes that train together, as a launcher (torchrun) has started them; the framework is imported only then.

    Raises:
        NotReady: the backend trains in one process only.
    """
    if int(os.environ.get("WORLD_SIZE") or 1) == 1:
        return Alone()
    if name != "pytorch":
        raise NotReady(f"the {name} backend trains in one process; several GPUs need backend='pytorch'")
    return load(name).world()


def version(name: str) -> str:
    """The framework's version, read without importing it."""
    return metadata.version(PACKAGES[name][0])


__all__ = ["PACKAGES", "TITLES", "Alone", "Backend", "Learner", "World", "check", "load", "version", "world"]
