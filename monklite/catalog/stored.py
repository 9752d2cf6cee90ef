"""The choices of stored settings, checked against the rows of the catalog.

A state may come from other people, so nothing in it is taken on trust. What a choice lacks was added to its row later, and gets
its default (a choice without a required value is refused where it is used). Whether a backend supports it is not asked here: a
run can be listed where its backend is not installed, and is refused when it is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import find
from ..spec import SUBSETS, Choice, Resolved, Spec
from . import custom_networks
from .appended import APPENDED
from .losses import LOSSES
from .optimizers import OPTIMIZERS
from .rows import Row
from .schedules import SCHEDULES
from .transforms import TRANSFORMS

TRAINING: Mapping[str, tuple[str, Mapping[str, Row]]] = {
    "optimizer": ("optimizer", OPTIMIZERS),
    "schedule": ("learning-rate schedule", SCHEDULES),
    "loss": ("loss", LOSSES),
}


def checked(spec: Spec | Resolved) -> Any:
    """The settings with the values of every choice in their plain types.

    Raises:
        UnknownName: no row has that name. UnknownArgument: a parameter that the row does not have.
        InvalidType, InvalidValue: a value that breaks its rule.
    """
    return spec.replace(dict(_choices(spec)))


def _choices(spec: Spec | Resolved) -> Iterator[tuple[str, Any]]:
    for name, (kind, rows) in TRAINING.items():
        chosen: Choice | None = getattr(spec.training, name)
        if chosen is not None:
            yield f"training.{name}", find(kind, chosen.name, rows).stored(chosen)
    yield "model.layers", custom_networks.stored(spec.model.layers)
    appended = (find("appended layer", chosen.name, APPENDED).stored(chosen) for chosen in spec.model.appended)
    yield "model.appended", tuple(appended)
    for subset in SUBSETS:
        chain = getattr(spec.data.transforms, subset)
        yield (
            f"data.transforms.{subset}",
            tuple(find("transform", chosen.name, TRANSFORMS).stored(chosen) for chosen in chain),
        )
