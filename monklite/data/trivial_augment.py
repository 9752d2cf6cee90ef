"""TrivialAugment: one random transform of each image at a random strength (Müller and Hutter 2021).

Its 14 transforms, at the strengths of its "wide" space, as torchvision has them.
"""

from __future__ import annotations

import math

import numpy as np

from . import curves
from .boxes import Stream
from .colours import Colours
from .geometry import Frame, affine

# the largest strengths: angle in radians, slant as the paper's shear, share of a side of 224 px, factor's distance from 1, bits
# that are lost, levels below 255; 1: done or not
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
    "sharpness": 0.99,
    "posterize": 6.0,
    "solarize": 255.0,
    "autocontrast": 1.0,
    "equalize": 1.0,
}


def trivial_augment(frame: Frame, colours: Colours, rng: Stream) -> tuple[Frame, Colours]:
    n = colours.n
    chosen, strength = np.floor(rng.random(n) * len(MOST)), rng.uniform(-1, 1, n)
    is_chosen = {name: chosen == k for k, name in enumerate(MOST)}
    of = {name: np.where(is_chosen[name], most * strength, 0.0) for name, most in MOST.items()}
    right, down = of["translate_x"] * frame.width, of["translate_y"] * frame.height
    moved = affine(frame, of["rotate"], right, down, np.ones(n), of["shear_x"], of["shear_y"])
    changed = colours.brightness(1 + of["brightness"]).contrast(1 + of["contrast"]).saturation(1 + of["saturation"])
    changed = changed.then("sharpness", 1 + of["sharpness"])
    changed = changed.then_curve(curves.posterize(8 - np.rint(np.abs(of["posterize"]))))
    # above all values, where another transform was drawn
    threshold = np.where(is_chosen["solarize"], 255 - np.abs(of["solarize"]), np.inf)
    changed = changed.then_curve(curves.solarize(threshold))
    for name in ("autocontrast", "equalize"):
        changed = changed.then(name, is_chosen[name].astype(float))
    return moved, changed
