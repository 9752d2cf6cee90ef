"""The saved state of a training: what is written of a learner, and how it is checked before anything of it is loaded.

The file may come from other people. Optimizer states are stored as plain arrays: MXNet's own `save_states` is a pickle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import DamagedFile, InvalidType, InvalidValue, MonkliteError, cut, shown
from ...record_rules import COUNT
from ...rules import Number
from ...setting_ranges import SEED_RANGE
from .. import array_files
from . import weights
from .framework import mx, nd

if TYPE_CHECKING:
    from .learner import GluonLearner

Arrays = Mapping[str, np.ndarray]
# saved in place of the number of arrays, where an optimizer's state is one array and not a tuple
SINGLE_ARRAY = "one"


class Counters(NamedTuple):
    """The counters of a learner. `updates`: of each parameter, by its number. `schedule`: of Nadam, None for other optimizers."""

    updates: dict[int, int]
    n_updates: int
    steps: int
    seed: int
    rate_factor: float
    schedule: float | None


def capture(learner: GluonLearner, progress: Any) -> array_files.Snapshot:
    """See `backends.base.Learner`.

    Raises:
        TrainingFailed: the weights are not finite.
    """
    optimizer, names = learner.optimizer, list(learner.network.collect_params())
    arrays = {f"model.{n}": a.asnumpy() for n, a in zip(names, learner.averages.trained, strict=True)}
    learner._check_weights(arrays)
    lengths: dict[str, int | str] = {}
    for index, state in learner._trainer._updaters[0].states.items():
        state_arrays = [] if state is None else list(state) if isinstance(state, (tuple, list)) else [state]
        is_single = not (state is None or isinstance(state, (tuple, list)))
        lengths[str(index)] = SINGLE_ARRAY if is_single else len(state_arrays)
        arrays |= {f"optimizer.{index}.{i}": a.asnumpy() for i, a in enumerate(state_arrays)}
    arrays |= {f"average.{i}": a.asnumpy() for i, a in enumerate(learner.averages.averages)}
    counts = {str(i): n for i, n in optimizer._index_update_count.items()}
    metadata: dict[str, Any] = {"states": lengths, "counts": counts, "num_update": optimizer.num_update}
    metadata |= {"steps": learner._steps, "seed": learner.seed, "schedule": getattr(optimizer, "m_schedule", None)}
    metadata |= {"averaged": learner.averages.count, "rate_factor": learner._rate_factor, "notes": progress}
    return array_files.Snapshot(arrays, metadata)


def load(learner: GluonLearner, path: Path) -> Any:
    """See `backends.base.Learner`. Everything is checked before anything is loaded.

    Raises:
        DamagedFile: it cannot be read, or is not the state of such a learner.
    """
    arrays, metadata = array_files.read(path)
    with _as_damage(path):
        model = {n.removeprefix("model."): a for n, a in arrays.items() if n.startswith("model.")}
        count = COUNT("averaged", metadata.get("averaged", 0))
        averages = [arrays[f"average.{i}"] for i in range(len(model))] if count else []
        lengths = metadata["states"]
        states = {_index(learner, i): _optimizer_state(learner, arrays, i, n) for i, n in lengths.items()}
        counters, progress = _counters(learner, metadata), metadata["notes"]
        weights.load_into(learner.network, model, path)
        learner.averages.restore([nd.array(a) for a in averages], count)
        _take_over(learner, states, counters)
    return progress


@contextmanager
def _as_damage(path: Path) -> Iterator[None]:
    """Turn every error about the content of a file into one that says that it is damaged."""
    try:
        yield
    except (InvalidType, InvalidValue) as error:
        raise DamagedFile(f"{path} is not the state of this training ({cut(str(error))})") from None
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError, mx.MXNetError) as error:
        if isinstance(error, MonkliteError):
            raise
        raise DamagedFile(f"{path} is not the state of this training ({cut(str(error))})") from None


def _counters(learner: GluonLearner, metadata: Mapping[str, Any]) -> Counters:
    updates = {_index(learner, i): COUNT("counts", n) for i, n in metadata["counts"].items()}
    n_updates, steps = COUNT("num_update", metadata["num_update"]), COUNT("steps", metadata["steps"])
    seed, schedule = SEED_RANGE("seed", metadata["seed"]), metadata["schedule"]
    # older files have none
    rate_factor = Number(above=0)("rate_factor", metadata.get("rate_factor", 1.0))
    schedule = None if schedule is None else Number()("schedule", schedule)
    return Counters(updates, n_updates, steps, seed, rate_factor, schedule)


def _take_over(learner: GluonLearner, states: dict[int, Any], counters: Counters) -> None:
    """Put the state into the optimizer, in place of that of steps that were taken before."""
    optimizer, updater = learner.optimizer, learner._trainer._updaters[0]
    for table, saved in (
        (updater.states, states),
        (updater.states_synced, dict.fromkeys(states, True)),
        (optimizer._index_update_count, counters.updates),
    ):
        table.clear()
        table.update(saved)
    optimizer.num_update = counters.n_updates
    if counters.schedule is not None:
        optimizer.m_schedule = counters.schedule
    learner._rate_factor, learner._steps, learner.seed = counters.rate_factor, counters.steps, counters.seed


def _index(learner: GluonLearner, index: str) -> int:
    """The number of a trained parameter."""
    number = int(index)
    if not 0 <= number < len(learner._trained):
        raise ValueError(f"the optimizer has no parameter {shown(index)}")
    return number


def _optimizer_state(learner: GluonLearner, arrays: Arrays, index: str, length: int | str) -> Any:
    """The state of one parameter as MXNet has it: a single array, a tuple of arrays, or None."""
    count = 1 if length == SINGLE_ARRAY else COUNT("states", length)
    parameter = learner._trained[_index(learner, index)]
    own = learner.optimizer.create_state(int(index), parameter.list_data()[0])
    kept = () if own is None else own if isinstance(own, (tuple, list)) else (own,)
    if count != len(kept) or isinstance(own, nd.NDArray) != (length == SINGLE_ARRAY):
        raise ValueError(f"for parameter {index} it keeps {shown(length)} arrays, not {len(kept)}")
    saved = [arrays[f"optimizer.{index}.{i}"] for i in range(count)]
    for array, present in zip(saved, kept, strict=True):
        if array.shape != present.shape or array.dtype != present.dtype:
            raise ValueError(f"for parameter {index} it keeps {array.dtype} {array.shape}, not {present.shape}")
    state_arrays = tuple(nd.array(array, ctx=learner.context, dtype=array.dtype) for array in saved)
    if length == SINGLE_ARRAY:
        return state_arrays[0]
    return state_arrays if count else None
