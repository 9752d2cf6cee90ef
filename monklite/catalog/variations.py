"""Ways to vary training images that harm hardly ever, with their strength; the pages and `Choose` use the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..spec import SUBSETS, Spec, Transforms
from .default_recipes import default_transforms
from .transforms import TRANSFORMS

# name of the transform, its parameters
TURN: tuple[str, dict[str, Any]] = ("random_rotation", {"degrees": 10})
LIGHT: tuple[str, dict[str, Any]] = ("color_jitter", {"brightness": 0.25, "contrast": 0.25})
MIRROR: tuple[str, dict[str, Any]] = ("random_horizontal_flip", {})
NORMALIZE = "normalize"


def varied(asked: Spec, network: str, rows: Sequence[tuple[str, dict[str, Any]]] | None) -> Transforms:
    """The transforms of settings for another network, whose normalization they have.

    Args:
        rows: how training images are varied; None: as the settings have it.
    """
    normalize = default_transforms(asked.backend, network).val
    if rows is None:
        own = asked.data.transforms
        kept = {s: tuple(r for r in getattr(own, s) if r.name != NORMALIZE) + normalize for s in SUBSETS}
        return Transforms(**kept)
    chosen = tuple(TRANSFORMS[name].choose(asked.backend, params) for name, params in rows)
    return Transforms(train=chosen + normalize, val=normalize, test=normalize)
