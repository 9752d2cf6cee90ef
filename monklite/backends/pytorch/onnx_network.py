"""A network in ONNX Runtime, which predicts on processors in about two thirds of torch's time; with the extra `onnx`."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ...catalog.rows import is_installed
from ...data import cache_limit
from ...data.arrays import read_arrays, write_arrays
from ...data.cache_limit import NETWORK_SUFFIX
from ...errors import InvalidValue, OutOfMemory, StorageError
from ...files import make_folder
from ...regular_files import MAX_TEXT_BYTES

# the share of the time that is saved, and what an export may cost, seconds
SAVED_SHARE, EXPORT_SECONDS = 0.3, 15.0
MAX_BATCH = 4096
# bytes; a larger file of arrays is not read, see `regular_files`
MAX_KEPT = MAX_TEXT_BYTES - (1 << 20)
MEMORY_ERRORS = ("failed to allocate memory", "bad allocation", "bad_alloc")


def session(
    network: nn.Module, x: torch.Tensor, seconds: float, base: Path
) -> Callable[[torch.Tensor], np.ndarray] | None:
    """The network as a function of its input, float32 (n, 3, size, size), in ONNX Runtime.

    Args:
        x: an example of the input. seconds: that torch would take for all images: an export that costs more than it saves is
            not made, but one that was kept is used. base: path in the cache, without a file ending.

    Returns:
        A function to the logits, float32 (n, classes); None if the extra is not installed, the network cannot be exported, or
        that does not pay.
    """
    if not (is_installed("onnxruntime") and is_installed("onnx") and is_installed("onnxscript")):
        return None
    file = Path(f"{base}{NETWORK_SUFFIX}")
    kept = read_arrays(file, "model")
    if kept is not None:
        # what was used last is removed last; in a read-only folder nothing is removed
        with contextlib.suppress(OSError):
            os.utime(file)
    if kept is None and seconds * SAVED_SHARE < EXPORT_SECONDS:
        return None
    model = kept[0].tobytes() if kept is not None else export(network, x)
    run = _load(model) if model else None
    if run is not None and kept is None:
        _keep(file, model)
    return run


def export(network: nn.Module, x: torch.Tensor) -> bytes:
    """The network as the bytes of an ONNX file; empty if it cannot be exported."""
    batch = torch.export.Dim("batch", min=1, max=MAX_BATCH)
    file = io.BytesIO()
    try:
        with _quiet():
            program = torch.onnx.export(
                network, (x,), dynamo=True, external_data=False, dynamic_shapes=({0: batch},), verbose=False
            )
            assert program is not None
            program.save(file)
    # what a network does in Python may have no counterpart in ONNX; such errors are of any kind
    except Exception:
        return b""
    return file.getvalue()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks about its own progress, which are no news to the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _load(model: bytes) -> Callable[[torch.Tensor], np.ndarray] | None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # errors only: it also warns about what it optimises
    options.log_severity_level = 3
    try:
        loaded = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    # of any kind: a damaged file from the cache, or operations that this version lacks
    except Exception:
        return None
    name = loaded.get_inputs()[0].name
    return lambda x: _run(loaded, name, x)


def _run(loaded: Any, name: str, x: torch.Tensor) -> np.ndarray:
    try:
        return loaded.run(None, {name: x.contiguous().numpy()})[0]
    # its errors have no class in common
    except Exception as error:
        if any(text in str(error).lower() for text in MEMORY_ERRORS):
            raise OutOfMemory(
                f"the memory is too small for {len(x)} images at once: take a smaller batch_size or input_size, or a "
                "smaller model"
            ) from None
        raise


def _keep(file: Path, model: bytes) -> None:
    # the disk may be full, or the cache be limited to nothing: the network is only exported again
    with contextlib.suppress(StorageError, InvalidValue, OSError):
        make_folder(file.parent)
        if len(model) < MAX_KEPT and not cache_limit.make_space(file.parent, len(model)):
            write_arrays(file, model=np.frombuffer(model, np.uint8))
