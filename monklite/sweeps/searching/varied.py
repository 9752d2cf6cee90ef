"""How strongly training images are varied: a setting of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...catalog.default_recipes import default_transforms
from ...catalog.transforms import TRANSFORMS
from ...catalog.variations import LIGHT, MIRROR, TURN
from ...spec import Spec, Transforms

VARIATION = "augmentation"
NORMALIZE = "normalize"
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
    normalize = default_transforms(asked.backend, asked.model.name).val
    rows = VARIATIONS[variation]
    if rows is None:
        own = asked.data.transforms
        kept = {
            s: tuple(r for r in getattr(own, s) if r.name != NORMALIZE) + normalize for s in ("train", "val", "test")
        }
        return Transforms(**kept)
    varied = tuple(TRANSFORMS[name].choose(asked.backend, params) for name, params in rows)
    return Transforms(train=varied + normalize, val=normalize, test=normalize)
