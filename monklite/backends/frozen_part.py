"""Find the frozen part of a network in the graph of its operations, for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# parts of the names of operations and layers that draw random numbers
_RANDOM = ("dropout", "drop_path", "stochastic", "rand", "bernoulli", "rrelu", "noise")


@dataclass(frozen=True)
class Operation:
    """An operation of a network, or a weight or image that operations take.

    `name`: in the graph. `kind`: its function or layer. `inputs`: the places of the operations that it takes from, all before it.
    `is_trained`: training changes what it does. `has_weights`: it is a layer with weights or takes one. `is_source`: an
    image or a weight.
    """

    name: str
    kind: str
    inputs: tuple[int, ...]
    is_trained: bool = False
    has_weights: bool = False
    is_source: bool = False

    @property
    def is_random(self) -> bool:
        return any(part in self.kind.lower() for part in _RANDOM)


def lower_half(operations: Sequence[Operation]) -> set[int]:
    """The places of the operations below all that is trained.

    Those that only pass on what is frozen, such as pooling, belong to it. Of those that draw random numbers, only those that a
    frozen layer follows do, which draw none in inference mode.
    """
    fixed: set[int] = set()
    for i, operation in enumerate(operations):
        if not operation.is_trained and all(source in fixed for source in operation.inputs):
            fixed.add(i)
    below_frozen: set[int] = set()
    for i in reversed(range(len(operations))):
        operation = operations[i]
        if i in fixed and not operation.is_source and operation.has_weights:
            below_frozen.add(i)
        if i in below_frozen:
            below_frozen.update(operation.inputs)
    if not below_frozen:
        return set()
    lower: set[int] = set()
    for i, operation in enumerate(operations):
        passes_on = (
            i in fixed
            and not operation.is_source
            and not operation.is_random
            and all(source in lower for source in operation.inputs)
        )
        if i in below_frozen or passes_on:
            lower.add(i)
    return lower


def boundary(operations: Sequence[Operation], lower: set[int]) -> list[int]:
    """The places of the operations of the lower half whose results are used above, in their order."""
    used = {source for i, operation in enumerate(operations) if i not in lower for source in operation.inputs}
    return sorted(used & lower)
