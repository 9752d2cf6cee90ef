"""How strongly training images are varied: a setting of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...catalog.variations import LIGHT, MIRROR, TURN, varied
from ...spec import Spec, Transforms

VARIATION = "augmentation"
OWN = "as set"
STRONG: Sequence[tuple[str, dict[str, Any]]] = (
    ("random_rotation", {"degrees": 20}),
    ("color_jitter", {"brightness": 0.4, "contrast": 0.4}),
    MIRROR,
)
VARIATIONS: Mapping[str, Sequence[tuple[str, dict[str, Any]]] | None] = {
    OWN: None,
    "none": (),
    "mild": (TURN, LIGHT),
    "strong": STRONG,
}


def transforms(asked: Spec, variation: str) -> Transforms:
    """The transforms of a trial: its variation of training images, and the normalization of its network."""
    return varied(asked, asked.model.name, VARIATIONS[variation])
