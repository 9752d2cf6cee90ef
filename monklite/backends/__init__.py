"""The only folder that may import a framework; `load` imports it when its backend is first used."""

from __future__ import annotations

import importlib.util
import os
from importlib import metadata

from ..catalog.backends import BUILT_IN, describe
from ..catalog.backends import load as load_path
from ..errors import MissingPackage, NotReady
from ..processes import Alone, World
from .base import Backend, Learner

# backend -> the process in which it was first used; a forked child inherits the entries of its parent
_first_used: dict[str, int] = {}


def check(name: str) -> str:
    """Return `name` if that backend can be used here, without importing its framework.

    Raises:
        UnknownName: no such backend.
        MissingPackage: its framework is not installed or cannot work here; the message says what to install.
    """
    backend = describe(name)
    missing = [package for package in backend.packages if importlib.util.find_spec(package) is None]
    if missing:
        raise MissingPackage(f"backend {name!r} needs {' and '.join(missing)}: {backend.install}")
    if reason := backend.unusable():
        raise MissingPackage(f"{reason}: {backend.install}")
    return name


def check_process(name: str) -> None:
    """Refuse a backend in a process that was forked after its framework had been used.

    A forked child inherits the locks of the framework's threads, but not the threads that would release them.

    Raises:
        NotReady: this is such a process.
    """
    if _first_used.setdefault(name, os.getpid()) != os.getpid():
        raise NotReady(
            f"this process was forked from one that had used the {name} backend before, and the framework's threads do not work "
            "in it: start processes with multiprocessing.get_context('spawn') (or mp_context= of a ProcessPoolExecutor), which "
            "begin anew"
        )


def load(name: str) -> Backend:
    """Import a backend and its framework.

    Raises:
        MissingPackage: it cannot be imported. NotReady: as `check_process`.
    """
    backend = describe(check(name))
    check_process(name)
    try:
        return load_path(backend.backend)
    # AttributeError: a name of NumPy that MXNet expects and newer releases lack
    except (ImportError, AttributeError, OSError) as error:
        if isinstance(error, MissingPackage):
            raise
        raise MissingPackage(f"backend {name!r} cannot be imported ({error}): {backend.install}") from error


def world(name: str) -> World:
    """The processes that train together if a launcher (torchrun) started several; only then is the framework imported.

    Raises:
        NotReady: the backend trains in one process only.
    """
    if int(os.environ.get("WORLD_SIZE") or 1) == 1:
        return Alone()
    if not describe(name).distributes:
        others = " or ".join(f"backend={other!r}" for other in BUILT_IN if describe(other).distributes)
        raise NotReady(f"the {name} backend trains in one process; several GPUs need {others}")
    return load(name).world()


def version(name: str) -> str:
    """The framework's version, read without importing it."""
    return metadata.version(describe(name).packages[0])


__all__ = ["Alone", "Backend", "Learner", "World", "check", "check_process", "load", "version", "world"]
