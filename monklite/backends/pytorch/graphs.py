"""The parts of a network by their names in its graph, and a digest of its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import nn


def attribute(network: nn.Module, name: str) -> torch.Tensor:
    """The weight or table at a dotted name."""
    *parents, last = name.split(".")
    return getattr(network.get_submodule(".".join(parents)), last)


def digest(title: str, tensors: Mapping[str, torch.Tensor]) -> str:
    """Hexadecimal digest of a text and of tensors with their names, types and shapes; 32 digits."""
    found = hashlib.blake2b(title.encode(), digest_size=16)
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return found.hexdigest()
