"""Import MXNet, the one place that does, and GluonCV.

MXNet 1.9.1, the last release, asks for `numpy.bool` while it is imported, a name that NumPy 1.24 removed and NumPy 2 gave
another meaning. It is lent for the import only. GluonCV's last release refuses to be imported where it finds PyTorch 2,
which it does not need: PyTorch is hidden from it for its import only.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...catalog.rows import INSTALL
from ...errors import MissingPackage


@contextlib.contextmanager
def _numpy_bool() -> Iterator[None]:
    if "bool" in vars(np):
        yield
        return
    setattr(np, "bool", bool)  # noqa: B010 (the type checker's NumPy has no such name)
    try:
        yield
    finally:
        delattr(np, "bool")


with _numpy_bool(), warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own imports of deprecated names; nothing a user can do
    import mxnet as mx
    from mxnet import autograd, gluon, nd
    from mxnet.gluon.model_zoo import model_store, vision


def gluoncv() -> Any:
    """GluonCV's model zoo, imported when it is first asked for.

    Raises:
        MissingPackage: it is not installed, or cannot be imported; says what to install.
    """
    try:
        with _hidden("torch"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import gluoncv.model_zoo
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        raise MissingPackage(f"GluonCV cannot be imported ({error}): {INSTALL['gluoncv']}") from error
    return gluoncv.model_zoo


@contextlib.contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Importing that module fails inside, whether or not it has been imported."""
    kept = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
        if kept is not None:
            sys.modules[name] = kept


def reason(error: BaseException) -> str:
    """The line of an error that says what is wrong: MXNet puts the places in its C++ files before it."""
    lines = [line for line in str(error).strip().splitlines() if not line.startswith(("Traceback ", "  "))]
    return (lines or [type(error).__name__])[0].removeprefix("MXNetError: ")[:200]


__all__ = ["autograd", "gluon", "gluoncv", "model_store", "mx", "nd", "reason", "vision"]
