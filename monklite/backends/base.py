"""The interface of a backend. Only NumPy arrays and plain numbers cross it; objects of a framework stay behind it,
except the live ones that a user asks for (`network`, `criterion`, `optimizer`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, SupportsFloat, runtime_checkable

import numpy as np

from ..data.augment import Draws
from ..processes import World
from ..records import ModelRecord
from ..spec import Resolved
from ..tasks import Task
from .heat_maps import HeatMaps

# `ModelRecord.weights` of a network that was not loaded from a file
RANDOM_WEIGHTS = "random"
# of a network of the user
OWN_WEIGHTS = "those of the network itself"


class Snapshot(Protocol):
    """A copy in memory of a learner's state at one moment; training may continue while it is written."""

    def write(self, path: Path, number: int | None = None) -> None:
        """Write it, from any thread. A second file of the same snapshot is a hard link to the first where possible.

        The backend chooses the file ending and where in the name to put `number`, which distinguishes epochs.

        Raises:
            StorageError: the file cannot be written; an existing file of that name is kept.
        """
        ...


class Frozen(Protocol):
    """The frozen part of a network, below all that is trained: for the same image it gives the same values at any time.

    `width`: bytes of an image's values.
    """

    width: int

    @property
    def key(self) -> str:
        """A text that is equal for equal values: of equal weights, precision and device."""
        ...

    def features(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        """Its values for images, uint8 (n, width), computed in inference mode. Arguments as of `Learner.logits`.

        Raises:
            OutOfMemory: memory is too small for so many images.
        """
        ...

    def step(self, features: np.ndarray, labels: np.ndarray) -> tuple[SupportsFloat, SupportsFloat]:
        """As `Learner.step` for the images with these features, (n, width)."""
        ...

    def logits(self, features: np.ndarray) -> np.ndarray:
        """As `Learner.logits` for the images with these features, (n, width)."""
        ...

    def vectors(self, features: np.ndarray) -> np.ndarray:
        """The features (n, width) as numbers, those of a map averaged over its places: float32 (n, numbers)."""
        ...


# by how much the logits of a fast form may differ from the network's own, as a share of the largest (of 1 if all are smaller)
FAST_FORM_TOLERANCE = 1e-4


class FastForm(Protocol):
    """A copy of a network in a form that predicts faster. `name`: which form, as users read it."""

    name: str

    def logits(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        """As `Learner.logits`, up to `FAST_FORM_TOLERANCE`, with the weights at the time when it was made."""
        ...


class Learner(Protocol):
    """A live model with its loss and optimizer, on its device."""

    task: Task
    network: Any
    criterion: Any
    optimizer: Any

    def step(self, images: np.ndarray, labels: np.ndarray, draws: Draws) -> tuple[SupportsFloat, SupportsFloat]:
        """Update the weights once.

        Args:
            images: uint8 (n, side, side, 3) RGB. labels: in the form of the task. draws: the transforms of each image.

        Returns:
            Mean loss and number of correct images, both before the update and over all processes. The device may still be
            computing them: `float()` waits for the result, so call it rarely.
        """
        ...

    def logits(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        """Logits float32 (n, classes), computed in inference mode; training is not affected.

        After training with an `ema_decay` they are computed with the averaged weights, which stay in the network until the
        next step.
        """
        ...

    def heat_maps(self, images: np.ndarray, draws: Draws, targets: np.ndarray) -> HeatMaps:
        """Where in each image the evidence for one class is, whether layers are frozen or not; training is not affected.

        By Grad-CAM on the last feature map of more than one point; by the gradient of the pixels where there is none. Arguments
        as of `logits`, in inference mode too.

        Args:
            targets: int64 (n,), the class of each image, or the label.

        Raises:
            OutOfMemory: memory is too small for so many images.
        """
        ...

    def loss(self, logits: np.ndarray, labels: np.ndarray) -> float:
        """Mean training loss of `logits` (n, classes)."""
        ...

    def augmented(self, images: np.ndarray, draws: Draws) -> np.ndarray:
        """The input of the network for `images`, before normalization: float32 (n, size, size, 3), 0 to 255.

        Training does this within `step`; here it can be looked at, and compared between backends.
        """
        ...

    def frozen(self, size: int) -> Frozen | None:
        """The frozen part of the network, for images of `size` px; None if nothing is frozen, or it cannot be separated.

        It is valid until the user changes the network, at most until the next `refresh`. Until then, `step` computes the frozen
        part in inference mode.
        """
        ...

    def fast_form(self, size: int, n_images: int, cache: Path, previous: FastForm | None = None) -> FastForm | None:
        """The network in a form that predicts `n_images` of `size` px faster; None if there is none, or making it does not pay.

        Args:
            cache: folder in which what takes long to make is kept. previous: the form of the call before; it is returned if the
                network has not changed since.
        """
        ...

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of the following steps."""
        ...

    def configure(self, spec: Resolved) -> None:
        """Replace loss and optimizer (with fresh optimizer state); the weights in the network are kept."""
        ...

    def train_base(self, spec: Resolved, trained: bool = True) -> Sequence[str]:
        """Train from now on the layers that are frozen in the first `head_epochs`; `trained=False`: freeze them again.

        Loss and optimizer are replaced as by `configure`. A learner begins with these layers frozen. Only backends that fine-tune
        (see `catalog.backends.Description`) have this method.

        Returns:
            Notes for the user, see `backends.user_changes`.
        """
        ...

    def refresh(self, spec: Resolved) -> Sequence[str]:
        """Take over what the user has changed in the live objects, before training.

        The optimizer is recreated if it lacks weights of layers that the user has replaced. Learning rates that the user has set
        in it are kept as multiples of the schedule's.

        Returns:
            Notes for the user, see `backends.user_changes`.
        """
        ...

    def capture(self, progress: Any) -> Snapshot:
        """Copy everything needed to resume: weights, optimizer, random state, and the loop's own `progress` (JSON).

        Raises:
            TrainingFailed: a weight is not finite.
        """
        ...

    def load(self, path: Path) -> Any:
        """Resume exactly from a file that a snapshot of `capture` wrote; returns its `progress`.

        Raises:
            NotFound, DamagedFile, WeightsMismatch: the file is missing, damaged, or of another network.
        """
        ...

    def capture_weights(self) -> Snapshot:
        """Copy the weights that `logits` uses; the plain framework can read the file without running code from it."""
        ...

    def load_weights(self, path: Path) -> None:
        """Load weights that a snapshot of `capture_weights` wrote.

        Raises:
            WeightsMismatch: they are of another network. DamagedFile: they cannot be read.
        """
        ...

    def describe(self) -> ModelRecord:
        """Size of the network, its device, precision and the source of its first weights."""
        ...

    def memory(self) -> float | None:
        """Peak MiB that the framework used on the device since the learner was created; None if it does not count them."""
        ...


class Backend(Protocol):
    """A framework."""

    name: str

    def learner(self, spec: Resolved, task: Task, pretrained: bool = True) -> Learner:
        """Build the network of a resolved spec with a new head, its loss and optimizer, seeded by the spec.

        `pretrained=False` skips loading pretrained weights, for a network whose saved weights are loaded next.

        Raises:
            PretrainedUnavailable: they cannot be downloaded. WeightsMismatch: they are of another network.
            InvalidValue: the network cannot be built with these settings.
        """
        ...

    def layers(self, learner: Learner) -> list[str]:
        """Names of the layers that have weights, from input to output: the order in which `freeze_layers` counts."""
        ...

    def world(self) -> World:
        """The processes that train together."""
        ...

    def versions(self) -> dict[str, str]:
        """Versions of the framework and its libraries, for the run's record."""
        ...


class Candidates(NamedTuple):
    """The precisions of which any may be the fastest on a device.

    `precisions`: names of `spec.PRECISIONS` without `auto`; first the one that is taken where nothing is measured. `device`: a
    text that differs for devices, numbers of threads and versions of the framework, whose speeds may differ.
    """

    precisions: tuple[str, ...]
    device: str


@runtime_checkable
class SeveralPrecisions(Protocol):
    """A backend with several precisions, of which `auto` finds the fastest; it has these methods beside those of `Backend`.

    Without it, its learner decides on its own what `auto` is.
    """

    def candidates(self, spec: Resolved) -> Candidates:
        """The candidates on the device that a learner of this spec would have."""
        ...

    def use_precision(self, learner: Any, precision: str) -> None:
        """Let a learner compute its following steps in one of the candidates."""
        ...


@runtime_checkable
class NoticesChanges(Protocol):
    """A learner that notices whether the user has changed its network; it has this method beside those of `Learner`."""

    def has_replaced_layers(self) -> bool:
        """Whether the arrays of the network are not those that it was built with."""
        ...


@runtime_checkable
class LooksInside(Protocol):
    """A backend whose networks can be looked into; it has these methods beside those of `Backend`."""

    def kernels(self, learner: Any) -> dict[str, np.ndarray]:
        """The weights of each convolution over images, by the name of its layer: float32 (outputs, inputs, height, width)."""
        ...

    def feature_maps(self, learner: Any, images: np.ndarray, draws: Draws) -> dict[str, np.ndarray]:
        """The output of each such convolution for images as of `Learner.logits`: float32 (n, channels, height, width).

        A layer that is used several times has the output of its last use. Training is not affected.
        """
        ...

    def write_graph(self, learner: Any, path: Path, shape: tuple[int, int, int]) -> Path:
        """Write the network for images of a shape (channels, height, width) as a file that other tools show; returns its path.

        Args:
            path: the file without an ending, which the backend chooses.

        Raises:
            MissingPackage: what writes it is not installed. InvalidValue: the network cannot be written.
        """
        ...


@runtime_checkable
class GivesEmbeddings(Protocol):
    """A backend whose networks show what they see in an image; it has this method beside those of `Backend`."""

    def embeddings(self, learner: Any, images: np.ndarray, draws: Draws) -> np.ndarray:
        """The values that the head of the network is given for images as of `Learner.logits`: float32 (n, d).

        Computed as `Learner.logits` computes them; training is not affected. Where the head is given an image, its mean.

        Raises:
            InvalidValue: the network does not show them. OutOfMemory: memory is too small for so many images.
        """
        ...


@runtime_checkable
class WritesOnnx(Protocol):
    """A backend whose networks can be written as ONNX; it has this method beside those of `Backend`."""

    def onnx(self, learner: Any, size: int, embeddings: bool = False) -> bytes:
        """The network as `Learner.logits` uses it, as the content of an ONNX file of opset 18 or newer; training is not affected.

        Its one input is float32 (n, 3, size, size), normalized, for any n. Its outputs are the logits, float32 (n, classes),
        and, if asked for, what `GivesEmbeddings.embeddings` gives.

        Raises:
            MissingPackage: what writes it is not installed. InvalidValue: the network cannot be written.
        """
        ...


@runtime_checkable
class WritesForms(Protocol):
    """A backend that writes its networks in other forms; it has this attribute beside the methods of `Backend`.

    `forms`: by the name of the form, what gives the content of its file for a learner and images of a size, px. The network is as
    `Learner.logits` uses it; training is not affected.
    """

    forms: Mapping[str, Callable[[Any, int], bytes]]
