"""Choose the layers to freeze, by the same rule for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ..errors import InvalidValue
from ..spec import ModelSpec

Layer = TypeVar("Layer")


def layers_to_freeze(model: ModelSpec, layers: Sequence[tuple[str, Layer]], heads: tuple[str, ...]) -> list[Layer]:
    """The first `freeze_layers` layers, else with `freeze_base` all but the heads, else none.

    Args:
        layers: dotted name and layer, from input to output. heads: dotted names of the classifiers.

    Raises:
        InvalidValue: nothing would be left to train.
    """
    n = model.freeze_layers
    if n:
        if n >= len(layers):
            raise InvalidValue(f"{model.name} has {len(layers)} layers: freeze at most {len(layers) - 1}, not {n}")
        return [layer for _, layer in layers[:n]]
    prefixes = tuple(f"{head}." for head in heads)
    return [layer for name, layer in layers if model.freeze_base and not f"{name}.".startswith(prefixes)]
