"""The networks of timm (PyTorch Image Models), which know their input size, normalization and head themselves."""

from __future__ import annotations

import functools

from torch import nn

from ...catalog.backends import Cell
from ...catalog.model_table import ModelRow, Normalization
from ...errors import InvalidValue, PretrainedUnavailable, cut, unknown
from ...spec import Resolved
from ..base import RANDOM_WEIGHTS

# by the beginning of their names: those whose recipes are of networks with attention
FAMILIES = {
    "vit": ("vit", "deit", "beit", "eva", "cait"),
    "swin": ("swin",),
    "maxvit": ("maxvit", "coatnet"),
    "convnext": ("convnext",),
}
MAX_PROBLEM = 200


@functools.cache
def row(name: str) -> ModelRow:
    """The row of a network by its name in timm, which may end in a dot and the tag of its weights.

    Raises:
        UnknownName: timm has no such network.
    """
    import timm

    known = timm.list_models(include_tags=True) + timm.list_models()
    if name not in known:
        raise unknown("network of timm", name, known)
    settings = timm.get_pretrained_cfg(name, allow_unregistered=True)
    classifier = settings.classifier or ()
    return ModelRow(
        f"timm/{name}",
        next((family for family, starts in FAMILIES.items() if name.startswith(starts)), "timm"),
        {"pytorch": Cell(name, package="timm")},
        {"pytorch": (classifier,) if isinstance(classifier, str) else tuple(classifier)},
        settings.input_size[-1],
        Normalization(tuple(settings.mean), tuple(settings.std)),
        fixed_size=("pytorch",) if settings.fixed_input_size else (),
    )


def build(row: ModelRow, spec: Resolved, n_classes: int, pretrained: bool) -> tuple[nn.Module, str]:
    """The network with a new head, and the source of its weights.

    Raises:
        PretrainedUnavailable: they are neither in the cache of the hub nor reachable. InvalidValue: timm cannot build it so.
    """
    import timm

    name, size = row.cells["pytorch"].path, spec.data.input_size
    from_hub = pretrained and spec.model.pretrained and not spec.model.weights_path
    options = {"img_size": size} if row.fixed_size and size != row.input_size else {}
    # built without weights first: what fails then is no download
    try:
        network = timm.create_model(name, num_classes=n_classes, **options)
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        raise InvalidValue(
            f"{row.name} cannot be built for input_size={size}: {cut(str(error), MAX_PROBLEM)}"
        ) from None
    if not from_hub:
        return network, RANDOM_WEIGHTS
    if not network.pretrained_cfg.get("hf_hub_id") and not network.pretrained_cfg.get("url"):
        raise PretrainedUnavailable(f"timm has no pretrained weights of {row.name}; use use_pretrained=False")
    try:
        network = timm.create_model(name, pretrained=True, num_classes=n_classes, **options)
    # the hub's library raises errors of many kinds
    except Exception as error:
        raise PretrainedUnavailable(
            f"the pretrained weights of {row.name} could not be loaded ({type(error).__name__}: "
            f"{cut(str(error), MAX_PROBLEM)}). Go online once, or start from random weights: use_pretrained=False"
        ) from None
    return network, f"timm ({network.pretrained_cfg.get('tag') or 'default'})"
