"""MXNet's errors as errors that name a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import TrainingFailed
from .framework import mx, reason

# in the messages of MXNet's errors, which are all of one class
MEMORY_ERRORS = ("out of memory", "cudaMalloc", "Failed to allocate")


@contextmanager
def translated(
    context: Any, workload: str = "a step", memory_error: type[TrainingFailed] = TrainingFailed
) -> Iterator[None]:
    """Translate MXNet's errors, including those of an earlier step, which it raises where a result is waited for.

    It is unknown what a training step that ran out of memory has changed, so by default this is not an `OutOfMemory`, after
    which the step would be repeated with a smaller batch.
    """
    try:
        yield
    except mx.MXNetError as error:
        if any(text in str(error) for text in MEMORY_ERRORS):
            raise memory_error(
                f"the memory of {context} is too small for {workload}: take a smaller batch_size or input_size, "
                "or a smaller model"
            ) from None
        raise TrainingFailed(f"MXNet stopped: {reason(error)}") from None
