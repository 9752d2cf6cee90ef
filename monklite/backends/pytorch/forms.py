"""A PyTorch network in forms that other programs read: its weights as safetensors, and TorchScript."""

from __future__ import annotations

import io
import json
import warnings

import torch
from safetensors.torch import save

from .learner import TorchLearner


def safetensors(learner: TorchLearner, size: int) -> bytes:
    """The weights under the names of `state_dict`, which `safetensors.torch.load_file` reads."""
    learner.averages.swap_in()
    # a copy of each: weights that two layers share have two names
    arrays = {name: value.detach().cpu().clone().contiguous() for name, value in learner.network.state_dict().items()}
    return save(arrays, {"classes": json.dumps(learner.task.classes)})


def torchscript(learner: TorchLearner, size: int) -> bytes:
    """The network as it was traced on a picture of that size; `torch.jit.load` reads it, without the classes it was made of."""
    learner.averages.swap_in()
    learner.network.eval()
    file = io.BytesIO()
    # of tracing itself, which users cannot change
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(learner.network, torch.zeros(2, 3, size, size, device=learner.device))
        torch.jit.save(traced, file)
    return file.getvalue()


FORMS = {"safetensors": safetensors, "torchscript": torchscript}
