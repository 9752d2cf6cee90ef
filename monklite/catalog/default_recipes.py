"""The default recipes: values for settings that the user left open, each with its reason and source.

`resolve` is the only place that turns "by recipe" (None in a spec) into values; a run stores both the asked and the resolved
spec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..decoder_threads import decoders
from ..records import DatasetRecord
from ..rules import AUTO
from ..settings_tree import build
from ..spec import Choice, ModelSpec, Resolved, Spec, TrainingSpec, Transforms
from ..tasks import MULTIPLE, SINGLE, label_type
from .class_weights import balanced, is_balanced, with_factors_of
from .losses import LOSSES
from .models import names, network_named, network_row
from .optimizers import OPTIMIZERS
from .schedules import SCHEDULES
from .transforms import TRANSFORMS

# batch statistics of 4 images (Monk's default) are too noisy for batch normalisation (Wu and He 2018)
BATCH_SIZE = 16


@dataclass(frozen=True)
class Recipe:
    """Optimizer for some families in one situation; the first row that matches is used.

    `situation`: `head` (the base is frozen), `head first` (then all layers, at smaller rates), `finetune` (pretrained weights,
    all layers) or `scratch` (random weights, all layers). `families`: () for every family.
    """

    situation: str
    families: tuple[str, ...]
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
           "one linear layer is nearly convex, so Adam's default rate works", "Kingma and Ba 2015"),
    Recipe("head first", ATTENTION, "adamw", 5e-4, 0.05,
           "the layers below the head have a tenth of it or less", "Howard and Ruder 2018"),
    Recipe("head first", NO_BATCH_NORM, "adam", 5e-4, 1e-4,
           "the layers below the head have a tenth of it or less", "Howard and Ruder 2018"),
    Recipe("head first", (), "adam", 1e-3, 1e-4,
           "the layers below the head have a tenth of it or less", "Howard and Ruder 2018"),
    Recipe("finetune", ATTENTION, "adamw", 5e-5, 0.05,
           "attention loses its pretraining at learning rates usual for convolutions", "Steiner et al. 2022"),
    Recipe("finetune", NO_BATCH_NORM, "adam", 5e-5, 1e-4,
           "without normalisation larger steps diverge", "Simonyan and Zisserman 2015"),
    Recipe("finetune", (), "adam", 1e-4, 1e-4,
           "small steps keep the pretrained features", "Kornblith et al. 2019"),
    Recipe("scratch", ATTENTION, "adamw", 3e-4, 0.05,
           "the usual rate for small batches", "Touvron et al. 2021"),
    Recipe("scratch", NO_BATCH_NORM, "adam", 1e-4, 0.0,
           "without normalisation larger steps diverge", "Simonyan and Zisserman 2015"),
    Recipe("scratch", (), "adam", 3e-4, 0.0,
           "learns in few epochs, in which SGD hardly makes progress", "measured: docs/decisions/0003-recipes.md"),
)
# fmt: on
# has no milestones to choose, and works with any number of epochs (Loshchilov and Hutter 2017)
SCHEDULE = "cosine_decrease"
LOSS_OF = {SINGLE: "softmax_crossentropy", MULTIPLE: "sigmoid_binary_crossentropy"}
# Monk's; with few images, a larger validation set is worth more than the training images it costs
SPLIT_SHARE = 0.7


def default_spec(backend: str) -> Spec:
    """The settings of a new experiment; for a backend without the default network, with the first of its own networks."""
    asked = Spec(backend=backend)
    available = names(backend)
    if asked.model.name in available or not available:
        return asked
    return asked.replace({"model.name": available[0]})


def situation(spec: Spec) -> str:
    """The kind of training that the spec asks for: `head`, `head first`, `finetune` or `scratch`."""
    if spec.training.head_epochs:
        return "head first"
    if spec.model.freeze_base and not spec.model.freeze_layers:
        return "head"
    return "finetune" if spec.model.pretrained or spec.model.weights_path else "scratch"


def recipe(spec: Spec) -> Recipe:
    """The first row that matches the spec's model and situation."""
    family, current = network_row(spec.model, spec.backend).family, situation(spec)
    return next(r for r in RECIPES if r.situation == current and (not r.families or family in r.families))


def resolve(
    asked: Spec,
    stored: Resolved | None = None,
    batch_size: int | None = None,
    precision: str | None = None,
    dataset: DatasetRecord | None = None,
) -> Resolved:
    """Fill in every setting that was left to the recipe.

    Args:
        stored: the resolved spec of a run; settings left open are taken from it and not from the recipe, which may have changed,
            except the number of processors, which is this machine's.
        batch_size: the measured value of `"auto"`; without it, the recipe's.
        precision: the value of `"auto"` that was chosen; without it, the stored one, and `"auto"` before there is one.
        dataset: the images, from which balanced class weights are computed unless they are stored; without it, `"balanced"`.
    """
    fallback = defaults(asked) if stored is None else {path: stored.get(path) for path in BY_RECIPE}
    values = {path: fallback[path] if (value := asked.get(path)) is None else value for path in BY_RECIPE}
    if values["data.batch_size"] == AUTO:
        values["data.batch_size"] = batch_size or (stored.data.batch_size if stored else BATCH_SIZE)
    values["data.workers"] = decoders(asked.data.workers)
    values["model.precision"] = asked.model.precision
    if asked.model.precision == AUTO:
        values["model.precision"] = precision or (stored.model.precision if stored else AUTO)
    if is_balanced(values["training.loss"]):
        values["training.loss"] = _balanced(values["training.loss"], stored, dataset)
    return build(Resolved, _fill(asked, values))


def _balanced(loss: Choice, stored: Resolved | None, dataset: DatasetRecord | None) -> Choice:
    """A loss with balanced class weights, with the numbers that are stored for it, or else those for the images."""
    if stored is not None and stored.training.loss.name == loss.name:
        return with_factors_of(loss, stored.training.loss)
    return balanced(loss, dataset) if dataset is not None else loss


BY_RECIPE = (
    "data.input_size",
    "data.batch_size",
    "data.workers",
    "training.optimizer",
    "training.schedule",
    "training.loss",
)


def defaults(asked: Spec) -> dict[str, Any]:
    """The recipe's values of all settings in `BY_RECIPE`, by dotted path."""
    row, backend = recipe(asked), asked.backend
    name = row.optimizer if OPTIMIZERS[row.optimizer].cell(backend) else "adam"
    values = {"learning_rate": row.learning_rate, "weight_decay": row.weight_decay}
    return {
        "data.input_size": network_row(asked.model, backend).input_size,
        "data.batch_size": BATCH_SIZE,
        "data.workers": decoders(),
        "training.optimizer": OPTIMIZERS[name].choose(backend, values),
        "training.schedule": SCHEDULES[SCHEDULE].choose(backend, {}),
        "training.loss": LOSSES[LOSS_OF[label_type(asked.data.sources)]].choose(backend, {}),
    }


def _fill(asked: Spec, values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a spec as nested dictionaries, with the values at dotted paths replaced."""
    fields: dict[str, Any] = {name: getattr(asked, name) for name in Spec.model_fields}
    for group in ("data", "model", "training"):
        settings = getattr(asked, group)
        names_of_group = type(settings).model_fields
        fields[group] = {name: values.get(f"{group}.{name}", getattr(settings, name)) for name in names_of_group}
    return fields


def quick_mode(backend: str, model_name: str) -> dict[str, Any]:
    """The settings that the method `Default` makes, by dotted path, without the images."""
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
    """Horizontal flips of training images, and the normalization of the network's pretrained weights for all.

    Monk flips 8 of 10 images; with 0.5, both directions are equally frequent (He et al. 2016).
    """
    flip = TRANSFORMS["random_horizontal_flip"].choose(backend, {"probability": 0.5})
    normalization = network_named(model_name, backend).normalization
    values = {"mean": normalization.mean, "std": normalization.std}
    normalize = TRANSFORMS["normalize"].choose(backend, values)
    return Transforms(train=(flip, normalize), val=(normalize,), test=(normalize,))
