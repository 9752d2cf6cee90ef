"""The checks of a saved training, before anything of it is loaded: the file may come from other people.

The names and types of an optimizer's state are taken from a small optimizer of the same class after one step, so that no
optimizer needs to be described here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ...errors import shown
from ...rules import Number, Whole64

Tensors = Mapping[str, torch.Tensor]
# of a parameter whose state is looked at; no other tensor of an optimizer has this shape
PROBE_SHAPE = (2, 3)
# chosen for the device, and not by the spec
DEVICE_OPTIONS = ("fused", "foreach")
RATES = {"lr": Number(least=0), "initial_lr": Number(least=0), "rate_factor": Number(above=0)}
# more steps than any training has, and exact in every type of number
MAX_STEPS = 2**40


def _require(fits: bool, problem: str) -> None:
    if not fits:
        raise ValueError(problem)


def check_weights(network: nn.Module, model: Tensors, averages: Sequence[torch.Tensor]) -> None:
    """Refuse weights or averages of another type than the network's; `weights.load_into` names wrong names and shapes."""
    state = network.state_dict()
    for name, tensor in model.items():
        _require(name not in state or tensor.dtype == state[name].dtype, f"{shown(name)} has the type {tensor.dtype}")
    for (name, own), average in zip(state.items(), averages, strict=False):
        _require(average.dtype == own.dtype and average.shape == own.shape, f"the average of {name} does not fit")


def optimizer_state(optimizer: torch.optim.Optimizer, tensors: Tensors, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The state for `load_state_dict`, from what `training_state.capture` saved.

    Raises:
        ValueError, TypeError, LookupError, AttributeError: it does not fit this optimizer.
    """
    current = optimizer.state_dict()["param_groups"]
    groups = [_group(saved, own) for saved, own in zip(metadata["groups"], current, strict=True)]
    state: dict[int, dict[str, Any]] = {int(i): dict(values) for i, values in metadata["optimizer"].items()}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".", 2)
            state.setdefault(int(number), {})[key] = tensor
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for index, values in state.items():
        _require(0 <= index < len(parameters), f"the optimizer has no parameter {shown(index)}")
        owner = next(group for group in groups if index in group["params"])
        kept = _kept(optimizer, owner, parameters[index].dtype)
        # it has its state before the first step, and goes on with it
        least = 0 if isinstance(optimizer, torch.optim.Adagrad) else 1
        _check_parameter(values, kept, parameters[index], index, least)
    return {"state": state, "param_groups": groups}


def _group(saved: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The saved options of a group; those of which an older version of torch knew nothing have their present values."""
    _require(isinstance(saved, dict), "a group of the optimizer is not a table of names and values")
    group = {**own, **{k: tuple(v) if isinstance(v, list) and k != "params" else v for k, v in saved.items()}}
    for name, value in group.items():
        if name in RATES:
            RATES[name](name, value)
        elif name in DEVICE_OPTIONS:
            _require(value is None or isinstance(value, bool), f"{name} is {shown(value)}")
        elif name not in own:
            raise ValueError(f"the optimizer has no option {shown(name)}")
        elif _is_number(own[name]):
            Number()(name, value)
        elif isinstance(own[name], tuple):
            _require(isinstance(value, tuple) and len(value) == len(own[name]), f"{name} is {shown(value)}")
            for item in value:
                Number()(name, item)
        else:
            _require(type(value) is type(own[name]) and value == own[name], f"{name} is {shown(value)}")
    return group


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kept(optimizer: torch.optim.Optimizer, group: Mapping[str, Any], dtype: torch.dtype) -> dict[str, Any]:
    """The state of one parameter, by name, for an optimizer with these options; torch refuses options out of their range."""
    parameter = nn.Parameter(torch.zeros(PROBE_SHAPE, dtype=dtype))
    parameter.grad = torch.zeros_like(parameter)
    left_out = ("params", *DEVICE_OPTIONS, *(name for name in RATES if name != "lr"))
    options = {name: value for name, value in group.items() if name not in left_out}
    accepted = {name: value for name, value in options.items() if name in optimizer.defaults}
    # of AdamW, which sets it itself
    accepted.pop("decoupled_weight_decay", None)
    probe: Any = type(optimizer)([parameter], **accepted)
    probe.step()
    return dict(probe.state[parameter])


def _check_parameter(
    values: Mapping[str, Any], kept: Mapping[str, Any], parameter: nn.Parameter, index: int, least: int
) -> None:
    """Refuse the state of a parameter that differs from what the optimizer keeps by name, type or shape.

    Args:
        least: the number of steps that it has done at least.
    """
    # momentum is kept only once there is some, and then as None
    names = {name for name, value in kept.items() if value is not None}
    present = {name for name, value in values.items() if value is not None}
    _require(
        present == names, f"for parameter {index} it keeps {shown(sorted(map(str, present)))}, not {sorted(names)}"
    )
    for name in names:
        value, own = values[name], kept[name]
        if not isinstance(own, torch.Tensor):
            Number()(name, value)
            continue
        _require(isinstance(value, torch.Tensor), f"{name} of parameter {index} is not a tensor")
        shape = parameter.shape if own.shape == PROBE_SHAPE else own.shape
        _require(
            value.shape == shape, f"{name} of parameter {index} has shape {tuple(value.shape)}, not {tuple(shape)}"
        )
        _require(value.dtype == own.dtype, f"{name} of parameter {index} has the type {value.dtype}, not {own.dtype}")
        if not own.shape:
            _check_scalar(name, float(value), least)


def _check_scalar(name: str, value: float, least: int) -> None:
    _require(math.isfinite(value) and 0 <= value <= MAX_STEPS, f"{name} is {value}")
    # torch divides by 1 minus a power of the number of steps
    _require(name != "step" or value >= least, f"{name} is {value}")


def check_scaler(saved: Any) -> None:
    """Refuse the state of a gradient scaler whose numbers cannot be; empty: there was none."""
    _require(isinstance(saved, dict), "the gradient scaler is not a table of names and values")
    for name, value in saved.items():
        if name in ("growth_interval", "_growth_tracker"):
            Whole64(least=0)(name, value)
        else:
            Number(above=0)(name, value)


def random_state(saved: torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """Return the saved state of a random generator if torch accepts it; otherwise torch's own error is raised."""
    torch.Generator(device).set_state(saved)
    return saved
