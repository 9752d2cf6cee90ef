"""One way to train: the network, its input size, the layers that are trained, how images are varied, and the rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...catalog import resolve
from ...catalog.candidates import Candidate
from ...catalog.models import find_model
from ...catalog.variations import LIGHT, MIRROR, NORMALIZE, TURN, varied
from ...spec import ModelSpec, Source, Spec, TrainingSpec, Transforms

# how training images are varied; `OWN`: as the user has set it
NONE, TURNED, MIRRORED, OWN = "not", "turned, lit", "turned, lit, mirrored", "as you set it"
VARIED: Mapping[str, Sequence[tuple[str, dict[str, Any]]]] = {
    NONE: (),
    TURNED: (TURN, LIGHT),
    MIRRORED: (TURN, LIGHT, MIRROR),
}


@dataclass(frozen=True)
class Setup:
    """One way to train.

    `size`: of the images, px. `whole`: all layers are trained, not the new head alone. `varied`: how the training images are.
    `rate`: multiple of the recipe's learning rate. `pretrained`: it starts from weights trained on ImageNet.
    """

    candidate: Candidate
    size: int
    whole: bool
    pretrained: bool = True
    varied: str = NONE
    rate: float = 1.0

    @property
    def network(self) -> str:
        return self.candidate.name

    @property
    def layers(self) -> str:
        return "all layers" if self.whole else "the head"

    def __str__(self) -> str:
        varied = f", images varied ({self.varied})" if self.varied != NONE else ""
        rate = f", {self.rate:.2g} times the usual rate" if self.rate != 1 else ""
        return f"{self.network} at {self.size} px, {self.layers}{varied}{rate}"

    def work(self, backend: str) -> float:
        """The time for an image as a multiple of that of ResNet18 at its own input size."""
        return self.candidate.cost * (self.size / find_model(self.network, backend).input_size) ** 2

    def changes(
        self, asked: Spec, epochs: int, sources: Sequence[Source] = (), early_stopping: int = 0
    ) -> dict[str, Any]:
        """The settings that make it of those of the user, by dotted path. `sources`: other images than those, if any."""
        backend = asked.backend
        model = ModelSpec(
            name=self.network,
            pretrained=self.pretrained,
            freeze_base=not self.whole,
            use_gpu=asked.model.use_gpu,
            precision=asked.model.precision,
            deterministic=asked.model.deterministic,
        )
        training = TrainingSpec(epochs=epochs, early_stopping=early_stopping, loss=asked.training.loss)
        changes = {
            "data.input_size": self.size,
            "data.transforms": self._transforms(asked),
            "model": model,
            "training": training,
            **({"data.sources": tuple(sources)} if sources else {}),
        }
        if self.rate != 1:
            optimizer = resolve(asked.replace(changes)).training.optimizer
            rate = optimizer.params["learning_rate"] * self.rate
            changes["training.optimizer"] = optimizer.model_copy(
                update={"params": {**optimizer.params, "learning_rate": rate}}
            )
        return {**changes, "backend": backend}

    def _transforms(self, asked: Spec) -> Transforms:
        return varied(asked, self.network, None if self.varied == OWN else VARIED[self.varied])


def is_varied(asked: Spec) -> bool:
    """Whether the user has set how training images are varied."""
    return any(row.name != NORMALIZE for row in asked.data.transforms.train)
