"""TrivialAugment: one random transform of each image at a random strength (Müller and Hutter 2021).

Strengths are those of its "wide" space; of its transforms, those that are composed into the matrices of a draw.
"""

from __future__ import annotations

import math

import numpy as np

from .boxes import Stream
from .colours import Colours
from .geometry import Frame, affine

# the largest strengths: angle in radians, slant as the paper's shear, share of a side of 224 px, factor's distance from 1
MOST = {
    "identity": 0.0,
    "rotate": math.radians(135),
    "shear_x": math.atan(0.99),
    "shear_y": math.atan(0.99),
    "translate_x": 32 / 224,
    "translate_y": 32 / 224,
    "brightness": 0.99,
    "contrast": 0.99,
    "saturation": 0.99,
}


def trivial_augment(frame: Frame, colours: Colours, rng: Stream) -> tuple[Frame, Colours]:
    n = colours.n
    chosen, strength = np.floor(rng.random(n) * len(MOST)), rng.uniform(-1, 1, n)
    of = {name: np.where(chosen == k, most * strength, 0.0) for k, (name, most) in enumerate(MOST.items())}
    right, down = of["translate_x"] * frame.width, of["translate_y"] * frame.height
    moved = affine(frame, of["rotate"], right, down, np.ones(n), of["shear_x"], of["shear_y"])
    changed = colours.brightness(1 + of["brightness"]).contrast(1 + of["contrast"])
    return moved, changed.saturation(1 + of["saturation"])
