"""Weight files: safetensors of our own, and state dicts of the user's. No code from a file is ever run."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from ...errors import DamagedFile, NotFound, WeightsMismatch
from ...files import replacing

Tensors = dict[str, torch.Tensor]


def write(path: Path, tensors: Mapping[str, torch.Tensor], notes: Mapping[str, Any]) -> None:
    """Write tensors as safetensors; `notes` (JSON) go into the file's header."""
    whole = {name: t.detach().to("cpu").contiguous() for name, t in tensors.items()}
    with replacing(path) as temporary:
        try:
            save_file(whole, temporary, metadata={"monklite": json.dumps(notes), "format": "pt"})
        except SafetensorError as error:
            raise OSError(getattr(error, "errno", None) or _errno(str(error)), str(error)) from error


def _errno(text: str) -> int:
    """safetensors reports a system error as text only: `... (os error 28)`."""
    digits = text.rpartition("os error ")[2].split(")")[0]
    return int(digits) if digits.isdigit() else 5


def read_own(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Tensors and notes as `write` wrote them.

    Raises:
        NotFound: no such file. DamagedFile: not safetensors, or cut short.
    """
    if not path.exists():
        raise NotFound(f"{path} is not there")
    try:
        with safe_open(path, "pt") as file:
            notes = json.loads((file.metadata() or {}).get("monklite", "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, notes  # noqa: SIM118 (not a dict)
    except (SafetensorError, ValueError, OSError) as error:
        raise DamagedFile(f"{path} is damaged and cannot be loaded ({error})") from None


def read(path: Path) -> Tensors:
    """A state dict from a user's file: safetensors, or `torch.save` of tensors.

    Raises:
        NotFound: no such file.
        WeightsMismatch: it holds no state dict, or would run code when loaded.
    """
    if not path.is_file():
        raise NotFound(f"the weight file {path} is not there")
    try:
        return read_own(path)[0]
    except DamagedFile:
        pass  # not safetensors: a torch file, then
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise WeightsMismatch(
            f"{path} is not a file of weights that can be loaded safely ({str(error).strip().splitlines()[0][:120]}). Save the "
            "weights alone: torch.save(model.state_dict(), path), or safetensors"
        ) from None
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not found or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise WeightsMismatch(f"{path} holds no state dict (names with tensors)")
    return {str(name).removeprefix("module."): tensor for name, tensor in found.items()}


def load_into(network: nn.Module, tensors: Tensors, path: Path, optional: tuple[str, ...] = ()) -> bool:
    """Put tensors into a network; those of the heads in `optional` may be missing or of another size.

    Returns:
        Whether a head was left as it was.

    Raises:
        WeightsMismatch: names the first tensors that do not fit.
    """
    own = network.state_dict()
    wrong = [n for n, t in own.items() if n not in tensors or tensors[n].shape != t.shape]
    extra = [n for n in tensors if n not in own]
    heads = tuple(f"{place}." for place in optional)
    auxiliary = tuple(f"{place.split('.')[0]}." for place in optional[1:])
    serious = (
        [n for n in wrong if not n.startswith(heads)] + [n for n in extra if not n.startswith(auxiliary)]
        if heads
        else wrong + extra
    )
    if serious:
        detail = "; ".join(_difference(n, own, tensors) for n in serious[:3])
        more = f" and {len(serious) - 3} more" if len(serious) > 3 else ""
        raise WeightsMismatch(f"{path} does not fit this network: {detail}{more}. Was it saved from another model?")
    network.load_state_dict({n: t for n, t in tensors.items() if n in own and n not in wrong}, strict=False)
    return bool(wrong)


def _difference(name: str, own: Tensors, tensors: Tensors) -> str:
    if name not in tensors:
        return f"{name} is missing"
    if name not in own:
        return f"{name} is not in the network"
    return f"{name} has shape {tuple(tensors[name].shape)}, not {tuple(own[name].shape)}"
