"""The state of a training: what is written of a learner, and read again; `saved_state.py` checks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ...errors import DamagedFile, InvalidType, InvalidValue, MonkliteError, NotReady, OutOfMemory, cut
from ...record_rules import COUNT
from ..array_files import Snapshot
from . import device, saved_state, weights
from .framework_errors import is_memory_error

if TYPE_CHECKING:
    from .learner import TorchLearner


def capture(learner: TorchLearner, progress: Any) -> Snapshot:
    """See `backends.base.Learner`."""
    state = learner.optimizer.state_dict()
    names = list(learner.network.state_dict())
    tensors = {f"model.{n}": t for n, t in zip(names, learner.averages.trained, strict=True)}
    tensors |= {f"average.{n}": t for n, t in zip(names, learner.averages.averages, strict=False)}
    scalars: dict[str, dict[str, Any]] = {}
    for index, values in state["state"].items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor):
                tensors[f"optimizer.{index}.{name}"] = value
            else:
                scalars.setdefault(str(index), {})[name] = value
    tensors["random.cpu"] = learner._random_state
    if learner._cuda_state is not None:
        tensors["random.cuda"] = learner._cuda_state
    metadata = {"optimizer": scalars, "groups": state["param_groups"], "scaler": learner._scaler.state_dict()}
    metadata |= {"averaged": learner.averages.count, "notes": progress}
    return weights.snapshot(tensors, metadata)


def load(learner: TorchLearner, path: Path) -> Any:
    """See `backends.base.Learner`. Everything is checked before anything is loaded.

    Raises:
        DamagedFile: it cannot be read, or is not the state of such a learner. NotReady: the user had put groups of weights into
        its optimizer. OutOfMemory: the device's memory is too small for it.
    """
    tensors, metadata = weights.read_snapshot(path)
    with _explained(path, learner.device):
        model = {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")}
        count = COUNT("averaged", metadata.get("averaged", 0))
        averages = [tensors[f"average.{n}"] for n in learner.network.state_dict()] if count else []
        _check_groups(learner.optimizer, metadata["groups"], path)
        saved_state.check_weights(learner.network, model, averages)
        optimizer = saved_state.optimizer_state(learner.optimizer, tensors, metadata)
        saved_state.check_scaler(metadata["scaler"])
        random_state = saved_state.random_state(tensors["random.cpu"], "cpu")
        weights.load_into(learner.network, model, path)
        learner.averages.restore(averages, count)
        _load_optimizer(learner.optimizer, optimizer, learner.device)
        learner._scaler.load_state_dict(metadata["scaler"])
        learner._random_state = random_state
        if learner._cuda_state is not None and "random.cuda" in tensors:
            learner._cuda_state = saved_state.random_state(tensors["random.cuda"], learner.device)
        return metadata["notes"]


@contextmanager
def _explained(path: Path, used: torch.device) -> Iterator[None]:
    """Turn every error about the content of a file into one that says that it is damaged, or the memory too small."""
    try:
        yield
    except (InvalidType, InvalidValue) as error:
        raise DamagedFile(f"{path} is not the state of this training ({cut(str(error))})") from None
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError, RuntimeError) as error:
        if isinstance(error, MonkliteError):
            raise
        if is_memory_error(error):
            raise OutOfMemory(
                f"the memory of {device.title(used)} is too small for the state of this training ({path})"
            ) from None
        raise DamagedFile(f"{path} is not the state of this training ({cut(str(error))})") from None


def _check_groups(optimizer: torch.optim.Optimizer, groups: list[Any], path: Path) -> None:
    if len(groups) != len(optimizer.param_groups):
        raise NotReady(
            f"{path}: the optimizer of this training had {len(groups)} groups of the user, which a new session does not know, so "
            "it cannot be resumed. Train a new version, or start one from its weights with copy_from"
        )


def _load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any], used: torch.device) -> None:
    optimizer.load_state_dict(state)
    # the weights' memory format (channels last): fused optimizers rely on it
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                values[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
    for group in optimizer.param_groups:
        # the file may be from a device that supports it while this one does not
        if group.get("fused"):
            group["fused"] = device.supports_fused(type(optimizer), used)
