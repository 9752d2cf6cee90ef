"""Transforms, one row each; those before the first random one are done once, when the file is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..errors import InvalidValue
from ..rules import ListOf, Number, Whole
from ..spec import SUBSETS, Choice, Transforms
from .rows import REQUIRED, Parameter, Row, table


@dataclass(frozen=True)
class TransformRow(Row):
    """A transform, which every backend shares.

    `kind`: `geometry` moves pixels, and is composed with others of its kind into one resampling; `normalize` is done by the
    backend, last. `random`: whether it draws a random number for each image. `compose`: dotted path of the function that
    composes a geometric one. `decode`: dotted path of what does it to a decoded picture, `""`: it is only done to batches.
    `flip`: the axis that it mirrors; nothing needs resampling where nothing but that is done.
    """

    kind: Literal["geometry", "normalize"] = "geometry"
    random: bool = False
    compose: str = ""
    decode: str = ""
    flip: Literal["", "x", "y"] = ""


IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
INPUT_SIZE = Parameter("input_size", REQUIRED, Whole(least=1, most=4096), "side of the square that comes out, px")
PROBABILITY = Parameter("probability", 0.5, Number(least=0, most=1), "share of images that it is done to")


def _geometry(
    name: str, doc: str, *parameters: Parameter, random: bool = True, flip: Literal["", "x", "y"] = ""
) -> TransformRow:
    decode = "" if random else f"monklite.data.decode.{name}"
    return TransformRow(name, doc, parameters, "geometry", random, f"monklite.data.geometry.{name}", decode, flip)


TRANSFORMS = table(
    [
        _geometry("resize", "Resize to a square, whatever the shape was.", INPUT_SIZE, random=False),
        _geometry("center_crop", "Cut a square out of the middle (all of a smaller image).", INPUT_SIZE, random=False),
        _geometry("random_crop", "Cut a square out at a random place (all of a smaller image).", INPUT_SIZE),
        _geometry(
            "random_resized_crop",
            "Cut out a random share of the image in a random shape and resize it (Szegedy et al. 2015).",
            INPUT_SIZE,
            Parameter(
                "scale",
                (0.08, 1.0),
                ListOf(Number(above=0, most=1), length=2, ordered=True),
                "least and largest share of the area",
            ),
            Parameter(
                "ratio",
                (3 / 4, 4 / 3),
                ListOf(Number(above=0), length=2, ordered=True),
                "least and largest width / height",
            ),
        ),
        _geometry("random_horizontal_flip", "Mirror left and right.", PROBABILITY, flip="x"),
        _geometry("random_vertical_flip", "Mirror top and bottom.", PROBABILITY, flip="y"),
        _geometry(
            "random_rotation",
            "Turn about the middle by up to so many degrees either way; corners become black.",
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
    """The chains with a transform at the end of those of some subsets, and what the user should know.

    Random transforms are for training images: else no two results could be compared. Monk did them to all.

    Raises:
        InvalidValue: no subset is named, or a random transform is asked for images that are judged.
    """
    name, judged = f"apply_{choice.name}", " and ".join(s for s in subsets if s != "train")
    if not subsets:
        raise InvalidValue(f"{name}: say for which images: train=True, val=True or test=True")
    note = ""
    if judged and TRANSFORMS[choice.name].random:
        if "train" not in subsets:
            raise InvalidValue(f"{name} is random, and {judged} images are never augmented: use train=True")
        subsets, note = ["train"], f"{name} is done to training images only; {judged} images are never augmented"
    before = {subset: getattr(chains, subset) for subset in SUBSETS}
    return Transforms(**{s: (*chain, choice) if s in subsets else chain for s, chain in before.items()}), note
