"""The values before the head of a PyTorch network."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...data.augment import Draws
from ...errors import InvalidValue
from .learner import TorchLearner


def embeddings(learner: TorchLearner, images: np.ndarray, draws: Draws) -> np.ndarray:
    """See `backends.base.GivesEmbeddings`."""
    head = learner.heads[0]
    found: list[torch.Tensor] = []

    def keep(_: Any, inputs: tuple[Any, ...]) -> None:
        # a copy: the head may write into the same memory
        found.append(inputs[0].detach().to("cpu", torch.float32, copy=True))

    hook = learner.network.get_submodule(head).register_forward_pre_hook(keep)
    try:
        learner.logits(images, draws)
    finally:
        hook.remove()
    if len(found) != 1 or len(found[0]) != len(images):
        raise InvalidValue(f"the values before the head of this network ({head}) are not one row per image")
    # a head that is a convolution is given the image before the pooling
    values = found[0].flatten(2).mean(2) if found[0].dim() > 2 else found[0]
    return values.numpy()
