"""A PyTorch network as an ONNX file."""

from __future__ import annotations

import torch
from torch import nn

from ...catalog.rows import check_installed
from ...errors import InvalidValue
from . import onnx_network
from .learner import TorchLearner


def onnx(learner: TorchLearner, size: int, embeddings: bool = False) -> bytes:
    """See `backends.base.WritesOnnx`."""
    network = WithEmbeddings(learner.network, learner.heads[0]) if embeddings else learner.network
    return written(learner, network.eval(), (3, size, size))


def written(learner: TorchLearner, network: nn.Module, shape: tuple[int, int, int]) -> bytes:
    """A network of a learner, for images of a shape (channels, height, width), as the content of an ONNX file.

    Raises:
        MissingPackage, InvalidValue: as `backends.base.WritesOnnx`.
    """
    for package in ("onnx", "onnxscript"):
        check_installed(package, "a network of the pytorch backend is written as ONNX")
    learner.averages.swap_in()
    learner.network.eval()
    # of two images: for one, the exporter would fix their number
    content = onnx_network.export(network, torch.zeros(2, *shape, device=learner.device))
    if not content:
        raise InvalidValue(
            f"the network cannot be written as ONNX for images of shape {shape}: torch's exporter refuses it"
        )
    return content


class WithEmbeddings(nn.Module):
    """A network that also gives what its head is given."""

    def __init__(self, network: nn.Module, head: str) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found: list[torch.Tensor] = []
        hook = self.network.get_submodule(self.head).register_forward_pre_hook(
            lambda _, inputs: found.append(inputs[0])
        )
        try:
            logits = self.network(x)
        finally:
            hook.remove()
        (values,) = found
        # a head that is a convolution is given the image before the pooling
        return logits, values.flatten(2).mean(2) if values.dim() > 2 else values
