"""`precision="auto"`: the precision in which a step of this network takes least time on this device.

docs/decisions/0026 has the reasons.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .. import backends
from ..backends.base import Candidates, Learner, SeveralPrecisions
from ..catalog.backends import describe
from ..errors import MonkliteError
from ..records import MEASURED_PRECISION
from ..rules import AUTO
from ..runs.state import RunState
from ..spec import PRECISIONS, Resolved
from ..tasks import Task
from .measured_steps import MeasuredSteps
from .staleness import is_stale
from .step_time import timed_step

# images in a step that is timed
IMAGES = 8
# steps in each precision after one that warms up; one less where a step in each takes longer than `SLOW_ROUND` seconds
ROUNDS, SLOW_ROUND = 3, 1.0
# less could be chance, and equal settings must lead to equal weights
MIN_SPEEDUP = 1.1
# characters of a setting in the key of a measurement
MAX_TEXT = 80
# the settings that decide which precision is fastest, and whether it is measured
DECIDING_FIELDS = (
    "backend",
    "data.input_size",
    "model.name",
    "model.source.key",
    "model.layers",
    "model.appended",
    "model.freeze_base",
    "model.freeze_layers",
    "model.use_gpu",
    "model.deterministic",
)


class Chosen(NamedTuple):
    """A precision. `reason`: why it was taken, where there was a choice. `measured`: by the time of its steps."""

    precision: str
    reason: str = ""
    measured: bool = False


def choose(spec: Resolved, task: Task, cache: Path, origin: RunState | None = None) -> Chosen:
    """Choose the precision for a spec with `precision="auto"`; several processes take the choice of their leader.

    Args:
        cache: the folder in which the workspace keeps what can be computed again.
        origin: the run that was copied; a copy computes as it did where that can be fast here and nothing it depends on differs.
    """
    return backends.world(spec.backend).lead(lambda: _choose(spec, task, cache, origin))


def _choose(spec: Resolved, task: Task, cache: Path, origin: RunState | None) -> Chosen:
    found = candidates(spec)
    first, *others = found.precisions
    copied = _of_origin(spec, origin)
    if others and copied is not None and copied.precision in found.precisions:
        return copied
    # steps of several processes wait for each other, and deterministic runs do not depend on a clock
    if not others or spec.model.deterministic or backends.world(spec.backend).size > 1:
        return Chosen(first)
    return _by_measurement(spec, task, found, MeasuredSteps(cache))


def candidates(spec: Resolved) -> Candidates:
    """The precisions of which any may be the fastest; `auto` alone where the backend leaves it to its learner."""
    backend = backends.load(spec.backend)
    if isinstance(backend, SeveralPrecisions):
        return backend.candidates(spec)
    supported = [name for name in describe(spec.backend).precisions if name != AUTO]
    return Candidates((supported[0] if len(supported) == 1 else AUTO,), "")


def _of_origin(spec: Resolved, origin: RunState | None) -> Chosen | None:
    """The choice of the run that was copied, if it made one for the same network; those of earlier versions are no reason."""
    used = origin.resolved if origin is not None else None
    if origin is None or used is None or origin.asked.model.precision != AUTO or is_stale(used, spec, DECIDING_FIELDS):
        return None
    measured = origin.model is not None and MEASURED_PRECISION in origin.model.methods
    reason = f"as in {origin.project}/{origin.experiment}/v{origin.version:03d}, which is copied"
    return Chosen(used.model.precision, reason, measured)


def recorded(state: RunState) -> Resolved | None:
    """The settings that a run computes with. Earlier versions kept its precision in the record of its network only."""
    spec, model = state.resolved, state.model
    if spec is None or model is None or spec.model.precision != AUTO or model.precision not in PRECISIONS:
        return spec
    return spec.replace({"model.precision": model.precision})


def _by_measurement(spec: Resolved, task: Task, found: Candidates, steps: MeasuredSteps) -> Chosen:
    n_images = min(IMAGES, spec.data.batch_size)
    values = ", ".join(f"{path} {_short(spec.get(path))}" for path in DECIDING_FIELDS)
    key = f"{found.device}; {values}; {n_images} images"
    with steps.alone():
        seconds = steps.find(key, found.precisions)
        when = ", as measured before" if seconds else ""
        if not seconds:
            try:
                seconds = _measure(spec, task, found.precisions, n_images)
            # too little memory, for example; if that is so for the network itself, its own steps say it
            except MonkliteError as error:
                return Chosen(found.precisions[0], f"its steps could not be timed: {error}")
            steps.add(key, seconds)
    return _fastest(found.precisions, seconds, when)


def _short(value: object) -> str:
    """A value as text, or its digest where it is as long as a user's own network."""
    text = str(value)
    return text if len(text) < MAX_TEXT else hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _measure(spec: Resolved, task: Task, precisions: Sequence[str], n_images: int) -> dict[str, float]:
    """Time the steps of a throwaway learner in each precision, in turn, so that other load on the machine falls on all.

    Returns:
        The seconds of the fastest step in each.
    """
    backend = backends.load(spec.backend)
    assert isinstance(backend, SeveralPrecisions)
    # compiling would take longer than what is measured
    trial = spec.replace({"model.precision": precisions[0], "model.compile": False})
    learner: Learner = backend.learner(trial, task, pretrained=False)
    step = timed_step(learner, n_images, spec.data.input_size)
    times: dict[str, list[float]] = {name: [] for name in precisions}
    # the first round warms up
    for number in range(1 + ROUNDS):
        if number == ROUNDS and sum(values[-1] for values in times.values()) > SLOW_ROUND:
            break
        for name, values in times.items():
            backend.use_precision(learner, name)
            values.append(step())
    return {name: min(values[1:]) for name, values in times.items()}


def _fastest(precisions: Sequence[str], seconds: Mapping[str, float], when: str) -> Chosen:
    first, fastest = precisions[0], min(precisions, key=lambda name: seconds[name])
    chosen = fastest if seconds[first] >= MIN_SPEEDUP * seconds[fastest] else first
    other = min((name for name in precisions if name != chosen), key=lambda name: seconds[name])
    ratio = seconds[chosen] / seconds[other]
    return Chosen(
        chosen, f"a step of this network takes {ratio:.2f} times as long as in {other} on this device{when}", True
    )
