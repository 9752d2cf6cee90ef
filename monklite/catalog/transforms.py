"""The table of transforms; those before the first random one are applied once, when the file is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..errors import InvalidValue
from ..rules import ListOf, Number
from ..setting_ranges import INPUT_SIZE_RANGE, MAX_FACTOR
from ..spec import SUBSETS, Choice, Transforms
from .rows import REQUIRED, Parameter, Row, table


@dataclass(frozen=True)
class TransformRow(Row):
    """A transform, the same for every backend.

    `kind`: `geometry` moves pixels, and is composed with others of its kind into one resampling; `normalize` is applied last,
    by the backend. `random`: whether it draws random numbers for each image. `compose`: dotted path of the function that
    composes a geometric one. `decode`: dotted path of the function that applies it to a decoded image, `""`: it is only applied
    to batches. `flip`: the axis that it mirrors; chains of flips alone need no resampling.
    """

    kind: Literal["geometry", "normalize"] = "geometry"
    random: bool = False
    compose: str = ""
    decode: str = ""
    flip: Literal["", "x", "y"] = ""


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
INPUT_SIZE = Parameter("input_size", REQUIRED, INPUT_SIZE_RANGE, "side of the resulting square, px")
PROBABILITY = Parameter("probability", 0.5, Number(least=0, most=1), "share of images that are transformed")


def _geometry(
    name: str, doc: str, *parameters: Parameter, random: bool = True, flip: Literal["", "x", "y"] = ""
) -> TransformRow:
    decode = "" if random else f"monklite.data.decode.{name}"
    return TransformRow(name, doc, parameters, "geometry", random, f"monklite.data.geometry.{name}", decode, flip)


TRANSFORMS = table(
    [
        _geometry("resize", "Resize to a square, ignoring the aspect ratio.", INPUT_SIZE, random=False),
        _geometry(
            "center_crop", "Crop a square from the centre (a smaller image is used whole).", INPUT_SIZE, random=False
        ),
        _geometry("random_crop", "Crop a square at a random position (a smaller image is used whole).", INPUT_SIZE),
        _geometry(
            "random_resized_crop",
            "Crop a random share of the image with a random aspect ratio and resize it (Szegedy et al. 2015).",
            INPUT_SIZE,
            Parameter(
                "scale",
                (0.08, 1.0),
                ListOf(Number(above=0, most=1), length=2, ordered=True),
                "smallest and largest share of the area",
            ),
            Parameter(
                "ratio",
                (3 / 4, 4 / 3),
                ListOf(Number(above=0, limit=MAX_FACTOR), length=2, ordered=True),
                "smallest and largest width / height",
            ),
        ),
        _geometry("random_horizontal_flip", "Mirror left and right.", PROBABILITY, flip="x"),
        _geometry("random_vertical_flip", "Mirror top and bottom.", PROBABILITY, flip="y"),
        _geometry(
            "random_rotation",
            "Rotate about the centre by up to `degrees` either way; corners become black.",
            Parameter("degrees", REQUIRED, Number(least=0, most=180), "largest angle"),
        ),
        TransformRow(
            "normalize",
            "Subtract the mean and divide by the standard deviation of each channel (values 0 to 1).",
            (
                Parameter("mean", IMAGENET_MEAN, ListOf(Number(least=0, most=1), length=3), "of red, green and blue"),
                Parameter("std", IMAGENET_STD, ListOf(Number(above=0, most=1), length=3), "of red, green and blue"),
            ),
            "normalize",
        ),
    ]
)


def append(chains: Transforms, choice: Choice, subsets: Sequence[str]) -> tuple[Transforms, str]:
    """Append a transform to the chains of some subsets; returns the chains and a note for the user, `""`: none.

    Random transforms are for training images only, because results on augmented images cannot be compared. Monk applied them
    to all subsets.

    Raises:
        InvalidValue: no subset is named, or a random transform only for validation or test images.
    """
    name, evaluated = f"apply_{choice.name}", " and ".join(s for s in subsets if s != "train")
    if not subsets:
        raise InvalidValue(f"{name}: say for which images: train=True, val=True or test=True")
    note = ""
    if evaluated and TRANSFORMS[choice.name].random:
        if "train" not in subsets:
            raise InvalidValue(f"{name} is random, and {evaluated} images are never augmented: use train=True")
        subsets, note = ["train"], f"{name} is applied to training images only; {evaluated} images are never augmented"
    before = {subset: getattr(chains, subset) for subset in SUBSETS}
    return Transforms(**{s: (*chain, choice) if s in subsets else chain for s, chain in before.items()}), note
