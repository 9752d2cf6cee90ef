"""Transforms, one row each.

Cell `kind`: `geometry` (moves pixels; composed into one resampling), `scale` (normalisation). Cell `random`: whether it
draws a random number for each image; those before the first random one are done once, when the file is decoded.
The dotted path names the function in `monklite/data/geometry.py` that composes it; backends share it.
"""

from __future__ import annotations

from ..rules import ListOf, Number, Whole
from .rows import REQUIRED, Parameter, Row, table

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZE = Parameter("input_size", REQUIRED, Whole(least=1, most=4096), "side of the square that comes out, px")
PROBABILITY = Parameter("probability", 0.5, Number(least=0, most=1), "share of images that it is done to")


def _row(name: str, doc: str, *parameters: Parameter, kind: str = "geometry", random: bool = False) -> Row:
    path = f"monklite.data.geometry.{name}" if kind == "geometry" else "numpy.array"
    return Row(name, doc, path, path, parameters, cells={"kind": kind, "random": random})


TRANSFORMS = table(
    [
        _row("resize", "Resize to a square, whatever the shape was.", SIZE),
        _row("center_crop", "Cut a square out of the middle (all of a smaller image).", SIZE),
        _row("random_crop", "Cut a square out at a random place (all of a smaller image).", SIZE, random=True),
        _row(
            "random_resized_crop",
            "Cut out a random share of the image in a random shape and resize it (Szegedy et al. 2015).",
            SIZE,
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
            random=True,
        ),
        _row("random_horizontal_flip", "Mirror left and right.", PROBABILITY, random=True),
        _row("random_vertical_flip", "Mirror top and bottom.", PROBABILITY, random=True),
        _row(
            "random_rotation",
            "Turn about the middle by up to so many degrees either way; corners become black.",
            Parameter("degrees", REQUIRED, Number(least=0, most=180), "largest angle"),
            random=True,
        ),
        _row(
            "normalize",
            "Subtract the mean and divide by the standard deviation of each channel (values 0 to 1).",
            Parameter("mean", IMAGENET_MEAN, ListOf(Number(least=0, most=1), length=3), "of red, green and blue"),
            Parameter("std", IMAGENET_STD, ListOf(Number(above=0, most=1), length=3), "of red, green and blue"),
            kind="scale",
        ),
    ]
)
