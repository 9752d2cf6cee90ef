"""Older states made newer, one step each. A step is never changed again: its input is written by nobody any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..catalog.recipes import BY_RECIPE, defaults
from ..errors import MonkliteError
from ..rules import AUTO
from ..spec import Spec, build

Values = dict[str, Any]


def _from_1(values: Values) -> Values:
    """Schema 1 had one spec: what was asked, and, from the preparation of the data on, what was computed with.

    What a stored spec had from the recipe is left to the recipe again, so that a copy that is changed gets the recipe that then
    fits; it cannot be told from what was asked for with the same value. The number of processors is that of a machine.
    """
    upgraded = {name: value for name, value in values.items() if name != "spec"}
    spec = values.get("spec", {})
    both = {**spec, "data": _data_from_1(spec.get("data", {})), "model": _model_from_1(spec.get("model", {}))}
    if all(both.get(part, {}).get(name) not in (None, AUTO) for part, name in _fields()):
        upgraded["resolved"] = both
    asked = {part: dict(value) if isinstance(value, dict) else value for part, value in both.items()}
    try:
        taken = defaults(build(Spec, both))
    except MonkliteError:  # a network whose package is not here, say: the state can be read all the same
        taken = {}
    stored = build(Spec, both)
    for part, name in _fields():
        path = f"{part}.{name}"
        if name == "workers" or (path in taken and stored.get(path) == taken[path]):
            asked.setdefault(part, {})[name] = None
    return {**upgraded, "asked": asked, "schema": 2}


def _fields() -> list[tuple[str, str]]:
    return [(part, name) for part, _, name in (path.partition(".") for path in BY_RECIPE)]


def _data_from_1(data: Values) -> Values:
    """Two paths and two tables become one or two sources."""
    before = ("train_path", "val_path", "train_csv", "val_csv", "delimiter")
    sources = []
    for subset in ("train", "val"):
        path, csv = data.get(f"{subset}_path"), data.get(f"{subset}_csv")
        if path is not None:
            table = {} if csv is None else {"csv": csv, "delimiter": data.get("delimiter", ",")}
            sources.append({"path": path, **table})
    kept = {name: value for name, value in data.items() if name not in before}
    return {**kept, "sources": sources, "stored_size": data.get("stored_size") or AUTO}


def _model_from_1(model: Values) -> Values:
    return {**model, "weights_path": model.get("weights_path") or (), "freeze_layers": model.get("freeze_layers") or 0}


# UPGRADES[n] turns a state of schema n into one of schema n + 1
UPGRADES: dict[int, Callable[[Values], Values]] = {1: _from_1}
