"""The default recipes: what is used where the user says nothing, each choice with its reason and source.

`resolve` is the one place that turns "by recipe" (None in a spec) into values; a run stores what was asked and the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..processors import cpu_count, decoders
from ..rules import AUTO
from ..spec import ModelSpec, Resolved, Spec, TrainingSpec, Transforms, build
from ..tasks import MULTIPLE, SINGLE, label_type
from .losses import LOSSES
from .models import find_model, names
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
LOSS_OF = {SINGLE: "softmax_crossentropy", MULTIPLE: "sigmoid_binary_crossentropy"}
SPLIT_SHARE = 0.7  # Monk's; with few images a larger validation set is worth more than the images it takes


def default_spec(backend: str) -> Spec:
    """The settings before anything is asked for; a backend without the usual network begins with the first of its own."""
    asked = Spec(backend=backend)
    known = names(backend)
    return asked if asked.model.name in known else asked.replace({"model.name": known[0]})


def situation(spec: Spec) -> str:
    """Which kind of training this is: `head`, `finetune` or `scratch`."""
    if spec.model.freeze_base and not spec.model.freeze_layers:
        return "head"
    return "finetune" if spec.model.pretrained or spec.model.weights_path else "scratch"


def recipe(spec: Spec) -> Recipe:
    """The first row that fits the spec's model and situation."""
    family, now = find_model(spec.model.name, spec.backend).family, situation(spec)
    return next(r for r in RECIPES if r.situation == now and (not r.families or family in r.families))


def resolve(asked: Spec, stored: Resolved | None = None, batch_size: int | None = None) -> Resolved:
    """Fill in everything that was left to the recipe.

    Args:
        stored: what a run computed with; then what was left open is as it was there, whatever today's recipe says, but for the
            number of processors, which is this machine's.
        batch_size: what `"auto"` was found to be; the recipe's until then.
    """
    usual = defaults(asked) if stored is None else {path: stored.get(path) for path in BY_RECIPE}
    values = {path: usual[path] if (value := asked.get(path)) is None else value for path in BY_RECIPE}
    if values["data.batch_size"] == AUTO:
        values["data.batch_size"] = batch_size or (stored.data.batch_size if stored else BATCH_SIZE)
    values["data.workers"] = min(asked.data.workers or decoders(), cpu_count())
    return build(Resolved, _filled(asked, values))


BY_RECIPE = (
    "data.input_size",
    "data.batch_size",
    "data.workers",
    "training.optimizer",
    "training.schedule",
    "training.loss",
)


def defaults(asked: Spec) -> dict[str, Any]:
    """What the recipe gives where nothing is asked for, by dotted path."""
    chosen, backend = recipe(asked), asked.backend
    name = chosen.optimizer if OPTIMIZERS[chosen.optimizer].cell(backend) else "adam"
    values = {"learning_rate": chosen.learning_rate, "weight_decay": chosen.weight_decay}
    return {
        "data.input_size": find_model(asked.model.name, backend).input_size,
        "data.batch_size": BATCH_SIZE,
        "data.workers": decoders(),
        "training.optimizer": OPTIMIZERS[name].choose(backend, values),
        "training.schedule": SCHEDULES[SCHEDULE].choose(backend, {}),
        "training.loss": LOSSES[LOSS_OF[label_type(asked.data.sources)]].choose(backend, {}),
    }


def _filled(asked: Spec, values: Mapping[str, Any]) -> dict[str, Any]:
    """The tree of a spec with the values at dotted paths in place of what is there."""
    tree: dict[str, Any] = {name: getattr(asked, name) for name in Spec.model_fields}
    for part in ("data", "training"):
        own = getattr(asked, part)
        tree[part] = {name: values.get(f"{part}.{name}", getattr(own, name)) for name in type(own).model_fields}
    return tree


def quick_mode(backend: str, model_name: str) -> dict[str, Any]:
    """What Default asks for, by dotted path, but for the images."""
    return {
        "data.split": SPLIT_SHARE,
        "data.input_size": None,
        "data.batch_size": None,
        "data.shuffle": True,
        "data.workers": None,
        "data.transforms": default_transforms(backend, model_name),
        "model": ModelSpec(name=model_name),
        "training": TrainingSpec(),
    }


def default_transforms(backend: str, model_name: str = "resnet18") -> Transforms:
    """Images are flipped left and right, and normalised as the network's pretrained weights want it; validation and test
    images are never augmented.

    Monk flips 8 images of 10; at 0.5 both directions are seen equally often (He et al. 2016).
    """
    flip = TRANSFORMS["random_horizontal_flip"].choose(backend, {"probability": 0.5})
    own = find_model(model_name, backend).normalization
    normalize = TRANSFORMS["normalize"].choose(backend, {"mean": own.mean, "std": own.std})
    return Transforms(train=(flip, normalize), val=(normalize,), test=(normalize,))
