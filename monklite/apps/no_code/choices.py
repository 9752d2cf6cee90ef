"""The choices for a training, in plain words, each a row: sizes of networks and ways to vary pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from ...catalog.models import names
from ...catalog.transforms import TRANSFORMS
from ...catalog.variations import LIGHT, MIRROR, TURN
from ...errors import InvalidValue, find
from ...rules import Flag, ListOf, OneOf, OrNone, Text
from ...setting_ranges import EPOCHS_RANGE, INPUT_SIZE_RANGE
from ...settings_tree import Frozen, build
from ...spec import Choice

BACKEND = "pytorch"
INPUT_SIZE = 224
# rounds without a better result after which a training may end
PATIENCE = 5


@dataclass(frozen=True)
class Size:
    """A size of network. `says`: what it means for the user."""

    name: str
    title: str
    model: str
    says: str


SIZES = (
    Size(
        "small", "Small", "resnet18", "trains and answers fastest; good for a first try and for a few hundred pictures"
    ),
    Size(
        "medium",
        "Medium",
        "resnet34",
        "takes about twice as long; often a little better with a thousand pictures or more",
    ),
    Size("large", "Large", "resnet50", "takes about three times as long; worth it with many pictures, or with a GPU"),
)


@dataclass(frozen=True)
class Variation:
    """A way to vary the pictures while learning. `params`: of the transform; `advice`: when it helps and when it harms."""

    name: str
    title: str
    transform: str
    advice: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def choice(self) -> Choice:
        """The transform with its parameters, checked by its row."""
        return TRANSFORMS[self.transform].choose(BACKEND, dict(self.params))


VARIATIONS = (
    Variation(
        "mirror", "Mirror left and right", MIRROR[0],
        "Good for most objects. Not where sides matter, such as in X-rays of the chest: the heart is on one side.",
    ),
    Variation(
        "upside-down", "Turn upside down", "random_vertical_flip",
        "Good for pictures from above or through a microscope. Not where up is always up.",
    ),
    Variation(
        "turn", "Turn a little", TURN[0],
        "Good where the camera or the object is not always straight.", TURN[1],
    ),
    Variation(
        "zoom", "Zoom and crop", "random_resized_crop",
        "Good where objects are of different sizes. Not where something small at the edge decides.",
        {"input_size": INPUT_SIZE, "scale": (0.6, 1.0)},
    ),
    Variation(
        "light", "Lighter, darker, more or less contrast", LIGHT[0],
        "Good where light or exposure differ. Not where brightness itself tells the class.", LIGHT[1],
    ),
    Variation(
        "blur", "Blur", "random_blur",
        "Good where some pictures are out of focus. Not where fine detail decides.",
    ),
    Variation(
        "hide", "Hide a part", "random_erasing",
        "Good where objects are partly covered; it keeps the network from looking at one place only.",
    ),
)  # fmt: skip
NAMES = tuple(variation.name for variation in VARIATIONS)


class Choices(Frozen):
    """The choices for one training.

    `model`: its network. `whole`: train all of its layers, not its head alone. `pretrained`: start from weights trained on
    ImageNet. `size`: of the pictures as the network sees them, px. `variations`: of `VARIATIONS`. `backend`: that trains it.
    """

    model: Annotated[str, Text(most=100)] = SIZES[0].model
    epochs: Annotated[int, EPOCHS_RANGE] = 10
    whole: Annotated[bool, Flag()] = True
    pretrained: Annotated[bool, Flag()] = True
    size: Annotated[int, INPUT_SIZE_RANGE] = INPUT_SIZE
    variations: Annotated[tuple[str, ...], ListOf(OneOf(NAMES))] = ()
    early_stopping: Annotated[int | None, OrNone(EPOCHS_RANGE)] = None

    def rows(self) -> list[Variation]:
        """The chosen variations, in the order of the table."""
        return [variation for variation in VARIATIONS if variation.name in self.variations]


def from_form(form: Mapping[str, Any], variations: list[str]) -> Choices:
    """The choices of a form, whose values are texts.

    Raises:
        InvalidValue, UnknownName: something that cannot be chosen, as the message says.
    """
    model = str(form.get("model", "")).strip() or str(form.get("network", SIZES[0].model))
    find("model", model, {name: name for name in names(BACKEND)})
    return build(
        Choices,
        {
            "model": model,
            "epochs": whole_number("the number of rounds", form.get("epochs", "10")),
            "whole": form.get("depth", "all") == "all",
            "pretrained": "pretrained" in form,
            "size": whole_number("the size of the pictures", form.get("size", str(INPUT_SIZE))),
            "variations": tuple(variations),
            "early_stopping": PATIENCE if "early" in form else None,
        },
    )


def whole_number(what: str, text: object) -> int:
    """Raises InvalidValue: it is no whole number."""
    digits = str(text).strip()
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 9:
        raise InvalidValue(f"{what} must be a whole number such as 10, not {digits[:40]!r}")
    return int(digits)
