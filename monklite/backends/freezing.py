"""Choose the layers to freeze, for a whole training or until the head is trained, by the same rule for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ..errors import InvalidValue
from ..spec import ModelSpec, Resolved

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
    return [layer for name, layer in layers if model.freeze_base and not is_in_head(name, heads)]


def layers_that_wait(spec: Resolved, layers: Sequence[tuple[str, Layer]], heads: tuple[str, ...]) -> list[Layer]:
    """The layers that are trained, but not in the first `head_epochs`. Arguments as of `layers_to_freeze`."""
    if not spec.training.head_epochs:
        return []
    frozen = {id(layer) for layer in layers_to_freeze(spec.model, layers, heads)}
    return [layer for name, layer in layers if id(layer) not in frozen and not is_in_head(name, heads)]


def is_in_head(name: str, heads: tuple[str, ...]) -> bool:
    """Whether the layer of that dotted name is a classifier or belongs to one."""
    return f"{name}.".startswith(tuple(f"{head}." for head in heads))
