"""Groups of layers with learning rates of their own, by the same rule for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from ..errors import InvalidValue
from ..spec import Resolved
from .freezing import is_in_head

Layer = TypeVar("Layer")


class Group(NamedTuple):
    """Layers that share a learning rate. `factor`: it as a multiple of the optimizer's."""

    factor: float
    layers: list[Any]


def layer_groups(spec: Resolved, layers: Sequence[tuple[str, Layer]], heads: tuple[str, ...]) -> list[Group]:
    """The groups of `layer_rates`, first layers first; none without these.

    The last group is the heads. The other layers are divided into groups of equal numbers, of which the first have one more where
    the division leaves a rest. So networks with the same layers have the same groups on every backend. While only the head is
    trained there is only its group.

    Args:
        layers: dotted name and layer, of the trained ones, from input to output. heads: dotted names of the classifiers.

    Raises:
        InvalidValue: there are fewer layers than groups.
    """
    if not spec.training.layer_rates:
        return []
    *factors, last = spec.training.layer_rates
    head = [layer for name, layer in layers if is_in_head(name, heads)]
    base = [layer for name, layer in layers if not is_in_head(name, heads)]
    if not base or not factors:
        return [Group(last, base + head)]
    if len(factors) > len(base):
        raise InvalidValue(
            f"layer_rates has {len(factors)} rates for the layers before the head, and {spec.model.name} trains only "
            f"{len(base)} of these: give at most {len(base) + 1} rates, or one for all with update_layer_rates(decay=1) or "
            "Fine_Tune(layer_decay=1)"
        )
    size, rest = divmod(len(base), len(factors))
    ends = [(i + 1) * size + min(i + 1, rest) for i in range(len(factors))]
    starts = [0, *ends[:-1]]
    lower = [Group(factor, base[a:b]) for factor, a, b in zip(factors, starts, ends, strict=True)]
    return [*lower, Group(last, head)]
