"""The default recipes: what is used where the user says nothing, each choice with its reason and source.

`resolve` is the one place that turns "by recipe" (None in a spec) into values; the result is stored with the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import InvalidValue
from ..processors import decoders
from ..spec import PRECISIONS, Spec, Transforms
from .losses import LOSSES
from .models import find_model
from .optimizers import OPTIMIZERS
from .schedules import SCHEDULES
from .transforms import TRANSFORMS

BATCH_SIZE = 16
BATCH_REASON = "batch statistics of 4 images (Monk's default) are too noisy for batch normalisation (Wu and He 2018)"


@dataclass(frozen=True)
class Recipe:
    """Optimizer and schedule for some families in one situation; the first row that fits is taken."""

    situation: str  # head: the base is frozen; finetune: pretrained, all layers; scratch: random weights, all layers
    families: tuple[str, ...]  # () for every family
    optimizer: str
    learning_rate: float
    weight_decay: float
    reason: str
    source: str


NO_BATCH_NORM = ("alexnet", "vgg", "squeezenet")
ATTENTION = ("vit", "swin", "maxvit", "convnext")

# fmt: off
RECIPES = (
    Recipe("head", (), "adam", 1e-3, 0.0,
           "one linear layer is nearly convex, so Adam's default rate does", "Kingma and Ba 2015"),
    Recipe("finetune", ATTENTION, "adamw", 5e-5, 0.05,
           "attention loses its pretraining at the rates of convolutions", "Steiner et al. 2022"),
    Recipe("finetune", NO_BATCH_NORM, "adam", 5e-5, 1e-4,
           "without normalisation larger steps diverge", "Simonyan and Zisserman 2015"),
    Recipe("finetune", (), "adam", 1e-4, 1e-4,
           "small steps keep the pretrained features", "Kornblith et al. 2019"),
    Recipe("scratch", ATTENTION, "adamw", 3e-4, 0.05,
           "the usual rate for small batches", "Touvron et al. 2021"),
    Recipe("scratch", NO_BATCH_NORM, "adam", 1e-4, 0.0,
           "without normalisation larger steps diverge", "Simonyan and Zisserman 2015"),
    Recipe("scratch", (), "adam", 3e-4, 0.0,
           "has learned in few epochs where SGD has hardly begun", "measured: docs/decisions/0003-recipes.md"),
)
# fmt: on
SCHEDULE = "cosine_decrease"  # no step to place by hand; good at any number of epochs (Loshchilov and Hutter 2017)
LOSS = "softmax_crossentropy"
SPLIT = 0.7  # Monk's; with few images a larger validation set is worth more than the images it takes


PRECISIONS_OF = {"pytorch": PRECISIONS, "mxnet": ("auto", "float32")}


def check_precision(spec: Spec) -> None:
    """Refuse a precision that the backend cannot compute in: MXNet's automatic mixed precision rewrites the whole library
    for the process, so it is left alone."""
    known = PRECISIONS_OF[spec.backend]
    if spec.model.precision not in known:
        raise InvalidValue(
            f"the {spec.backend} backend has no precision {spec.model.precision!r}: use {' or '.join(map(repr, known))}, "
            "or backend='pytorch'"
        )
    if spec.model.compile and spec.backend != "pytorch":
        raise InvalidValue(
            f"the {spec.backend} backend has no compile (its networks always are); use backend='pytorch'"
        )


def situation(spec: Spec) -> str:
    """Which kind of training this is: `head`, `finetune` or `scratch`."""
    if spec.model.freeze_base and not spec.model.freeze_layers:
        return "head"
    return "finetune" if spec.model.pretrained or spec.model.weights_path else "scratch"


def recipe(spec: Spec) -> Recipe:
    """The first row that fits the spec's model and situation."""
    family, now = find_model(spec.model.name, spec.backend).family, situation(spec)
    return next(r for r in RECIPES if r.situation == now and (not r.families or family in r.families))


def resolve(spec: Spec) -> Spec:
    """Fill in everything that the spec leaves to the recipe."""
    defaults = _defaults(spec)
    return spec.replace({path: value for path, value in defaults.items() if spec.get(path) is None})


def unresolve(spec: Spec) -> Spec:
    """Leave to the recipe again what a stored spec has from it: a copy that is changed gets the recipe that then fits."""
    defaults = _defaults(spec)
    return spec.replace({path: None for path, value in defaults.items() if spec.get(path) == value})


def _defaults(spec: Spec) -> dict[str, Any]:
    chosen = recipe(spec)
    name = chosen.optimizer if getattr(OPTIMIZERS[chosen.optimizer], spec.backend) else "adam"
    values = {"learning_rate": chosen.learning_rate, "weight_decay": chosen.weight_decay}
    return {
        "data.input_size": find_model(spec.model.name, spec.backend).input_size,
        "data.batch_size": BATCH_SIZE,
        "data.workers": decoders(),
        "training.optimizer": OPTIMIZERS[name].choose(spec.backend, values),
        "training.schedule": SCHEDULES[SCHEDULE].choose(spec.backend, {}),
        "training.loss": LOSSES[LOSS].choose(spec.backend, {}),
    }


def default_transforms(backend: str) -> Transforms:
    """Default's transforms: Monk's flip and ImageNet normalisation; validation and test images are never augmented.

    Monk flips 8 images of 10; at 0.5 both directions are seen equally often (He et al. 2016).
    """
    flip = TRANSFORMS["random_horizontal_flip"].choose(backend, {"probability": 0.5})
    normalize = TRANSFORMS["normalize"].choose(backend, {})
    return Transforms(train=(flip, normalize), val=(normalize,), test=(normalize,))
