"""Weight files: monklite's own safetensors, and the user's state dicts. Code from a file is never run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ...errors import NotFound, WeightsMismatch
from .. import array_files

Tensors = dict[str, torch.Tensor]


def snapshot(state: Mapping[str, torch.Tensor], metadata: Mapping[str, Any]) -> array_files.Snapshot:
    """Copy tensors, of any device and memory format, for a safetensors file."""
    arrays = {
        name: torch.empty(t.shape, dtype=t.dtype).copy_(t.detach(), non_blocking=t.device.type == "cuda").numpy()
        for name, t in state.items()
    }
    if any(t.device.type == "cuda" for t in state.values()):
        # the copies run asynchronously
        torch.cuda.synchronize()
    return array_files.Snapshot(arrays, metadata)


def read_snapshot(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Read tensors and metadata that a snapshot wrote. Raises as `array_files.read`."""
    arrays, metadata = array_files.read(path)
    return {name: torch.from_numpy(a) for name, a in arrays.items()}, metadata


def read_state_dict(path: Path) -> Tensors:
    """Read a state dict from a user's file: safetensors, or `torch.save` of tensors.

    Raises:
        NotFound: no such file.
        WeightsMismatch: it holds no state dict, or would run code when loaded.
    """
    if not path.is_file():
        raise NotFound(f"the weight file {path} is not there")
    try:
        return load_file(path)
    except (SafetensorError, ValueError, OSError):
        # not safetensors: try torch's own format
        pass
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    # torch.load raises errors of many kinds on a file of another format
    except Exception:
        raise WeightsMismatch(
            f"{path} is not a file of weights that can be loaded safely. Save the weights alone: "
            "torch.save(model.state_dict(), path), or safetensors"
        ) from None
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    is_mapping = isinstance(content, Mapping) and bool(content)
    if not is_mapping or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise WeightsMismatch(f"{path} holds no state dict (names with tensors)")
    return {str(name).removeprefix("module."): tensor for name, tensor in content.items()}


def load_into(network: nn.Module, tensors: Tensors, path: Path, heads: tuple[str, ...] = ()) -> bool:
    """Load tensors into a network; those of the `heads` may be missing or of another size.

    Returns:
        Whether a head was skipped.

    Raises:
        WeightsMismatch: tensors do not fit; the message names the first of them.
    """
    state = network.state_dict()
    unusable = [n for n, t in state.items() if n not in tensors or tensors[n].shape != t.shape]
    extra = [n for n in tensors if n not in state]
    head_prefixes = tuple(f"{head}." for head in heads)
    auxiliary_prefixes = tuple(f"{head.split('.')[0]}." for head in heads[1:])
    mismatches = unusable + extra
    if heads:
        mismatches = [n for n in unusable if not n.startswith(head_prefixes)]
        mismatches += [n for n in extra if not n.startswith(auxiliary_prefixes)]
    if mismatches:
        detail = "; ".join(_difference(n, state, tensors) for n in mismatches[:3])
        more = f" and {len(mismatches) - 3} more" if len(mismatches) > 3 else ""
        raise WeightsMismatch(f"{path} does not fit this network: {detail}{more}. Was it saved from another model?")
    for name in state.keys() - set(unusable):
        state[name] = tensors[name]
    # torch's own mapping, because it carries the layer versions that some networks need
    network.load_state_dict(state)
    return bool(unusable)


def _difference(name: str, state: Tensors, tensors: Tensors) -> str:
    if name not in tensors:
        return f"{name} is missing"
    if name not in state:
        return f"{name} is not in the network"
    return f"{name} has shape {tuple(tensors[name].shape)}, not {tuple(state[name].shape)}"
