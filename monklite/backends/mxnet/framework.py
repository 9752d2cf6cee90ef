"""Import MXNet, the one place that does.

MXNet 1.9.1, the last release, asks for `numpy.bool` while it is imported, a name that NumPy 1.24 removed and NumPy 2 gave
another meaning. It is lent for the import only.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

import numpy as np


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


def reason(error: BaseException) -> str:
    """The line of an error that says what is wrong: MXNet puts the places in its C++ files before it."""
    lines = [line for line in str(error).strip().splitlines() if not line.startswith(("Traceback ", "  "))]
    return (lines or [type(error).__name__])[0].removeprefix("MXNetError: ")[:200]


__all__ = ["autograd", "gluon", "model_store", "mx", "nd", "reason", "vision"]
