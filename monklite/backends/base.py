"""What a backend promises. NumPy arrays and plain numbers cross this border; nothing of a framework leaves it,
except the live objects that a user asks for (`network`, `criterion`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, SupportsFloat

import numpy as np

from ..data.augment import Draws
from ..processes import World
from ..records import ModelRecord
from ..spec import Resolved
from ..tasks import Task


class Snapshot(Protocol):
    """A copy in memory of what a learner was at one moment; training may go on while it is written."""

    def write(self, path: Path, number: int | None = None) -> None:
        """Write it, from any thread. A second file of the same snapshot is a link to the first where there are links.

        Endings are the framework's own; so is where the `number` goes that tells the weights of several epochs apart.

        Raises:
            StorageError: the file cannot be written; an older one of that name stays.
        """
        ...


class Learner(Protocol):
    """A live model with its loss and optimizer, on its device."""

    task: Task
    network: Any
    criterion: Any
    optimizer: Any

    def step(self, images: np.ndarray, labels: np.ndarray, draws: Draws) -> tuple[SupportsFloat, SupportsFloat]:
        """One update of the weights.

        Args:
            images: uint8 (n, side, side, 3) RGB. labels: as the task has them. draws: what to do to each image.

        Returns:
            Mean loss and number of images answered right, both before the update and over all processes. They may still be under
            way on the device: `float()` waits for them, so a loop calls it seldom.
        """
        ...

    def logits(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        """Logits float32 (n, classes), in inference mode; nothing of the learner changes.

        Once it has trained with an `ema_decay`, they are those of the averaged weights, which then stand in the network until
        the next step.
        """
        ...

    def loss(self, logits: np.ndarray, labels: np.ndarray) -> float:
        """Mean of the training loss over `logits` (n, classes)."""
        ...

    def augmented(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        """What the network is given for `images`, before normalising: float32 (n, size, size, 3), 0 to 255."""
        ...

    def set_learning_rate(self, rate: float) -> None:
        """The rate of the steps to come."""
        ...

    def configure(self, spec: Resolved) -> None:
        """Take another loss and optimizer (its memory starts empty); the weights in the network stay."""
        ...

    def refresh(self, spec: Resolved) -> None:
        """Make the optimizer again if the user has replaced layers of the live network, so that it trains the new ones."""
        ...

    def capture(self, notes: Any) -> Snapshot:
        """Copy everything that going on needs: weights, optimizer, random state, and `notes` (JSON) on where training stands.

        Raises:
            TrainingFailed: a weight is no longer a number.
        """
        ...

    def load(self, path: Path) -> Any:
        """Go on from what a snapshot wrote, as if never stopped; returns its `notes`.

        Raises:
            NotFound, DamagedFile, WeightsMismatch: the file is missing, damaged, or of another training.
        """
        ...

    def capture_weights(self) -> Snapshot:
        """Copy the weights that `logits` uses, to be written in a form that the plain framework reads without running code from
        the file."""
        ...

    def load_weights(self, path: Path) -> None:
        """Read weights that a snapshot of `capture_weights` wrote.

        Raises:
            WeightsMismatch: they are of another network. DamagedFile: they cannot be read.
        """
        ...

    def describe(self) -> ModelRecord:
        """Counts of the network as it was built, its device and precision."""
        ...

    def memory(self) -> float | None:
        """Peak MiB that the framework took on the device since the learner was made; None where it does not count."""
        ...


class Backend(Protocol):
    """A framework."""

    name: str

    def devices(self) -> list[str]:
        """What can be used here, best first; the last is always `cpu`."""
        ...

    def learner(self, spec: Resolved, task: Task, pretrained: bool = True) -> Learner:
        """Build the network of a resolved spec with a new head, its loss and optimizer. The spec's seed decides.

        `pretrained=False` leaves out loading first weights, for a network whose own weights come next.

        Raises:
            PretrainedUnavailable, WeightsMismatch, InvalidValue: see the message.
        """
        ...

    def layers(self, learner: Learner) -> list[str]:
        """Names of the layers that have weights, from the input on; the order in which `freeze_layers` counts."""
        ...

    def world(self) -> World:
        """The processes that this one trains with."""
        ...

    def versions(self) -> dict[str, str]:
        """Versions and build of the framework, for the run's record."""
        ...
