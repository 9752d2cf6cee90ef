"""Upgrades of older states, one step per schema. A step never changes, because its input is no longer written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..catalog.default_recipes import BY_RECIPE, defaults
from ..catalog.stored import checked
from ..errors import MonkliteError
from ..rules import AUTO
from ..settings_tree import build
from ..spec import Spec

Values = dict[str, Any]


def _from_1(values: Values) -> Values:
    """Upgrade schema 1, which had one spec: as asked at first, and as resolved once the data were prepared.

    Values equal to the recipe's become open again, so that a changed copy gets the recipe that then fits. Schema 1 does not
    tell them from values that the user chose. The number of processors belongs to a machine and is always left open.
    """
    upgraded = {name: value for name, value in values.items() if name != "spec"}
    old = values.get("spec", {})
    spec = {**old, "data": _data_from_1(old.get("data", {})), "model": _model_from_1(old.get("model", {}))}
    if all(spec.get(section, {}).get(name) not in (None, AUTO) for section, name in _recipe_fields()):
        upgraded["resolved"] = spec
    asked = {section: dict(value) if isinstance(value, dict) else value for section, value in spec.items()}
    try:
        recipe = defaults(build(Spec, spec))
    # for example a network whose package is not installed: the state can be read nevertheless
    except MonkliteError:
        recipe = {}
    stored = _with_later_parameters(build(Spec, spec))
    for section, name in _recipe_fields():
        path = f"{section}.{name}"
        if name == "workers" or (path in recipe and stored.get(path) == recipe[path]):
            asked.setdefault(section, {})[name] = None
    return {**upgraded, "asked": asked, "schema": 2}


def _with_later_parameters(spec: Spec) -> Spec:
    """The settings with the parameters that were added to their rows since; as they are if they are damaged."""
    try:
        return checked(spec)
    except MonkliteError:
        return spec


def _recipe_fields() -> list[tuple[str, str]]:
    return [(section, name) for section, _, name in (path.partition(".") for path in BY_RECIPE)]


def _data_from_1(data: Values) -> Values:
    """Turn two paths and two tables into one or two sources."""
    replaced = ("train_path", "val_path", "train_csv", "val_csv", "delimiter")
    sources = []
    for subset in ("train", "val"):
        path, csv = data.get(f"{subset}_path"), data.get(f"{subset}_csv")
        if path is not None:
            table = {} if csv is None else {"csv": csv, "delimiter": data.get("delimiter", ",")}
            sources.append({"path": path, **table})
    kept = {name: value for name, value in data.items() if name not in replaced}
    return {**kept, "sources": sources, "stored_size": data.get("stored_size") or AUTO}


def _model_from_1(model: Values) -> Values:
    return {**model, "weights_path": model.get("weights_path") or (), "freeze_layers": model.get("freeze_layers") or 0}


def _from_2(values: Values) -> Values:
    """Upgrade schema 2, in which the seed of the training determined the split too, image by image."""
    upgraded = {**values, "schema": 3}
    for name in ("asked", "resolved"):
        if spec := values.get(name):
            upgraded[name] = {**spec, "data": {**spec.get("data", {}), "split_seed": spec.get("seed", 0), "group": ""}}
    return upgraded


# UPGRADES[n] turns a state of schema n into one of schema n + 1
UPGRADES: dict[int, Callable[[Values], Values]] = {1: _from_1, 2: _from_2}
