"""Weight files: safetensors of our own, and state dicts of the user's. No code from a file is ever run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ...errors import NotFound, WeightsMismatch
from .. import tensors

Tensors = dict[str, torch.Tensor]


def snapshot(state: Mapping[str, torch.Tensor], notes: Mapping[str, Any]) -> tensors.Snapshot:
    """A copy of tensors for a safetensors file, whatever device and memory format they have."""
    arrays = {
        name: torch.empty(t.shape, dtype=t.dtype).copy_(t.detach(), non_blocking=t.device.type == "cuda").numpy()
        for name, t in state.items()
    }
    if any(t.device.type == "cuda" for t in state.values()):
        torch.cuda.synchronize()  # all copies were under way at once
    return tensors.Snapshot(arrays, notes)


def read_own(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Tensors and notes as a snapshot wrote them."""
    arrays, notes = tensors.read(path)
    return {name: torch.from_numpy(a) for name, a in arrays.items()}, notes


def read(path: Path) -> Tensors:
    """A state dict from a user's file: safetensors, or `torch.save` of tensors.

    Raises:
        NotFound: no such file.
        WeightsMismatch: it holds no state dict, or would run code when loaded.
    """
    if not path.is_file():
        raise NotFound(f"the weight file {path} is not there")
    try:
        return load_file(path)
    except (SafetensorError, ValueError, OSError):
        pass  # not safetensors: a torch file, then
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # whatever a strange file does to the reader
        raise WeightsMismatch(
            f"{path} is not a file of weights that can be loaded safely. Save the weights alone: "
            "torch.save(model.state_dict(), path), or safetensors"
        ) from None
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not found or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise WeightsMismatch(f"{path} holds no state dict (names with tensors)")
    return {str(name).removeprefix("module."): tensor for name, tensor in found.items()}


def load_into(network: nn.Module, given: Tensors, path: Path, optional: tuple[str, ...] = ()) -> bool:
    """Put tensors into a network; those of the heads in `optional` may be missing or of another size.

    Returns:
        Whether a head was left as it was.

    Raises:
        WeightsMismatch: names the first tensors that do not fit.
    """
    own = network.state_dict()
    wrong = [n for n, t in own.items() if n not in given or given[n].shape != t.shape]
    extra = [n for n in given if n not in own]
    heads = tuple(f"{place}." for place in optional)
    auxiliary = tuple(f"{place.split('.')[0]}." for place in optional[1:])
    serious = (
        [n for n in wrong if not n.startswith(heads)] + [n for n in extra if not n.startswith(auxiliary)]
        if heads
        else wrong + extra
    )
    if serious:
        detail = "; ".join(_difference(n, own, given) for n in serious[:3])
        more = f" and {len(serious) - 3} more" if len(serious) > 3 else ""
        raise WeightsMismatch(f"{path} does not fit this network: {detail}{more}. Was it saved from another model?")
    for name in own.keys() - set(wrong):
        own[name] = given[name]
    network.load_state_dict(
        own
    )  # torch's own mapping, for it carries the versions of layers that some networks ask for
    return bool(wrong)


def _difference(name: str, own: Tensors, given: Tensors) -> str:
    if name not in given:
        return f"{name} is missing"
    if name not in own:
        return f"{name} is not in the network"
    return f"{name} has shape {tuple(given[name].shape)}, not {tuple(own[name].shape)}"
