"""The only imports of MXNet and GluonCV, with workarounds for their last releases.

MXNet 1.9.1 reads `numpy.bool` while it is imported, a name that NumPy 1.24 removed and NumPy 2 reused for another type; it is
defined during the import only. GluonCV refuses to be imported beside PyTorch 2, which it does not need; PyTorch is hidden from
it during the import only.

Warnings are silenced during these imports only: all others are the user's to see, and to turn into errors.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.sparse

from ...catalog.rows import INSTALL_COMMANDS
from ...errors import MissingPackage


@contextlib.contextmanager
def _numpy_bool() -> Iterator[None]:
    if "bool" in vars(np):
        yield
        return
    setattr(np, "bool", bool)  # noqa: B010 (the type stubs of NumPy lack the name)
    try:
        yield
    finally:
        delattr(np, "bool")


with _numpy_bool(), warnings.catch_warnings():
    # MXNet imports deprecated names, which users cannot change
    warnings.simplefilter("ignore")
    import mxnet as mx
    from mxnet import autograd, gluon, nd
    from mxnet.gluon.model_zoo import model_store, vision
    from mxnet.ndarray import utils as ndarray_utils

# `nd.array` looks up SciPy's class under a deprecated name at every call, which warns; users cannot change that either
ndarray_utils.spsp = SimpleNamespace(csr=SimpleNamespace(csr_matrix=scipy.sparse.csr_matrix))


def gluoncv() -> Any:
    """GluonCV's model zoo, imported on first use.

    Raises:
        MissingPackage: not installed, or cannot be imported; the message says what to install.
    """
    try:
        with _hidden("torch"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import gluoncv.model_zoo
    except (ImportError, AttributeError, OSError, RuntimeError) as error:
        raise MissingPackage(f"GluonCV cannot be imported ({error}): {INSTALL_COMMANDS['gluoncv']}") from error
    return gluoncv.model_zoo


@contextlib.contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Make importing a module fail inside the block, whether or not it has been imported before."""
    module = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
        if module is not None:
            sys.modules[name] = module


def reason(error: BaseException) -> str:
    """The line of an MXNet error that holds the message; locations in C++ files come before it."""
    lines = [line for line in str(error).strip().splitlines() if not line.startswith(("Traceback ", "  "))]
    return (lines or [type(error).__name__])[0].removeprefix("MXNetError: ")[:200]


__all__ = ["autograd", "gluon", "gluoncv", "model_store", "mx", "nd", "reason", "vision"]
