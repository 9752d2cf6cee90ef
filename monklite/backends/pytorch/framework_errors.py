"""Torch's errors as errors that name a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ...errors import InvalidValue, OutOfMemory, TrainingFailed
from . import network
from .device import title

# torch's message about a factor that float32 does not hold, such as Adamax's learning rate / (1 - beta1)
NUMBER_TOO_LARGE = "without overflow"
# torch's messages where the main memory is too small; for a GPU it has an error class
MAIN_MEMORY_ERRORS = ("not enough memory", "can't allocate memory")


@contextmanager
def translated(
    device: torch.device, n_images: int, size: int, refusal: type[TrainingFailed] = TrainingFailed
) -> Iterator[None]:
    """Turn torch's errors into errors that name a remedy. `refusal`: the class for an unexplained refusal of oneDNN."""
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise InvalidValue(
            f"{n_images} image of {size} px in a step is too little for this network's batch statistics: "
            "take a larger batch_size or input_size"
        ) from None
    except RuntimeError as error:
        if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise TrainingFailed(
                f"the network could not be compiled ({network.first_line(error)}): update_compile(False) trains it as it is"
            ) from None
        # oneDNN gives no reason, and lack of memory is only one; callers for which a retry with fewer images is
        # harmless pass OutOfMemory
        if "could not create a primitive" in str(error):
            raise refusal(
                f"the processor's library refused {n_images} images of {size} px ({network.first_line(error)}), most often "
                "because too little memory is left: take a smaller batch_size or input_size, or a smaller model"
            ) from None
        if NUMBER_TOO_LARGE in str(error):
            raise TrainingFailed(
                "the optimizer's step became too large for its numbers: take a smaller learning rate, or less extreme "
                "settings of the optimizer. The weights saved before are kept"
            ) from None
        if not is_memory_error(error):
            raise
        raise OutOfMemory(
            f"the memory of {title(device)} is too small for {n_images} images of {size} px in one "
            "step: take a smaller batch_size or input_size, or a smaller model"
        ) from None


def is_memory_error(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in MAIN_MEMORY_ERRORS)
