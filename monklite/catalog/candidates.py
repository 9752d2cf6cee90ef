"""The networks among which one is chosen, with what a look of each costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InvalidValue
from .models import find_model, names


@dataclass(frozen=True)
class Candidate:
    """A network that can be chosen.

    `cost`: the time of a forward pass at its own input size, as a multiple of ResNet18's. It decides only which networks are
    looked at first, and how long the next look is expected to take: what the looks so far took is measured.
    """

    name: str
    cost: float


# measured on one core of a CPU with AVX-512, float32, channels last, 4 images; those of networks that torch does not have are
# those of the same network of the next version or width
CANDIDATES = (
    Candidate("shufflenet_v2_x1_0", 0.3),
    Candidate("mobilenet0.5", 0.35),
    Candidate("squeezenet1_1", 0.37),
    Candidate("mobilenet_v3_large", 0.45),
    Candidate("regnet_y_400mf", 0.65),
    Candidate("mobilenet_v2", 0.9),
    Candidate("mobilenet1.0", 0.9),
    Candidate("resnet18", 1.0),
    Candidate("resnet18_v2", 1.0),
    Candidate("efficientnet_b0", 1.05),
    Candidate("efficientnet_b1", 1.3),
    Candidate("regnet_y_1_6gf", 1.6),
    Candidate("resnet34", 2.3),
    Candidate("resnet34_v2", 2.3),
    Candidate("densenet121", 2.5),
    Candidate("densenet169", 3.0),
    Candidate("resnet50", 3.1),
    Candidate("resnet50_v2", 3.1),
    Candidate("regnet_y_3_2gf", 3.3),
    Candidate("convnext_tiny", 3.8),
    Candidate("swin_t", 4.2),
    Candidate("resnext50_32x4d", 4.7),
    Candidate("resnet101", 6.2),
    Candidate("resnet101_v2", 6.2),
    Candidate("convnext_small", 7.0),
    Candidate("vit_b_16", 9.0),
    Candidate("efficientnet_v2_s", 9.8),
)
# of a network that is not in the table
UNKNOWN_COST = 3.0


def candidates(backend: str, wanted: Sequence[str] | None = None) -> tuple[Candidate, ...]:
    """The candidates that a backend has, the cheapest first. `wanted`: networks by name in place of those of the table.

    Raises:
        InvalidValue: there is none. Else as `find_model`.
    """
    if wanted is not None and not wanted:
        raise InvalidValue("networks must name at least one network to choose from; None: those of the table")
    if wanted is None:
        available = {*names(backend)}
        return tuple(candidate for candidate in CANDIDATES if candidate.name in available)
    costs = {candidate.name: candidate.cost for candidate in CANDIDATES}
    rows = dict.fromkeys(find_model(name, backend).name for name in wanted)
    return tuple(sorted((Candidate(name, costs.get(name, UNKNOWN_COST)) for name in rows), key=lambda c: c.cost))
