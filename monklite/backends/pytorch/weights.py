"""Weight files: monklite's own safetensors, and the user's state dicts. Code from a file is never run."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from ...errors import NotFound, StorageError, WeightsMismatch, shown
from ...looking import is_file
from ...retrying_file import open_with_retries
from .. import array_files, safetensors_file, weight_files

Tensors = dict[str, torch.Tensor]
# of safetensors, by name; older versions of torch lack the last ones
_TYPE_NAMES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool", "C64": "complex64", "U64": "uint64", "U32": "uint32",
    "U16": "uint16", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz",
}  # fmt: skip
TYPES: dict[str, torch.dtype] = {
    kind: getattr(torch, name) for kind, name in _TYPE_NAMES.items() if hasattr(torch, name)
}
# where trainers keep the weights in what they save
NESTED_KEYS = ("state_dict", "model_state_dict", "model_state", "model", "network")
# a key or prefix of moving averages
AVERAGE = re.compile(r"(?<![a-z])(ema|averaged?|averages|swa)(?![a-z])", re.IGNORECASE)
# the end of the names of batch normalization's counters
COUNTER = "num_batches_tracked"


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


class StateDict(NamedTuple):
    """The weights of a user's file, and remarks about what was taken from it and what was not."""

    tensors: Tensors
    remarks: list[str]


def read_state_dict(path: Path) -> StateDict:
    """Read a state dict from a user's file: safetensors, or `torch.save` of tensors, also nested as trainers save them.

    Raises:
        NotFound: no such file. StorageError: the drive does not give it.
        WeightsMismatch: it holds no state dict, would run code when loaded, or is no weight file, as the message says.
    """
    if not is_file(path):
        raise NotFound(f"the weight file {path} is not there")
    try:
        arrays, _ = safetensors_file.read(path)
        return StateDict({name: _tensor(stored) for name, stored in arrays.items()}, [])
    except (ValueError, RecursionError):
        # not safetensors: try torch's own format
        pass
    try:
        with open_with_retries(path) as file, _harmless_classes():
            content = torch.load(file, map_location="cpu", weights_only=True)
    except StorageError:
        raise
    # torch.load raises errors of many kinds on a file of another format
    except Exception as error:
        raise WeightsMismatch(_not_weights(path, error)) from None
    return _state_dict_in(content, path)


def _tensor(stored: safetensors_file.Stored) -> torch.Tensor:
    """The array as a tensor, without copying it; torch has types that NumPy lacks."""
    if stored.kind not in TYPES:
        raise ValueError(f"numbers of type {stored.kind}, which torch does not have")
    if not len(stored.content):
        return torch.empty(stored.shape, dtype=TYPES[stored.kind])
    return torch.from_numpy(stored.content).view(TYPES[stored.kind]).reshape(stored.shape)


def _harmless_classes() -> contextlib.AbstractContextManager[None]:
    """Let `torch.load` read plain values that trainers save beside the weights: their command line, NumPy numbers."""
    # torch 2.4 and older
    if not hasattr(torch.serialization, "safe_globals"):
        return contextlib.nullcontext()
    number = np.float64(0).__reduce__()[0]
    # in files of NumPy 1 and 2
    numbers = [(number, f"numpy.{name}.multiarray.scalar") for name in ("core", "_core")]
    types = [type(np.dtype(kind)) for kind in ("f4", "f8", "i8")]
    return torch.serialization.safe_globals([argparse.Namespace, np.dtype, *numbers, *types])


def _not_weights(path: Path, error: Exception) -> str:
    other = weight_files.describe_other_content(path)
    if other:
        return f"{path} is not a file of weights: it is {other}. Fetch the weight file again and put it at {path}"
    named = re.search(r"GLOBAL (\S+)", str(error))
    detail = f" (it holds objects of the class {named[1]})" if named else ""
    return (
        f"{path} is not a file of weights that can be loaded safely{detail}. Save the weights alone: "
        "torch.save(model.state_dict(), path), or safetensors"
    )


def _state_dict_in(content: Any, path: Path) -> StateDict:
    """The names and tensors in what a trainer saved."""
    remarks = []
    while isinstance(content, Mapping) and (key := _nested_key(content, path)):
        remarks += [f"{shown(other)} not taken" for other in _averages_in(content)]
        content = content[key]
    tensors = {}
    if isinstance(content, Mapping):
        tensors = {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise WeightsMismatch(f"{path} holds no state dict (names with tensors)")
    # such as the epoch, which some write beside the weights
    others = [str(name) for name, value in content.items() if not isinstance(value, torch.Tensor)]
    if others:
        remarks.append(f"{len(others)} entries that are no weights such as {shown(others[0])} not taken")
    return StateDict(tensors, remarks)


def _nested_key(content: Mapping[str, Any], path: Path) -> str:
    """The key of the weights in a nested file; empty if it is not nested."""
    for key in NESTED_KEYS:
        if isinstance(content.get(key), Mapping) and content[key]:
            return key
    # the weights themselves, with other things beside them
    if any(isinstance(value, torch.Tensor) and value.dim() for value in content.values()):
        return ""
    averages = _averages_in(content)
    others = [key for key, value in content.items() if _holds_tensors(value) and key not in averages]
    if len(others) == 1:
        return others[0]
    if averages and not others:
        raise WeightsMismatch(
            f"{path} holds moving averages of weights only ({shown(averages[0])}), which are not taken unasked: save "
            f"them alone, torch.save(content[{shown(averages[0])}], path)"
        )
    return ""


def _averages_in(content: Mapping[str, Any]) -> list[str]:
    return [key for key, value in content.items() if _holds_tensors(value) and AVERAGE.search(str(key))]


def _holds_tensors(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and any(isinstance(v, torch.Tensor) for v in value.values())


def load_user_file(network: nn.Module, path: Path, heads: tuple[str, ...]) -> list[str]:
    """Load a user's file into a network; the `heads` may be missing or of another size.

    A prefix that the network does not have (`module.`, `_orig_mod.`, `model.`) is stripped.

    Returns:
        Remarks on what was not taken as it stands in the file, such as `new head`.

    Raises:
        NotFound, WeightsMismatch: as `read_state_dict` and `load_into`; also if weights are NaN or of another type.
    """
    content = read_state_dict(path)
    state, head_prefixes = network.state_dict(), tuple(f"{head}." for head in heads)
    needed = [n for n in state if not n.startswith(head_prefixes) and not n.endswith(COUNTER)]
    prefix = _choose_prefix(weight_files.find_prefix(content.tensors.keys(), needed), path)
    tensors = {n[len(prefix.text) :]: t for n, t in content.tensors.items() if n.startswith(prefix.text)}
    # files of torch 0.4 and older, or of other frameworks, lack these counters, which nothing reads
    counters = {n: t for n, t in state.items() if n.endswith(COUNTER) and n not in tensors}
    has_new_head = load_into(network, {**counters, **tensors}, path, heads)
    remarks = [f"prefix {shown(prefix.text)} stripped"] if prefix.text else []
    if prefix.others:
        remarks.append(f"{len(prefix.others)} other entries such as {shown(prefix.others[0])} not taken")
    return remarks + content.remarks + (["new head"] if has_new_head else [])


def _choose_prefix(prefixes: list[weight_files.Prefix], path: Path) -> weight_files.Prefix:
    """The one prefix under which the network's weights are, not those of their moving averages if there are both."""
    plain = [prefix for prefix in prefixes if not AVERAGE.search(prefix.text)] or prefixes
    if len(plain) > 1:
        listed = " and ".join(shown(prefix.text) for prefix in plain[:3])
        raise WeightsMismatch(f"{path} holds these weights {len(plain)} times, under {listed}: save one of them alone")
    return plain[0]


def _check_numbers(tensors: Tensors, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Refuse weights that are NaN or infinite, empty of numbers, or of another kind than the network's.

    Raises:
        WeightsMismatch: they are.
    """
    for name, tensor in tensors.items():
        if reason := _unusual(tensor):
            raise WeightsMismatch(f"{path}: {name} {reason}")
        if not state[name].is_floating_point():
            continue
        if not tensor.is_floating_point():
            raise WeightsMismatch(
                f"{path}: {name} holds numbers of type {tensor.dtype}, not {state[name].dtype}: it was quantized. Take the "
                "weights as they were before"
            )
        # in the type of the network, in which a large float64 may be infinite
        if not torch.isfinite(tensor.to(state[name].dtype)).all():
            raise WeightsMismatch(
                f"{path}: {name} holds NaN or infinite numbers, so the training that saved it had failed. Take weights from "
                "before that"
            )


def _unusual(tensor: torch.Tensor) -> str:
    """Why a tensor cannot be copied into a network, in words; empty if it can."""
    if tensor.is_meta:
        return "was saved without its numbers (device meta): save the weights of a network that is in memory"
    if tensor.is_quantized:
        return f"holds numbers of type {tensor.dtype}: it was quantized. Take the weights as they were before"
    if tensor.layout != torch.strided:
        return "is a sparse tensor: save it as an ordinary one, tensor.to_dense()"
    return "holds complex numbers, which the network does not have" if tensor.is_complex() else ""


def load_into(network: nn.Module, tensors: Tensors, path: Path, heads: tuple[str, ...] = ()) -> bool:
    """Load tensors into a network; those of the `heads` may be missing or of another size.

    Returns:
        Whether a head was skipped.

    Raises:
        WeightsMismatch: tensors do not fit, or hold no usable numbers; the message names the first of them.
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
    usable = {name: tensors[name] for name in state.keys() - set(unusable)}
    _check_numbers(usable, state, path)
    state.update(usable)
    # torch's own mapping, because it carries the layer versions that some networks need
    network.load_state_dict(state)
    return bool(unusable)


def _difference(name: str, state: Tensors, tensors: Tensors) -> str:
    if name not in tensors:
        return f"{name} is missing"
    if name not in state:
        return f"{name} is not in the network"
    return f"{name} has shape {tuple(tensors[name].shape)}, not {tuple(state[name].shape)}"
