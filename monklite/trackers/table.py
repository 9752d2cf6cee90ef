"""The trackers, one row each, and which of them are switched on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..catalog.rows import check_installed, table
from ..errors import InvalidValue, find, shown
from . import sent
from .dvclive_tracker import DvcliveTracker
from .mlflow_tracker import MlflowTracker
from .tensorboard_tracker import TensorboardTracker
from .tracked import Tracked, Tracker
from .wandb_tracker import WandbTracker

# names of trackers, or OFF: wins over the trackers' own variables
VARIABLE, OFF = "MONKLITE_TRACKERS", "off"


@dataclass(frozen=True)
class Row:
    """A tracker.

    `title`: as its makers write it. `package`: that it needs. `variables`: of the environment; one that is set switches it on.
    `opened`: by a run and the id that the tracker gave it before, or "".
    """

    name: str
    title: str
    package: str
    variables: tuple[str, ...]
    opened: Callable[[Tracked, str], Tracker]

    def check(self) -> None:
        """Raises MissingPackage: its package is not installed."""
        check_installed(self.package, f"trackers={self.name!r} writes to {self.title}")


TRACKERS: Mapping[str, Row] = table(
    [
        Row("mlflow", "MLflow", "mlflow", ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"), MlflowTracker),
        Row("tensorboard", "TensorBoard", "tensorboard", ("TENSORBOARD_LOGGING_DIR",), TensorboardTracker),
        Row("wandb", "Weights & Biases", "wandb", ("WANDB_PROJECT", "WANDB_MODE"), WandbTracker),
        Row("dvclive", "DVCLive", "dvclive", ("DVC_EXP_NAME", "DVCLIVE_RESUME"), DvcliveTracker),
    ]
)


def by_name(name: str) -> Row:
    """Raises UnknownName: there is no such tracker."""
    return find("tracker", name, TRACKERS)


def of_environment() -> list[Row]:
    """The trackers that the environment switches on.

    Raises:
        InvalidValue, UnknownName: `MONKLITE_TRACKERS` names none.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if named.lower() == OFF:
        return []
    if named:
        return [_named(part.strip()) for part in named.split(",")]
    return list(_by_own_variables())


def switched_on(names: Sequence[str] | None, folder: Path) -> list[Row]:
    """The trackers of a training: those that are named; None: those of the environment, and those that know the run already.

    Args:
        folder: of the run.

    Raises:
        UnknownName: there is no such tracker. InvalidValue: `MONKLITE_TRACKERS` names none.
    """
    if names is not None:
        return [by_name(name) for name in dict.fromkeys(names)]
    if os.environ.get(VARIABLE, "").strip().lower() == OFF:
        return []
    known = [TRACKERS[name] for name in sent.read(folder) if name in TRACKERS]
    return list(dict.fromkeys((*of_environment(), *known)))


def _by_own_variables() -> Iterator[Row]:
    for row in TRACKERS.values():
        # a variable of W&B's own that switches it off
        if row.name == "wandb" and os.environ.get("WANDB_MODE") == "disabled":
            continue
        if any(os.environ.get(name) for name in row.variables):
            yield row


def _named(name: str) -> Row:
    if name not in TRACKERS:
        raise InvalidValue(f"{VARIABLE}={shown(name)}: give names of {', '.join(TRACKERS)}, with commas, or {OFF}")
    return TRACKERS[name]
